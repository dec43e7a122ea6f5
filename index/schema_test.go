package index

import (
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/format"
)

// What readers take for the leaves of a file is what parquet-go makes of its schema.
func TestLayout(t *testing.T) {
	columns := schema().Columns()
	if len(columns) != layout.count || len(layout.leaves) != layout.count {
		t.Fatalf("%d columns, %d and %d leaves", len(columns), layout.count, len(layout.leaves))
	}
	for i, path := range columns {
		node, ok := schema().Lookup(path...)
		l := layout.leaves[i]
		if !ok || node.ColumnIndex != i || !slices.Equal(l.path, path) || l.kind != format.Type(node.Node.Type().Kind()) || l.optional != node.Node.Optional() {
			t.Errorf("leaf %d: %+v, the schema has %v", i, l, path)
		}
	}
	for c, i := range layout.of {
		if int(layout.leaves[i].column) != c {
			t.Errorf("column %d has leaf %d, which is of column %d", c, i, layout.leaves[i].column)
		}
	}
}
