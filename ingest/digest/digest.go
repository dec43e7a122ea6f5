// Package digest validates the integrity files that CloudTrail writes beside
// its deliveries: hourly digests, chained by their signatures, that list each
// log object with its hash. It needs no network: the objects come from a Store
// and the public keys from a KeySource, both of which may be files on disk.
package digest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Bounds of what one digest may cost. A busy region lists some thousand log
// objects an hour, at about 350 bytes each.
const (
	maxDigestBytes = 64 << 20 // decompressed
	maxLogFiles    = 200_000
	maxName        = 4096 // bytes of a bucket and key
)

// Digest is the content of one digest object.
type Digest struct {
	Account     string
	Start, End  time.Time
	Bucket, Key string // where CloudTrail wrote it
	Fingerprint string // of the public key
	// PreviousBucket and PreviousKey are empty in a digest that starts a chain.
	PreviousBucket, PreviousKey string
	PreviousHash                string
	PreviousSignature           string // hex; empty in a digest that starts a chain
	Logs                        []LogFile

	end string // as written, since it is part of what is signed
	sum [sha256.Size]byte
}

// LogFile is a delivery that a digest lists.
type LogFile struct {
	Bucket    string `json:"s3Bucket"`
	Key       string `json:"s3Object"`
	Hash      string `json:"hashValue"` // hex, of the decompressed content
	Algorithm string `json:"hashAlgorithm"`
}

// required is a string member that has to be there, though it may be null.
type required struct {
	present bool
	text    string
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *required) UnmarshalJSON(b []byte) error {
	r.present = true
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &r.text)
}

// document is a digest as written.
type document struct {
	Account           string    `json:"awsAccountId"`
	Start             required  `json:"digestStartTime"`
	End               required  `json:"digestEndTime"`
	Bucket            required  `json:"digestS3Bucket"`
	Key               required  `json:"digestS3Object"`
	Fingerprint       required  `json:"digestPublicKeyFingerprint"`
	PreviousBucket    string    `json:"previousDigestS3Bucket"`
	PreviousKey       string    `json:"previousDigestS3Object"`
	PreviousHash      string    `json:"previousDigestHashValue"`
	PreviousSignature required  `json:"previousDigestSignature"`
	Logs              []LogFile `json:"logFiles"`
}

// Parse reads the decompressed content of a digest object. It checks the
// form, not the signature.
func Parse(content []byte) (*Digest, error) {
	if len(content) > maxDigestBytes {
		return nil, fmt.Errorf("larger than %d bytes", maxDigestBytes)
	}
	var doc document
	if err := json.Unmarshal(content, &doc); err != nil {
		return nil, err
	}
	if err := doc.check(); err != nil {
		return nil, err
	}
	d := &Digest{
		Account: doc.Account, Bucket: doc.Bucket.text, Key: doc.Key.text, Fingerprint: doc.Fingerprint.text,
		PreviousBucket: doc.PreviousBucket, PreviousKey: doc.PreviousKey,
		PreviousHash: doc.PreviousHash, PreviousSignature: doc.PreviousSignature.text,
		Logs: doc.Logs, end: doc.End.text, sum: sha256.Sum256(content),
	}
	var err error
	if d.Start, err = time.Parse(time.RFC3339, doc.Start.text); err != nil {
		return nil, err
	}
	if d.End, err = time.Parse(time.RFC3339, doc.End.text); err != nil {
		return nil, err
	}
	return d, nil
}

func (doc *document) check() error {
	for _, member := range []struct {
		name string
		required
		nullable bool
	}{
		{"digestStartTime", doc.Start, false}, {"digestEndTime", doc.End, false},
		{"digestS3Bucket", doc.Bucket, false}, {"digestS3Object", doc.Key, false},
		{"digestPublicKeyFingerprint", doc.Fingerprint, false},
		{"previousDigestSignature", doc.PreviousSignature, true},
	} {
		if !member.present || !member.nullable && member.text == "" {
			return fmt.Errorf("%s is missing", member.name)
		}
	}
	if len(doc.Logs) > maxLogFiles {
		return fmt.Errorf("lists more than %d log files", maxLogFiles)
	}
	if len(doc.PreviousKey) > maxName || len(doc.PreviousBucket) > maxName {
		return errors.New("the name of the previous digest is too long")
	}
	for _, log := range doc.Logs {
		if log.Bucket == "" || log.Key == "" || log.Hash == "" {
			return errors.New("a log file lacks its name or hash")
		}
		if len(log.Bucket) > maxName || len(log.Key) > maxName {
			return errors.New("the name of a log file is too long")
		}
	}
	return nil
}

// StringToSign is the text that CloudTrail signs for the digest.
func (d *Digest) StringToSign() string {
	previous := d.PreviousSignature
	if previous == "" {
		previous = "null"
	}
	return strings.Join([]string{d.end, d.Bucket + "/" + d.Key, hex.EncodeToString(d.sum[:]), previous}, "\n")
}

// Verify checks a signature, in hex, of the digest. It does not matter where
// the signature was found: one that verifies was made by the key's owner.
func (d *Digest) Verify(key *rsa.PublicKey, signature string) error {
	return verify(key, d.StringToSign(), signature)
}

func verify(key *rsa.PublicKey, text, signature string) error {
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("the signature is not hexadecimal: %w", err)
	}
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw)
}

// hashIs reports whether the digest's content has the hash that a newer digest
// gives for it, where leading zeros may have been dropped.
func (d *Digest) hashIs(hash string) bool {
	return strings.EqualFold(strings.TrimLeft(hash, "0"), strings.TrimLeft(hex.EncodeToString(d.sum[:]), "0"))
}

// readDigest reads, decompresses and parses a digest object.
func readDigest(body io.Reader) (*Digest, error) {
	var content bytes.Buffer
	if err := inflate(&content, body, maxDigestBytes); err != nil {
		return nil, err
	}
	d, err := Parse(content.Bytes())
	if err != nil {
		return nil, &formatError{err.Error()}
	}
	return d, nil
}
