package index

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// The structures of a Parquet file are Thrift's in the compact protocol
// (Apache Thrift, "Thrift Compact protocol encoding"). The library that decodes
// them makes room for as many elements as a list says it has, so what a forged
// file says is checked first.

var compact thrift.CompactProtocol

// decodeThrift decodes the structure that b begins with and returns how long it
// is. What it decodes may be part of b.
func decodeThrift(b []byte, v any) (size int, err error) {
	c := thriftCheck{decbuf{b: b}}
	c.structure(0)
	if c.err != nil {
		return 0, errBadThrift
	}
	size = len(b) - len(c.b)
	if err := thrift.NewDecoder(compact.NewReaderFromBytes(b[:size])).Decode(v); err != nil {
		return 0, fmt.Errorf("%w: %w", errBadThrift, err)
	}
	return size, nil
}

var errBadThrift = errors.New("a structure of the Parquet file does not decode")

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI8     = 3
	thriftI64    = 6 // I16 to I64 are varints
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12

	maxThriftDepth = 16
)

// thriftCheck walks through a structure.
type thriftCheck struct{ decbuf }

func (c *thriftCheck) structure(depth int) {
	if depth > maxThriftDepth {
		c.fail("structures too deep")
	}
	for c.err == nil {
		head := c.byte()
		if head == 0 {
			return
		}
		if head>>4 == 0 { // the field's number follows
			c.uvarint()
		}
		// A boolean field has its value in its type.
		if kind := head & 15; kind != thriftTrue && kind != thriftFalse {
			c.value(kind, depth)
		}
	}
}

func (c *thriftCheck) byte() byte {
	if len(c.b) == 0 {
		c.fail("ends too early")
		return 0
	}
	v := c.b[0]
	c.skip(1)
	return v
}

func (c *thriftCheck) value(kind byte, depth int) {
	switch {
	case kind <= thriftI8:
		c.byte()
	case kind <= thriftI64:
		c.uvarint()
	case kind == thriftDouble:
		if len(c.b) < 8 {
			c.fail("ends too early")
			return
		}
		c.skip(8)
	case kind == thriftBinary:
		c.bytes()
	case kind == thriftList, kind == thriftSet:
		head := c.byte()
		c.elements(uint64(head>>4), head&15, depth)
	case kind == thriftStruct:
		c.structure(depth + 1)
	default: // a map: Parquet has none
		c.fail("unknown type")
	}
}

func (c *thriftCheck) elements(n uint64, kind byte, depth int) {
	if n == 15 {
		n = c.uvarint()
	}
	if n > uint64(len(c.b)) {
		c.fail("list longer than its structure")
	}
	for ; n > 0 && c.err == nil; n-- {
		c.value(kind, depth+1)
	}
}
