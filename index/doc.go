// Package index keeps events on disk: columnar, searchable, and such that
// damage is found rather than answered with.
//
// An index is a folder of segments. A segment holds events of one UTC day as a
// Parquet file, which any engine can read, and beside it a terms file with what
// Parquet lacks: term dictionaries with bitmaps, fingerprints of event and
// request ids, where else each event was delivered, and the checksums of the
// Parquet file's blocks. A manifest names the files that make up the index; it
// is replaced by one rename, which is the only commit point. Files are never
// changed once written.
//
// No byte reaches the Parquet or bitmap libraries before its checksum was
// compared, because neither library notices damage by itself.
//
// The formats are described where their code is: format.go for versions and
// names, template.go for how a record is rebuilt, block.go for checksums,
// terms_file.go for the terms file, manifest.go for the manifest.
package index
