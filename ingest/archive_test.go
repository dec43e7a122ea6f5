package ingest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Archives and other compressions may hold deliveries. They are not unpacked,
// so the run is not complete; files that are simply something else are no fault.
func TestArchivesAreNotPassedOver(t *testing.T) {
	text := []byte(`{"Records":[` + rec("a") + `]}`)
	var zipFile, tarFile bytes.Buffer
	z := zip.NewWriter(&zipFile)
	w, _ := z.Create("a.json")
	w.Write(text)
	z.Close()
	tw := tar.NewWriter(&tarFile)
	tw.WriteHeader(&tar.Header{Name: "a.json", Size: int64(len(text)), Mode: 0o600, Format: tar.FormatUSTAR})
	tw.Write(text)
	tw.Close()
	for name, c := range map[string]struct {
		content []byte
		status  Status
		named   string
	}{
		"a.zip":      {zipFile.Bytes(), StatusUnreadable, "zip"},
		"a.tar":      {tarFile.Bytes(), StatusUnreadable, "tar"},
		"a.tar.gz":   {gzipped(tarFile.String()), StatusUnreadable, "tar"},
		"a.json.gz":  {gzipped(zipFile.String()), StatusUnreadable, "zip"},
		"a.json.zst": {[]byte("\x28\xb5\x2f\xfd\x04\x00rest"), StatusUnreadable, "zstd"},
		"a.json.bz2": {[]byte("BZh91AY&SY"), StatusUnreadable, "bzip2"},
		"a.json.xz":  {[]byte("\xfd7zXZ\x00\x00\x04"), StatusUnreadable, "xz"},
		"a.7z":       {[]byte("7z\xbc\xaf\x27\x1c\x00\x04"), StatusUnreadable, "7z"},
		"a.lz4":      {[]byte("\x04\x22\x4d\x18\x60"), StatusUnreadable, "lz4"},
		"LICENSE":    {[]byte("Permission is hereby granted"), StatusNotTrail, ""},
		"a.parquet":  {[]byte("PAR1\x15\x04\x15"), StatusNotTrail, ""},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := NewLocal(path)
		if err != nil {
			t.Fatal(err)
		}
		var entry *Entry
		sink := &texts{}
		err = Run(t.Context(), []Source{src}, Options{Limits: DefaultLimits, NewSink: func() Sink { return sink }, Done: func(e *Entry) { entry = e }})
		if err != nil || entry == nil || entry.Status != c.status || entry.Incomplete() != (c.named != "") || !strings.Contains(entry.Problem, c.named) || len(sink.records) > 0 {
			t.Errorf("%s: %+v, %v", name, entry, err)
		}
	}
}
