//go:build unix

package index

import (
	"os"

	"golang.org/x/sys/unix"
)

// noFollow refuses links, and does not hang on a FIFO.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

func syncFolder(f *os.File) error { return f.Sync() }

// lockFile takes an exclusive lock that the kernel releases when the process
// ends, however it ends. It reports false when somebody else holds it.
func lockFile(f *os.File) (bool, error) { return flock(f, unix.LOCK_EX) }

// shareFile takes a lock that others may share.
func shareFile(f *os.File) (bool, error) { return flock(f, unix.LOCK_SH) }

func flock(f *os.File, how int) (bool, error) {
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	if err == unix.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}
