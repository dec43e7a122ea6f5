package index

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/trailblame/trailblame/ingest"
)

// The Parquet schema: one optional leaf for each ingest.Column, named in snake
// case as SQL on CloudTrail commonly does, nested where the record nests; and
// four columns of our own. Groups are required, so a leaf is present or not at
// definition level 1 or 0, whatever it is nested in.
const (
	templateColumn = "record_template" // see template.go
	objectColumn   = "source_object"   // the delivery
	positionColumn = "source_index"    // position in the delivery
	nativeColumn   = "is_state_change" // an EventBridge state change
)

// snakePath returns the Parquet path of a column.
func snakePath(c ingest.Column) []string {
	path := make([]string, len(ingest.Columns[c].Path))
	for i, key := range ingest.Columns[c].Path {
		path[i] = snake(key)
	}
	return path
}

// words makes words of what keys write as one.
var words = strings.NewReplacer("webId", "WebId", "vpcEndpoint", "VpcEndpoint")

// snake turns sourceIPAddress into source_ip_address and awsRegion into
// aws_region.
func snake(key string) string {
	var b strings.Builder
	runes := []rune(words.Replace(key))
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			lowerBefore := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			lowerAfter := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if lowerBefore || lowerAfter && unicode.IsUpper(runes[i-1]) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// leafOf gives the Parquet type of a column.
func leafOf(c ingest.Column) parquet.Node {
	switch ingest.Columns[c].Kind {
	case ingest.JSON:
		return text(parquet.JSON())
	case ingest.Bool:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case ingest.Time:
		return parquet.Optional(parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked))
	}
	switch c {
	case ingest.EventID, ingest.RequestID:
		return parquet.Optional(parquet.Encoded(parquet.String(), &parquet.DeltaLengthByteArray))
	}
	return text(parquet.String())
}

// text is a dictionary-encoded optional leaf: values repeat, and where they do
// not the writer falls back to plain encoding.
func text(n parquet.Node) parquet.Node {
	return parquet.Optional(parquet.Encoded(n, &parquet.RLEDictionary))
}

// leaves maps the file's leaf columns: leaves.of gives the index of a column's
// leaf.
type leaves struct {
	leaves   []leaf
	of       [ingest.NumColumns]int
	time     int // eventTime
	template int
	object   int
	position int
	native   int
	count    int
}

// leaf is a leaf column of the file.
type leaf struct {
	column   ingest.Column // NumColumns for our own
	path     []string
	kind     format.Type
	optional bool
}

// name is the leaf's name in the schema.
func (l *leaf) name() string { return l.path[len(l.path)-1] }

// layout is made without parquet-go, whose reflection takes as long as a search for
// one event; schema, which only writers need, must have the same leaves.
var layout = newLayout()

func newLayout() *leaves {
	l := &leaves{leaves: []leaf{
		{ingest.NumColumns, []string{templateColumn}, format.ByteArray, false},
		{ingest.NumColumns, []string{objectColumn}, format.ByteArray, false},
		{ingest.NumColumns, []string{positionColumn}, format.Int32, false},
		{ingest.NumColumns, []string{nativeColumn}, format.Boolean, false},
	}}
	for c := range ingest.NumColumns {
		l.leaves = append(l.leaves, leaf{c, snakePath(c), kindOf(c), true})
	}
	l.count = len(l.leaves)
	// The order of a group's members is that of their names.
	slices.SortFunc(l.leaves, func(a, b leaf) int { return slices.Compare(a.path, b.path) })
	for i, leaf := range l.leaves {
		switch {
		case leaf.column < ingest.NumColumns:
			l.of[leaf.column] = i
		case leaf.path[0] == templateColumn:
			l.template = i
		case leaf.path[0] == objectColumn:
			l.object = i
		case leaf.path[0] == positionColumn:
			l.position = i
		case leaf.path[0] == nativeColumn:
			l.native = i
		}
	}
	l.time = l.of[ingest.EventTime]
	return l
}

// kindOf gives the physical type of a column.
func kindOf(c ingest.Column) format.Type {
	switch ingest.Columns[c].Kind {
	case ingest.Bool:
		return format.Boolean
	case ingest.Time:
		return format.Int64
	}
	return format.ByteArray
}

// schema is the schema of every Parquet file.
var schema = sync.OnceValue(func() *parquet.Schema {
	root := parquet.Group{
		templateColumn: parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), &parquet.RLEDictionary),
		objectColumn:   parquet.Encoded(parquet.String(), &parquet.RLEDictionary),
		positionColumn: parquet.Encoded(parquet.Int(32), &parquet.DeltaBinaryPacked),
		nativeColumn:   parquet.Leaf(parquet.BooleanType),
	}
	for c := range ingest.NumColumns {
		path := snakePath(c)
		group := root
		for _, name := range path[:len(path)-1] {
			next, ok := group[name].(parquet.Group)
			if !ok {
				next = parquet.Group{}
				group[name] = next
			}
			group = next
		}
		group[path[len(path)-1]] = leafOf(c)
	}
	return parquet.NewSchema("cloudtrail", root)
})

// fileSchema is the schema as the footer of a file has it.
type fileSchema struct {
	elements []format.SchemaElement
	orders   []format.ColumnOrder
}
