//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// record is one event; n makes it differ from all others.
func record(n uint64) string {
	random := rand.New(rand.NewPCG(n, 1))
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%016X:session","arn":"arn:aws:sts::111122223333:assumed-role/deploy/session","accountId":"111122223333","accessKeyId":"ASIA%016X"},"eventTime":"2026-01-%02dT%02d:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"10.%d.%d.%d","userAgent":"aws-sdk-go-v2/1.47.6 os/linux lang/go#1.26","requestParameters":{"bucketName":"prod-artifacts","key":"builds/%x.zip"},"responseElements":null,"requestID":"%016X","eventID":"%08x-0000-4000-8000-%012x","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`,
		random.IntN(5000), random.IntN(20000), 1+random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60),
		random.IntN(256), random.IntN(256), random.IntN(256), random.Uint64(), random.Uint64(), n>>32, n)
}

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text) //nolint:errcheck // into memory
	z.Close()
	return b.Bytes()
}

// create makes a file and the folders that it is in.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.Create(path)
}

// writeObject writes a delivery of size bytes before compression, or a little
// more, and returns how many records it holds.
func writeObject(path string, size int64) (records int64, err error) {
	f, err := create(path)
	if err != nil {
		return 0, err
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	fmt.Fprint(z, `{"Records":[`)
	for written := int64(0); written < size; records++ {
		text := record(uint64(records))
		if records > 0 {
			text = "," + text
		}
		written += int64(len(text))
		if _, err := io.WriteString(z, text); err != nil {
			return 0, errors.Join(err, f.Close())
		}
	}
	fmt.Fprint(z, `]}`)
	return records, errors.Join(z.Close(), f.Close())
}

// writeBomb writes begin and then text again and again, size bytes in all, as
// gzip members of which all but the first are the same.
func writeBomb(path, begin, text string, size int64) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	const member = 64 << 20
	same := packed(strings.Repeat(text, member/len(text)))
	_, err = f.Write(packed(begin))
	for left := size; left > 0 && err == nil; left -= member {
		_, err = f.Write(same)
	}
	return errors.Join(err, f.Close())
}
