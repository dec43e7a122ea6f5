package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// standardOutput is standard output, which keeps its first error: a result that
// did not reach its reader is never taken for one that did, whoever wrote it.
type standardOutput struct {
	file *os.File
	mu   sync.Mutex
	err  error
}

func (s *standardOutput) Write(b []byte) (int, error) {
	n, err := s.file.Write(b)
	if err != nil {
		s.mu.Lock()
		if s.err == nil {
			s.err = plainError(err)
		}
		s.mu.Unlock()
	}
	return n, err
}

// plainError is what went wrong, without the name that Go has for standard
// output.
func plainError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (s *standardOutput) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// outcome turns how a command ended, and what became of its output, into the
// error to report. A reader that went away, as head does, is no error worth a
// word; the exit status is that of a process killed by SIGPIPE.
func (s *standardOutput) outcome(err error) error {
	failed := s.failure()
	switch {
	case failed == nil:
		return err
	case isBrokenPipe(failed):
		return &silentError{exitPipe}
	}
	return fmt.Errorf("write standard output: %w", failed)
}
