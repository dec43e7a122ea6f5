// Package duckdb reads indexes with a real DuckDB, to see that SQL engines find
// in the Parquet files what the product finds. It is a module of its own, so
// that the product's stays free of cgo.
package duckdb
