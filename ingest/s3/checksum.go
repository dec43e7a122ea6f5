package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// checksum is a sum over all bytes of an object that S3 keeps beside it. Since
// the end of 2024 every new object has one, also those whose ETag is no MD5
// because they are encrypted.
type checksum struct {
	hash hash.Hash
	want string
}

// crc64NVME is the polynomial of the kind that S3 takes by default, reversed as
// the package crc64 wants it.
const crc64NVME = 0x9a6c9329ac4bc9b5

// crc64Table and crc32cTable are made once: that takes longer than the sum of a
// small object.
var (
	crc64Table  = crc64.MakeTable(crc64NVME)
	crc32cTable = crc32.MakeTable(crc32.Castagnoli)
)

// sums are the kinds of checksum by the end of their header, the quick first.
var sums = []struct {
	name string
	make func() hash.Hash
}{
	{"Crc32", func() hash.Hash { return crc32.NewIEEE() }},
	{"Crc32c", func() hash.Hash { return crc32.New(crc32cTable) }},
	{"Crc64nvme", func() hash.Hash { return crc64.New(crc64Table) }},
	{"Sha256", sha256.New},
	{"Sha1", sha1.New},
}

// checksumOf returns the checksum that an answer with a whole object carries,
// or nil. One over the sums of parts, which names their number, is of no use.
func checksumOf(response *http.Response) *checksum {
	if response.StatusCode != http.StatusOK {
		return nil // with a part, servers differ in what the sum is of
	}
	for _, kind := range sums {
		want := response.Header.Get("X-Amz-Checksum-" + kind.name)
		if want == "" || strings.Contains(want, "-") || response.Header.Get("X-Amz-Checksum-Type") == "COMPOSITE" {
			continue
		}
		return &checksum{kind.make(), want}
	}
	return nil
}

// fits reports whether what was written to the hash is the object.
func (c *checksum) fits() bool { return encoded(c) == c.want }

func encoded(c *checksum) string { return base64.StdEncoding.EncodeToString(c.hash.Sum(nil)) }
