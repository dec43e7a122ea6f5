package cloudwatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"github.com/trailblame/trailblame/ingest/digest"
)

// Keys is the digest.KeySource that asks CloudTrail. Each key is fetched once:
// keys last for weeks, and each region has its own.
type Keys struct {
	client *cloudtrail.Client
	pace   pace

	mu    sync.Mutex
	known map[[2]string][]byte // by region and fingerprint
}

// NewKeys returns the keys that access can see. It makes no call yet.
func NewKeys(ctx context.Context, access Access) (*Keys, error) {
	if access.Region == "" {
		access.Region = "us-east-1" // each call names the region it means
	}
	cfg, err := access.load(ctx)
	if err != nil {
		return nil, err
	}
	return &Keys{client: cloudtrail.NewFromConfig(cfg), pace: defaultPace, known: map[[2]string][]byte{}}, nil
}

// PublicKey implements digest.KeySource.
func (k *Keys) PublicKey(ctx context.Context, q digest.KeyQuery) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := [2]string{q.Region, q.Fingerprint}
	if der, ok := k.known[id]; ok {
		return der, nil
	}
	if err := k.list(ctx, q); err != nil {
		return nil, fmt.Errorf("public keys of region %s: %w", q.Region, err)
	}
	if der, ok := k.known[id]; ok {
		return der, nil
	}
	return nil, digest.ErrNoKey
}

// list adds the keys that were valid in the time of q.
func (k *Keys) list(ctx context.Context, q digest.KeyQuery) error {
	in := &cloudtrail.ListPublicKeysInput{StartTime: timeOf(q.From), EndTime: timeOf(q.To)}
	region := func(o *cloudtrail.Options) { o.Region = q.Region }
	var seen cycle
	for {
		out, err := again(ctx, k.pace, func(ctx context.Context) (*cloudtrail.ListPublicKeysOutput, error) {
			out, err := k.client.ListPublicKeys(ctx, in, region)
			if err == nil && out.PublicKeyList == nil {
				err = errNoAnswer
			}
			return out, err
		})
		if err != nil {
			return err
		}
		for _, key := range out.PublicKeyList {
			if key.Fingerprint != nil {
				k.known[[2]string{q.Region, *key.Fingerprint}] = key.Value
			}
		}
		if out.NextToken == nil || *out.NextToken == "" {
			return nil
		}
		if err := seen.next(*out.NextToken); err != nil {
			return err
		}
		in.NextToken = out.NextToken
	}
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
