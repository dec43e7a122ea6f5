package s3fake

import (
	"bytes"
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Client fills buckets, for tests and measurements. It may be used by several
// goroutines at once.
type Client struct {
	s3   *s3.Client
	http *http.Transport
}

// NewClient returns a client of the server at endpoint. Close it in the end.
func NewClient(endpoint, keyID, secret string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	return &Client{s3.New(s3.Options{
		HTTPClient:   &http.Client{Transport: transport},
		BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1",
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, nil
		}),
	}), transport}
}

// Close ends the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// CreateBucket makes an empty bucket.
func (c *Client) CreateBucket(ctx context.Context, bucket string) error {
	_, err := c.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
	return err
}

// Put keeps body under key.
func (c *Client) Put(ctx context.Context, bucket, key string, body []byte) error {
	_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}

// PutWith is Put with notes beside the object, and with a checksum of a kind,
// such as CRC32, that the server keeps and sends on demand.
func (c *Client) PutWith(ctx context.Context, bucket, key string, body []byte, notes map[string]string, sum string) error {
	_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body),
		Metadata: notes, ChecksumAlgorithm: types.ChecksumAlgorithm(sum)})
	return err
}

// PutParts keeps parts as one object that was uploaded in parts, each but the
// last of at least 5 MiB. The object's ETag is then no MD5 of its bytes.
func (c *Client) PutParts(ctx context.Context, bucket, key string, parts ...[]byte) error {
	made, err := c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	var done types.CompletedMultipartUpload
	for i, part := range parts {
		number := aws.Int32(int32(i + 1))
		out, err := c.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: &key,
			UploadId: made.UploadId, PartNumber: number, Body: bytes.NewReader(part)})
		if err != nil {
			return err
		}
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: number, ETag: out.ETag})
	}
	_, err = c.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key,
		UploadId: made.UploadId, MultipartUpload: &done})
	return err
}

// Delete removes what is kept under key.
func (c *Client) Delete(ctx context.Context, bucket, key string) error {
	_, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return err
}

// DeleteBucket removes a bucket and all that is in it.
func (c *Client) DeleteBucket(ctx context.Context, bucket string) error {
	pages := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if err := c.Delete(ctx, bucket, *o.Key); err != nil {
				return err
			}
		}
	}
	_, err := c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket})
	return err
}
