package index

import (
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// HiveColumn is a column of the Parquet files with its type as Hive's DDL, and
// so Athena's, spells it.
type HiveColumn struct{ Name, Type string }

// PartitionColumn names the column that the folders of the events stand for.
const PartitionColumn = "date"

// HiveColumns returns the columns of every Parquet file of an index, in their
// order. The partition column is not among them.
func HiveColumns() []HiveColumn {
	var list []HiveColumn
	for _, f := range schema().Fields() {
		list = append(list, HiveColumn{f.Name(), hiveType(f)})
	}
	return list
}

func hiveType(n parquet.Node) string {
	if n.Leaf() {
		return hiveLeaf(n.Type())
	}
	var members []string
	for _, f := range n.Fields() {
		members = append(members, f.Name()+":"+hiveType(f))
	}
	return "struct<" + strings.Join(members, ",") + ">"
}

func hiveLeaf(t parquet.Type) string {
	if l := t.LogicalType(); l != nil {
		switch l.Value.(type) {
		case *format.TimestampType:
			return "timestamp"
		case *format.StringType, *format.JsonType:
			return "string"
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return "boolean"
	case parquet.Int32:
		return "int"
	}
	return "binary"
}

// EventsDir is the folder of the Parquet files in an index.
const EventsDir = eventsDir
