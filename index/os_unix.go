//go:build unix

package index

import (
	"io/fs"
	"os"
	"syscall"

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

// userID is who we are; tests put somebody else in its place.
var userID = os.Geteuid

// foreignOwner tells whose a file is when it is not ours.
func foreignOwner(info fs.FileInfo) (uid int, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), int(stat.Uid) != userID()
}

// othersWrite tells whether users other than the owner may change the folder.
func othersWrite(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }
