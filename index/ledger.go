package index

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/trailblame/trailblame/ingest"
)

// writeLedger writes entries as a ledger file.
func writeLedger(fsys fileSystem, number uint64, entries []*ingest.Entry) (ledgerFile, error) {
	name := fmt.Sprintf("%s/%08d.ndjson.gz", ledgerDir, number)
	if err := fsys.mkdirAll(ledgerDir); err != nil {
		return ledgerFile{}, fmt.Errorf("create %s: %w", ledgerDir, plainError(err))
	}
	fsys.remove(name) // of a commit that did not come to its end
	info := ledgerFile{Entries: len(entries)}
	err := writeDurably(fsys, name, func(w io.Writer) error {
		h := newHashed(w)
		zip := gzip.NewWriter(h)
		encoder := json.NewEncoder(zip)
		encoder.SetEscapeHTML(false)
		for _, e := range entries {
			if err := encoder.Encode(e); err != nil {
				return err
			}
		}
		err := zip.Close()
		info.fileInfo = h.info(name)
		return err
	})
	if err != nil {
		return info, err
	}
	if err := fsys.syncDir(ledgerDir); err != nil {
		return info, fmt.Errorf("sync %s: %w", ledgerDir, plainError(err))
	}
	return info, nil
}

// maxLedgerFile bounds a ledger file; the writer makes far smaller ones.
const maxLedgerFile = 1 << 30

// readLedger yields the entries of a ledger file. An error is the last thing
// yielded.
func readLedger(fsys fileSystem, info ledgerFile) iter.Seq2[*ingest.Entry, error] {
	return func(yield func(*ingest.Entry, error) bool) {
		b, err := readAll(fsys, info.Name, maxLedgerFile)
		if err != nil {
			yield(nil, err)
			return
		}
		if hash := sha256.Sum256(b); hex.EncodeToString(hash[:]) != info.SHA256 {
			yield(nil, corrupt(info.Name, 0, "the file does not match its hash"))
			return
		}
		zip, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			yield(nil, corrupt(info.Name, 0, "%v", err))
			return
		}
		decoder := json.NewDecoder(bufio.NewReader(zip))
		for range info.Entries {
			e := new(ingest.Entry)
			if err := decoder.Decode(e); err != nil {
				yield(nil, corrupt(info.Name, decoder.InputOffset(), "%v", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
