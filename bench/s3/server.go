//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

const (
	bucket = "trails"
	keyID  = "AKIDEXAMPLE"
	secret = "topsecret"
)

// environment keeps the machine's own AWS configuration out.
var environment = []string{
	"AWS_ACCESS_KEY_ID=" + keyID, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=", "AWS_REGION=us-east-1",
	"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	"AWS_PROFILE=", "AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_S3=", "NO_PROXY=127.0.0.1",
}

// gateway is versitygw over a folder, of which each folder is a bucket.
type gateway struct {
	address, folder string
	close           func() // ends it and removes what it holds
}

func (s *setting) serve() (*gateway, error) {
	g := &gateway{folder: filepath.Join(s.dir, "buckets")}
	iam := filepath.Join(s.dir, "iam")
	for _, dir := range []string{g.folder, iam} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	address, err := free()
	if err != nil {
		return nil, err
	}
	g.address = address
	cmd := exec.Command(s.gateway, "--port", address, "--quiet", "--keep-alive", "--iam-dir", iam, "posix", g.folder)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+keyID, "ROOT_SECRET_KEY="+secret)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g.close = func() {
		cmd.Process.Kill() //nolint:errcheck // it has ended by itself then
		cmd.Wait()         //nolint:errcheck // it was killed
		os.RemoveAll(g.folder)
	}
	for range 100 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return g, g.client().CreateBucket(s.ctx, bucket)
		}
		time.Sleep(50 * time.Millisecond)
	}
	g.close()
	return nil, fmt.Errorf("%s does not answer at %s", s.gateway, address)
}

func (g *gateway) client() *s3fake.Client {
	return s3fake.NewClient("http://"+g.address, keyID, secret)
}

func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// upload puts the files of a folder into the bucket, under their paths.
func (g *gateway) upload(ctx context.Context, folder string, names []string) error {
	client := g.client()
	defer client.Close()
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	queue := make(chan string)
	for range 8 {
		group.Go(func() {
			for name := range queue {
				body, err := os.ReadFile(filepath.Join(folder, name))
				if err == nil {
					err = client.Put(ctx, bucket, filepath.ToSlash(name), body)
				}
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	group.Wait()
	return failed
}

// delayed listens in front of address and holds each answer back by latency.
func delayed(address string, latency time.Duration) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relay(client, address, latency)
		}
	}()
	return l.Addr().String(), func() { l.Close() }, nil
}

func relay(client net.Conn, address string, latency time.Duration) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, client) //nolint:errcheck // the other side sees that it ended
		server.Close()
	}()
	late(client, server, latency)
}

// chunk is what came at once, and when it is to go on.
type chunk struct {
	data []byte
	due  time.Time
}

// late copies what comes from src to dst, each part after latency, while more
// may come.
func late(dst io.Writer, src io.Reader, latency time.Duration) {
	chunks := make(chan chunk, 64)
	go func() {
		defer close(chunks)
		for {
			b := make([]byte, 64<<10)
			n, err := src.Read(b)
			if n > 0 {
				chunks <- chunk{b[:n], time.Now().Add(latency)}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range chunks {
		time.Sleep(time.Until(c.due))
		if _, err := dst.Write(c.data); err != nil {
			break
		}
	}
	for range chunks { // until src is closed
	}
}
