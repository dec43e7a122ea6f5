package s3

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// serveEnv makes the test binary a server of a trail from a folder, as a
// process of its own, whose processor time is not the client's. Its value is
// the folder; the latency in milliseconds stands in latencyEnv.
const (
	serveEnv   = "TRAILBLAME_TEST_S3_SERVE"
	latencyEnv = "TRAILBLAME_TEST_S3_LATENCY"
)

// serveTrail prints the server's URL and serves until standard input ends.
func serveTrail() {
	server := s3fake.New(bucketName)
	milliseconds, _ := strconv.Atoi(os.Getenv(latencyEnv))
	server.Latency = time.Duration(milliseconds) * time.Millisecond
	root := os.DirFS(os.Getenv(serveEnv))
	if err := eachFile(root, func(name string, body []byte) { server.Put(bucketName, name, body, nil) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.URL)
	io.Copy(io.Discard, os.Stdin)
	server.Close()
}
