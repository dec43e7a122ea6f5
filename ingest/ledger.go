package ingest

// Counts add up: In = Kept + Duplicate + Malformed + Filtered. They count
// records; what is no record is in Entry.Others.
type Counts struct {
	In        int64 `json:"in"`
	Kept      int64 `json:"kept"`
	Duplicate int64 `json:"duplicate"`
	Malformed int64 `json:"malformed"`
	Filtered  int64 `json:"filtered"`
}

// Add adds b to c.
func (c *Counts) Add(b Counts) {
	c.In += b.In
	c.Kept += b.Kept
	c.Duplicate += b.Duplicate
	c.Malformed += b.Malformed
	c.Filtered += b.Filtered
}

// Balanced tells whether the counts add up.
func (c Counts) Balanced() bool { return c.In == c.Kept+c.Duplicate+c.Malformed+c.Filtered }

// Status says how far an object was read.
type Status string

// The statuses of an object. Only StatusRead, and StatusSalvaged for what is
// left of one, mean that records are in.
const (
	StatusRead       Status = "read"
	StatusNotTrail   Status = "not-trail"  // read, but nothing in it is a record
	StatusDamaged    Status = "damaged"    // truncated, broken gzip, an empty file
	StatusUnreadable Status = "unreadable" // could not be opened or fetched
	StatusSalvaged   Status = "salvaged"   // no object: the whole records of a damaged one, under SalvagedPrefix
)

// Entry is the ledger's line for one object.
type Entry struct {
	Object
	Status Status `json:"status"`
	Counts
	// Integrity is what digests say of the object: verified, broken or
	// notCovered; empty when nobody asked them.
	Integrity string `json:"integrity,omitempty"`
	// Others counts elements that are no records, by shape.
	Others map[string]int64 `json:"others,omitempty"`
	// Pointers names deliveries that notifications in the object tell of, the
	// first maxPointers of them. They were not read on that account.
	Pointers []string `json:"pointers,omitempty"`
	// Problem says in one line why the object is damaged or unreadable.
	Problem string `json:"problem,omitempty"`
	// Bad lists malformed records, the first maxBad of them.
	Bad []Malformed `json:"bad,omitempty"`
	// Salvageable counts the whole records in front of the damage.
	Salvageable int64 `json:"salvageable,omitempty"`
	// Salvaged counts those of them that were kept, by the same run.
	Salvaged int64 `json:"salvaged,omitempty"`
}

// Malformed is one record that could not be decoded.
type Malformed struct {
	Index  int    `json:"index"`
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
}

// maxBad bounds the malformed records that an Entry names; the rest is counted.
const maxBad = 20

// maxPointers bounds the deliveries that an Entry names.
const maxPointers = 20

// Incomplete tells whether some of the object's records are missing from the
// answer.
func (e *Entry) Incomplete() bool {
	return e.Status == StatusDamaged || e.Status == StatusUnreadable || e.Malformed > 0
}

func (e *Entry) other(s Shape) {
	if e.Others == nil {
		e.Others = map[string]int64{}
	}
	e.Others[s.String()]++
}

func (e *Entry) points(name string) {
	if len(e.Pointers) < maxPointers {
		e.Pointers = append(e.Pointers, name)
	}
}

func (e *Entry) malformed(index int, offset int64, reason string) {
	e.In++
	e.Malformed++
	if len(e.Bad) < maxBad {
		e.Bad = append(e.Bad, Malformed{index, offset, reason})
	}
}
