package digest

import (
	"bytes"
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	tr := chainOf(f, hour{}, hour{})
	for _, key := range tr.keys {
		var content bytes.Buffer
		if err := inflate(&content, bytes.NewReader(tr.store.objects[key]), maxDigestBytes); err != nil {
			f.Fatal(err)
		}
		f.Add(content.Bytes())
	}
	f.Add([]byte(`{"digestEndTime":null,"previousDigestSignature":7}`))
	f.Add([]byte(`{"logFiles":[null,{}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := Parse(content)
		if (d == nil) == (err == nil) {
			t.Fatalf("%v, %v", d, err)
		}
		if err != nil {
			return
		}
		if d.Key == "" || d.Fingerprint == "" || d.Start.IsZero() && d.end == "" {
			t.Fatalf("%+v", d)
		}
		if err := d.Verify(&signer().PublicKey, "00"); err == nil {
			t.Fatal("verified")
		}
		ParseName(d.Key)
	})
}

// FuzzInflate holds that an object is valid only when it is one gzip member and
// nothing else.
func FuzzInflate(f *testing.F) {
	f.Add(zip([]byte("{}")), []byte("x"))
	f.Add([]byte("{}"), []byte{})
	f.Fuzz(func(t *testing.T, object, tail []byte) {
		var content bytes.Buffer
		err := inflate(&content, bytes.NewReader(object), 1<<16)
		if err != nil || len(tail) == 0 {
			return
		}
		if err := inflate(&content, bytes.NewReader(append(object[:len(object):len(object)], tail...)), 1<<16); !errors.Is(err, errTrailing) {
			t.Fatalf("with bytes behind: %v", err)
		}
	})
}
