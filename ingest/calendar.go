package ingest

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
)

// dayFolder is a file or folder below the folder of a year.
type dayFolder struct {
	date string // year/month/day, or the part of it that the path has
	path string
}

// calendar returns the days of the folders of years, oldest first. What is no
// month or day there comes under the date of its folder, and so does a folder
// that cannot be read, so that whoever reads it says so.
func calendar(years []string) []dayFolder {
	var days []dayFolder
	for _, year := range years {
		days = appendDays(days, dayFolder{filepath.Base(year), year}, 2)
	}
	slices.SortFunc(days, func(a, b dayFolder) int {
		return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.path, b.path))
	})
	return days
}

// appendDays appends what is in a folder, which levels of folders of numbers
// divide.
func appendDays(days []dayFolder, folder dayFolder, levels int) []dayFolder {
	entries, err := os.ReadDir(folder.path)
	if levels == 0 || err != nil {
		return append(days, folder)
	}
	for _, e := range entries {
		in := dayFolder{folder.date, filepath.Join(folder.path, e.Name())}
		if e.IsDir() && len(e.Name()) == 2 && isNumber(e.Name()) {
			in.date += "/" + e.Name()
			days = appendDays(days, in, levels-1)
		} else {
			days = append(days, in)
		}
	}
	return days
}

func isYear(name string) bool {
	return len(name) == 4 && isNumber(name) && (name[:2] == "19" || name[:2] == "20")
}

func isNumber(name string) bool {
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
