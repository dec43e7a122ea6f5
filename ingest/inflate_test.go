package ingest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

func zipped(t testing.TB, text []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// texts of every shape that a block may have.
func gzipTexts() map[string][]byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	random := make([]byte, 200_000)
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
	skewed := make([]byte, 300_000) // long codes
	for i := range skewed {
		skewed[i] = byte(rnd.ExpFloat64() * 12)
	}
	var records []byte
	for i := range 3000 {
		records = fmt.Appendf(records, `{"eventName":"E%d","eventID":"%016x","more":"%d"}`, rnd.IntN(40), rnd.Uint64(), i)
	}
	return map[string][]byte{
		"empty": nil, "one byte": {7}, "short": []byte("short"), "zeros": make([]byte, 100_000),
		"random": random, "skewed": skewed, "records": records, "period 3": bytes.Repeat([]byte("abc"), 50_000),
		"far": append(append(bytes.Clone(random[:32768]), random[:300]...), random[32700:33000]...),
	}
}

func TestGunzip(t *testing.T) {
	var f inflater
	for name, text := range gzipTexts() {
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			packed := zipped(t, text, level)
			got, ok := f.gunzip(nil, packed, 1<<20)
			if !ok || !bytes.Equal(got, text) {
				t.Errorf("%s at level %d: %v, %d bytes of %d", name, level, ok, len(got), len(text))
			}
			// Several members, behind what is there already.
			two := append(bytes.Clone(packed), packed...)
			got, ok = f.gunzip([]byte("before"), two, 1<<20)
			if want := append(append([]byte("before"), text...), text...); !ok || !bytes.Equal(got, want) {
				t.Errorf("%s twice at level %d: %v", name, level, ok)
			}
			if _, ok := f.gunzip(nil, packed, len(text)-1); ok && len(text) > 0 {
				t.Errorf("%s at level %d goes over its limit", name, level)
			}
		}
	}
}

// What the general reader refuses is never taken, and what is taken is what it
// says: for every cut, and for flipped bits.
func TestGunzipDamaged(t *testing.T) {
	var f inflater
	for name, text := range gzipTexts() {
		if len(text) > 5000 {
			text = text[:5000]
		}
		packed := zipped(t, text, gzip.DefaultCompression)
		for n := range packed {
			if _, ok := f.gunzip(nil, packed[:n], 1<<20); ok && n > 0 {
				t.Fatalf("%s cut at %d is taken", name, n)
			}
			bad := bytes.Clone(packed)
			bad[n] ^= 1 << (n % 8)
			agree(t, &f, bad)
		}
		if _, ok := f.gunzip(nil, append(bytes.Clone(packed), "more"...), 1<<20); ok {
			t.Errorf("%s with bytes behind it is taken", name)
		}
	}
}

// agree compares with the general reader.
func agree(t testing.TB, f *inflater, packed []byte) {
	t.Helper()
	got, ok := f.gunzip(nil, packed, 1<<20)
	if !ok {
		return
	}
	r, err := kgzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		if len(packed) > 0 {
			t.Fatalf("taken, where the general reader says %v", err)
		}
		return
	}
	want, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, the general reader has %d and says %v", len(got), len(want), err)
	}
}

func FuzzGunzip(f *testing.F) {
	for _, text := range gzipTexts() {
		if len(text) < 20_000 {
			f.Add(zipped(f, text, 6))
		}
		f.Add(zipped(f, text[:min(len(text), 500)], gzip.HuffmanOnly))
	}
	var z inflater
	f.Fuzz(func(t *testing.T, packed []byte) { agree(t, &z, packed) })
}

// madeObjects are deliveries such as CloudTrail's: some sixty records each, alike
// in their keys, different in what they say.
func madeObjects(b *testing.B) (packed [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 64 {
		text := []byte(`{"Records":[`)
		for i := range 60 {
			if i > 0 {
				text = append(text, ',')
			}
			text = fmt.Appendf(text, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/role-%d/i-%017x","accessKeyId":"ASIA%016X"},"eventTime":"2026-01-02T03:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"10.0.%d.%d","requestParameters":{"bucketName":"prod-artifacts","key":"builds/%x.zip"},"responseElements":null,"requestID":"%016X","eventID":"%08x-0000-4000-8000-%012x","readOnly":true,"eventType":"AwsApiCall","recipientAccountId":"111122223333"}`,
				random.IntN(50), random.Uint64(), random.IntN(200), i, random.IntN(60), random.IntN(256), random.IntN(256), random.Uint64(), random.Uint64(), random.Uint32(), random.Uint64()>>16)
		}
		packed = append(packed, zipped(b, append(text, ']', '}'), gzip.DefaultCompression))
	}
	return packed
}

func BenchmarkGunzip(b *testing.B) {
	packed, size := madeObjects(b), 0
	var f inflater
	dst := make([]byte, 0, 64<<20)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			size = 0
			for _, p := range packed {
				out, ok := f.gunzip(dst[:0], p, wholeSize)
				if !ok {
					b.Fatal("not taken")
				}
				size += len(out)
			}
			b.SetBytes(int64(size))
		}
	})
	b.Run("general", func(b *testing.B) {
		var z kgzip.Reader
		for b.Loop() {
			size = 0
			for _, p := range packed {
				if err := z.Reset(bytes.NewReader(p)); err != nil {
					b.Fatal(err)
				}
				for {
					n, err := z.Read(dst[:cap(dst)])
					size += n
					if err != nil {
						break
					}
				}
			}
			b.SetBytes(int64(size))
		}
	})
}
