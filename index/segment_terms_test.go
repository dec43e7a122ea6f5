package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trailblame/trailblame/ingest"
)

// Looking each distinct value up once gives the terms that looking at each row
// gives, in several batches of one segment too.
func TestTermsOfBatch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	var one, all segmentTerms
	var batch rows
	var dec ingest.Decoder
	at := 0
	for range 3 {
		batch.reset()
		batch.beginObject("an object")
		for range 500 {
			n := rnd.IntN(40)
			raw := fmt.Appendf(nil, `{"eventName":"E%d","recipientAccountId":"%012d","userIdentity":{"accountId":"%012d","principalId":"P%d","userName":""}`, n%7, n%5, n%3, n)
			switch rnd.IntN(4) {
			case 0:
				raw = fmt.Appendf(raw, `,"errorCode":"AccessDenied","errorMessage":"not on arn:aws:s3:::b%d, nor arn:aws:s3:::b%d."`, n, n+1)
			case 1:
				raw = fmt.Appendf(raw, `,"requestParameters":{"bucketName":"arn:aws:s3:::b%d"},"sharedEventID":"%s"`, n, uuid(n))
			case 2:
				raw = fmt.Appendf(raw, `,"addendum":{"reason":"x"},"responseElements":{"accessKeyId":"AKIA%d"}`, n)
			}
			rec, err := dec.Decode(append(raw, '}'), n == 0)
			if err != nil {
				t.Fatal(err)
			}
			batch.append(rec, 0)
		}
		perm := make([]int32, batch.len())
		for i := range perm {
			perm[i] = int32(i)
		}
		rnd.Shuffle(len(perm), func(i, j int) { perm[i], perm[j] = perm[j], perm[i] })
		for i, row := range perm {
			one.add(&batch, int(row), at+i)
		}
		all.addRows(&batch, perm, at)
		at += len(perm)
	}
	ids, want, err := one.sections()
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := all.sections()
	if err != nil || len(got) != len(want) {
		t.Fatal(len(got), len(want), err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("section %d differs", ids[i])
		}
	}
	if len(one.fields[Resource].terms) < 40 || len(one.fields[IssuedKey].terms) == 0 || len(one.shared.list) == 0 {
		t.Error("the records have too few terms to tell")
	}
}
