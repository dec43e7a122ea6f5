package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool is a temporary file of lines.
type spool struct {
	file *os.File
	w    *bufio.Writer
	size int64
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "trailblame-bundle-*")
	if err != nil {
		return nil, fmt.Errorf("gather a bundle: %w; set TMPDIR to a folder with space", err)
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, bufferSize)}, nil
}

func (s *spool) line(b []byte) error {
	s.size += int64(len(b)) + 1
	_, err := s.w.Write(b)
	return errors.Join(err, s.w.WriteByte('\n'))
}

func (s *spool) copyTo(w io.Writer) error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(s.file, 0, s.size))
	return err
}

// close removes the file. It may be called on nil.
func (s *spool) close() {
	if s != nil {
		s.file.Close()
		os.Remove(s.file.Name())
	}
}
