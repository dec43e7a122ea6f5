package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime/metrics"
	"time"

	"github.com/itchyny/gojq"
)

// Limits of a jq filter on one value. The filter is the user's own, but what it
// makes of a record depends on the record, which is not: range(.n), "x" * .n.
const (
	jqTime   = 5 * time.Second
	jqMemory = 1 << 30 // more than when the filter began, looked at now and then
	jqWatch  = 20 * time.Millisecond
	jqSource = 64 << 10
)

// jqFilter is a compiled filter of --jq. It cannot read files, the environment
// or further input.
type jqFilter struct {
	code  *gojq.Code
	raw   bool // strings are printed as text
	limit time.Duration
	heap  uint64 // bytes that it may add
	spent int    // values that needed more than the limits
}

// jqGiveUp is after how many values that need too much a run ends.
const jqGiveUp = 10

func compileJQ(source string, raw bool) (*jqFilter, error) {
	if len(source) > jqSource {
		return nil, usagef("--jq: the filter has %d bytes, the limit is %d", len(source), jqSource)
	}
	parsed, err := gojq.Parse(source)
	if err != nil {
		return nil, usagef("--jq: %w", err)
	}
	code, err := gojq.Compile(parsed)
	if err != nil {
		return nil, usagef("--jq: %w", err)
	}
	return &jqFilter{code: code, raw: raw, limit: jqTime, heap: jqMemory}, nil
}

var (
	errJQTime   = errors.New("needs too much time")
	errJQMemory = errors.New("needs too much memory")
)

// apply yields what the filter makes of one JSON value, as JSON text, until
// yield returns false.
func (j *jqFilter) apply(ctx context.Context, value []byte, yield func([]byte) bool) error {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var in any
	if err := d.Decode(&in); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer j.watch(cancel)()
	for results := j.code.RunWithContext(ctx, in); ; {
		v, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := v.(error); failed {
			return j.failed(ctx, err)
		}
		out, err := j.encode(v)
		if err != nil || !yield(out) {
			return err
		}
	}
}

func (j *jqFilter) encode(v any) ([]byte, error) {
	if text, ok := v.(string); ok && j.raw {
		return []byte(safe(text)), nil
	}
	return gojq.Marshal(v)
}

// failed tells why a filter ended; nil when it ended itself.
func (j *jqFilter) failed(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		j.spent++
		return cause
	}
	var halt *gojq.HaltError
	if errors.As(err, &halt) && halt.Value() == nil {
		return nil
	}
	return err
}

// watch cancels a filter that runs for long or makes the heap grow. stop
// ends the watch.
func (j *jqFilter) watch(cancel func(error)) (stop func()) {
	begun, limit := time.Now(), uint64(0)
	var timer *time.Timer
	ready := make(chan struct{})
	timer = time.AfterFunc(jqWatch, func() {
		<-ready
		switch now := heapInUse(); {
		case time.Since(begun) > j.limit:
			cancel(errJQTime)
			return
		case limit == 0:
			limit = now + j.heap
		case now > limit:
			cancel(errJQMemory)
			return
		}
		timer.Reset(jqWatch)
	})
	close(ready)
	return func() { timer.Stop() }
}

func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
