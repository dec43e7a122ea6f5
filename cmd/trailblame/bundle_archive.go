package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"time"
)

// archiveTime stands in place of every time in the archive: the earliest that
// the format can hold.
var archiveTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archive writes the files of a ZIP, and their sums.
type archive struct {
	zip  *zip.Writer
	sums bytes.Buffer
}

func (a *archive) file(name string, fill func(w io.Writer) error) error {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: archiveTime})
	if err != nil {
		return err
	}
	h := sha256.New()
	buffered := bufio.NewWriter(io.MultiWriter(w, h))
	if err := fill(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&a.sums, "%x  %s\n", h.Sum(nil), name)
	return nil
}

// write makes the archive out of what was gathered.
func (b *bundle) write() error {
	b.info.Asked = redactValue(b.app.redact, b.info.Asked)
	info, err := safeLine(b.info)
	if err != nil {
		return err
	}
	a := &archive{zip: zip.NewWriter(b.dest)}
	results := "findings.ndjson"
	if b.info.Asked.Command == "explain" {
		results = "explanation.json"
	}
	for _, f := range []struct {
		name string
		fill func(w io.Writer) error
	}{
		{"bundle.json", func(w io.Writer) error { _, err := w.Write(append(info, '\n')); return err }},
		{"citations.ndjson", b.writeCitations},
		{results, b.results.copyTo},
		{"records.ndjson", b.writeRecords},
	} {
		if err := a.file(f.name, f.fill); err != nil {
			return err
		}
	}
	if err := a.file("SHA256SUMS", func(w io.Writer) error { _, err := w.Write(bytes.Clone(a.sums.Bytes())); return err }); err != nil {
		return err
	}
	return a.zip.Close()
}

func (b *bundle) writeCitations(w io.Writer) error {
	for i := range b.citations {
		c := &b.citations[i].bundleRecord
		c.Line = i + 1
		line, err := safeLine(c)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func (b *bundle) writeRecords(w io.Writer) error {
	if err := b.records.w.Flush(); err != nil {
		return err
	}
	for i := range b.citations {
		c := &b.citations[i]
		if _, err := io.Copy(w, io.NewSectionReader(b.records.file, c.at, int64(c.size)+1)); err != nil {
			return err
		}
	}
	return nil
}
