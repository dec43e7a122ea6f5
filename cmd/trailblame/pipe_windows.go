package main

import (
	"errors"
	"syscall"
)

func ignoreBrokenPipes() {}

// isBrokenPipe knows both errors of a pipe whose reader went away:
// ERROR_BROKEN_PIPE and ERROR_NO_DATA.
func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.ERROR_BROKEN_PIPE) || errors.Is(err, syscall.Errno(232))
}
