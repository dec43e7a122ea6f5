package index

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

const noFollow = 0

// syncFolder does nothing: a folder cannot be synced here, and renames are
// journalled.
func syncFolder(*os.File) error { return nil }

// lockFile takes an exclusive lock that is released when the process ends. It
// reports false when somebody else holds it.
func lockFile(f *os.File) (bool, error) { return lockRange(f, windows.LOCKFILE_EXCLUSIVE_LOCK) }

// shareFile takes a lock that others may share.
func shareFile(f *os.File) (bool, error) { return lockRange(f, 0) }

func lockRange(f *os.File, how uint32) (bool, error) {
	// The range lies behind any content, so that the holder stays readable.
	err := windows.LockFileEx(windows.Handle(f.Fd()), how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	if err == windows.ERROR_LOCK_VIOLATION {
		return false, nil
	}
	return err == nil, err
}

// foreignOwner knows of no owners: folders are private to their user by what
// they inherit here.
func foreignOwner(fs.FileInfo) (uid int, foreign bool) { return 0, false }

func othersWrite(fs.FileInfo) bool { return false }
