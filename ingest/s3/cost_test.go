package s3

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// cost is what a run took of this process.
type cost struct{ wall, cpu time.Duration }

func measure(f func()) cost {
	runtime.GC()
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	f()
	wall := time.Since(start)
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	return cost{wall, used(after) - used(before)}
}

func used(r syscall.Rusage) time.Duration {
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestCost reads one trail from a folder and from a server, a process of its
// own, that takes 20 ms for each answer, and prints what each took. The number
// of objects is that of TRAILBLAME_TEST_S3_OBJECTS.
func TestCost(t *testing.T) {
	objects := 600
	if n, err := strconv.Atoi(os.Getenv("TRAILBLAME_TEST_S3_OBJECTS")); err == nil {
		objects = n
	} else if testing.Short() {
		t.Skip("short")
	}
	setEnv(t)
	folder := t.TempDir()
	writeTrail(t, folder, objects)
	url := serve(t, folder, 20)

	count := func(src ingest.Source) *run {
		r := &run{problem: map[string]string{}}
		err := ingest.Run(t.Context(), []ingest.Source{src}, ingest.Options{
			Workers: 2, Limits: ingest.DefaultLimits,
			NewSink: func() ingest.Sink { return &sink{run: r, count: true} },
		})
		if err != nil || len(r.problem) > 0 {
			t.Fatal(err, r.problem)
		}
		return r
	}
	var disk, bucket *run
	local, err := ingest.NewLocal(folder)
	if err != nil {
		t.Fatal(err)
	}
	fromDisk := measure(func() { disk = count(local) })
	stats := new(Stats)
	s, err := New(t.Context(), Scheme+bucketName, Options{EndpointURL: url, Stats: stats})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fromS3 := measure(func() { bucket = count(s) })
	if disk.records != bucket.records || disk.bytes != bucket.bytes || disk.records == 0 {
		t.Fatalf("%d records from disk, %d from S3", disk.records, bucket.records)
	}
	t.Logf("%d objects, %d records, %d bytes packed; disk: wall %v, CPU %v; S3 with 20 ms: wall %v, CPU %v (%.2f times, %.0f µs more an object), %d requests at a time, %d requests",
		objects, disk.records, stats.Bytes.Load(), fromDisk.wall, fromDisk.cpu, fromS3.wall, fromS3.cpu,
		fromS3.cpu.Seconds()/fromDisk.cpu.Seconds(), float64((fromS3.cpu-fromDisk.cpu).Microseconds())/float64(objects),
		stats.AtATime.Load(), stats.Gets.Load()+stats.Listings.Load())
}

// writeTrail writes deliveries of 20 to 100 records.
func writeTrail(t *testing.T, folder string, objects int) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range objects {
		var b strings.Builder
		b.WriteString(`{"Records":[`)
		for j := range 20 + random.IntN(80) {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%016X:session%d","arn":"arn:aws:sts::111122223333:assumed-role/deploy/session%d","accountId":"111122223333","accessKeyId":"ASIA%016X"},"eventTime":"2026-01-02T03:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"10.%d.%d.%d","userAgent":"aws-sdk-go-v2/1.47.6 os/linux lang/go#1.26 md/GOOS#linux","requestParameters":{"bucketName":"prod-artifacts","key":"builds/%x.zip"},"responseElements":null,"requestID":"%016X","eventID":"%08x-%04x-%04x-%04x-%012x","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::prod-artifacts/builds"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`,
				random.Uint64(), i, i, random.Uint64(), random.IntN(60), random.IntN(60), random.IntN(256), random.IntN(256), random.IntN(256),
				random.Uint64(), random.Uint64(), random.Uint32(), random.IntN(1<<16), random.IntN(1<<16), random.IntN(1<<16), random.Uint64()>>16)
		}
		b.WriteString("]}")
		path := filepath.Join(folder, logKey("111122223333", "eu-west-1", fmt.Sprintf("2026/01/%02d", 1+i%28), i))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, packed(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serve starts this test binary as a server of folder.
func serve(t *testing.T, folder string, milliseconds int) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+folder, fmt.Sprintf("%s=%d", latencyEnv, milliseconds))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		io.Copy(io.Discard, out)
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}
