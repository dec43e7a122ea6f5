package index

import "fmt"

// FormatVersion is the version of everything on disk. A reader accepts its own
// version and the older ones listed here.
//
//	1  first version
//	2  blocks of 16 in place of 64 KiB; the places of dictionaries' frames;
//	   terms packed apart from their postings
const FormatVersion = 2

// blockSizeOf returns how many bytes of a file one sum covers.
func blockSizeOf(version uint32) int64 {
	if version == 1 {
		return oldBlockSize
	}
	return blockSize
}

// Names in an index folder.
const (
	currentName   = "CURRENT"
	lockName      = "LOCK"    // held by the writer
	readersName   = "READERS" // shared by readers
	eventsDir     = "events"
	termsDir      = "terms"
	ledgerDir     = "ledger"
	stagingDir    = "tmp"
	manifestStem  = "MANIFEST-"
	unknownDate   = "unknown"
	datePrefix    = "date="
	parquetSuffix = ".parquet"
	termsSuffix   = ".terms"
)

// CorruptError is damage to a file of the index. No answer is ever computed
// from the damaged bytes.
type CorruptError struct {
	File   string
	Offset int64
	Reason string
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s; rebuild the index from its deliveries", e.File, e.Offset, e.Reason)
}

func corrupt(file string, offset int64, format string, args ...any) error {
	return &CorruptError{File: file, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}
