package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gunzip decompresses all objects of a trail and throws the bytes away, on all
// cores: the least that any reader of the trail does.
func gunzip(trail string) error {
	names := make(chan string)
	errs := make(chan error, runtime.NumCPU())
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			var z gzip.Reader
			in := bufio.NewReaderSize(nil, 64<<10)
			buf := make([]byte, 256<<10)
			var failed error
			for name := range names {
				failed = errors.Join(failed, gunzipFile(name, in, &z, buf))
			}
			errs <- failed
		})
	}
	err := filepath.WalkDir(trail, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json.gz") {
			names <- path
		}
		return err
	})
	close(names)
	workers.Wait()
	close(errs)
	for failed := range errs {
		err = errors.Join(err, failed)
	}
	return err
}

func gunzipFile(name string, in *bufio.Reader, z *gzip.Reader, buf []byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in.Reset(f)
	if err := z.Reset(in); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// The wrapper hides WriteTo, which would take a buffer of its own each time.
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{z}, buf)
	return err
}
