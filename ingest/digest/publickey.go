package digest

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// ErrNoKey says that a KeySource does not have the key that was asked for.
var ErrNoKey = errors.New("public key not found")

// KeyQuery asks for the key with a fingerprint that was valid in a region at
// some moment from From to To. A zero To is open.
type KeyQuery struct {
	Region, Fingerprint string
	From, To            time.Time
}

// KeySource finds CloudTrail's public keys. It may be used by several
// goroutines at once.
type KeySource interface {
	// PublicKey returns the key in DER, or ErrNoKey.
	PublicKey(ctx context.Context, q KeyQuery) ([]byte, error)
}

// PublicKey is one entry of what `aws cloudtrail list-public-keys` prints. A
// zero time is open.
type PublicKey struct {
	Fingerprint        string
	Value              []byte // DER
	ValidFrom, ValidTo time.Time
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *PublicKey) UnmarshalJSON(b []byte) error {
	var entry struct {
		Fingerprint                        string
		Value                              []byte
		ValidityStartTime, ValidityEndTime timestamp
	}
	if err := json.Unmarshal(b, &entry); err != nil {
		return err
	}
	*p = PublicKey{entry.Fingerprint, entry.Value, entry.ValidityStartTime.Time, entry.ValidityEndTime.Time}
	return nil
}

// timestamp is a time as the versions of the AWS CLI print it: RFC 3339, or
// seconds since 1970 as a number or a string.
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *timestamp) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		text = string(b)
	}
	if text == "" || text == "null" {
		return nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		t.Time = time.Unix(int64(seconds), 0).UTC()
		return nil
	}
	var err error
	t.Time, err = time.Parse(time.RFC3339, text)
	return err
}

// KeyRing is the KeySource of saved keys. The files do not say which region
// they are of; a fingerprint is unique anyway.
type KeyRing struct{ keys map[string][]PublicKey }

// maxKeyFile is far above what a list of keys takes.
const maxKeyFile = 64 << 20

// LoadPublicKeys reads what `aws cloudtrail list-public-keys` prints, for one
// region or for several in a row.
func LoadPublicKeys(r io.Reader) (*KeyRing, error) {
	ring := &KeyRing{keys: map[string][]PublicKey{}}
	dec := json.NewDecoder(io.LimitReader(r, maxKeyFile))
	for {
		var list struct{ PublicKeyList []PublicKey }
		err := dec.Decode(&list)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read public keys: %w", err)
		}
		ring.Add(list.PublicKeyList...)
	}
	if len(ring.keys) == 0 {
		return nil, errors.New("read public keys: there is no key in PublicKeyList")
	}
	return ring, nil
}

// Add puts more keys on the ring.
func (k *KeyRing) Add(keys ...PublicKey) {
	if k.keys == nil {
		k.keys = map[string][]PublicKey{}
	}
	for _, key := range keys {
		k.keys[key.Fingerprint] = append(k.keys[key.Fingerprint], key)
	}
}

// PublicKey implements KeySource.
func (k *KeyRing) PublicKey(_ context.Context, q KeyQuery) ([]byte, error) {
	for _, key := range k.keys[q.Fingerprint] {
		if key.overlaps(q.From, q.To) {
			return key.Value, nil
		}
	}
	return nil, ErrNoKey
}

func (p *PublicKey) overlaps(from, to time.Time) bool {
	early := !to.IsZero() && !p.ValidFrom.IsZero() && to.Before(p.ValidFrom)
	late := !p.ValidTo.IsZero() && p.ValidTo.Before(from)
	return !early && !late
}

// parseKey reads a key in the form that is documented, PKCS #1, or in the one
// that is also seen, PKIX.
func parseKey(der []byte) (*rsa.PublicKey, error) {
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key is a %T, not RSA", parsed)
	}
	return key, nil
}
