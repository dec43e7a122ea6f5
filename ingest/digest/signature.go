package digest

import (
	"crypto/rsa"
	"errors"
	"strings"
)

// signatures are those known for one digest: in the digest after it, and in
// its metadata, which is asked for only when it is needed.
type signatures struct {
	*walk
	key   string
	asked bool
	meta  map[string]string
	err   error
}

func (s *signatures) metadata() (map[string]string, error) {
	if !s.asked {
		s.asked = true
		s.meta, s.err = s.walk.store.Metadata(s.ctx, s.key)
	}
	return s.meta, s.err
}

// verify tries the signatures. One that an invalid digest gives will do too,
// since only the owner of the key can have made one that verifies.
func (s *signatures) verify(d *Digest, key *rsa.PublicKey) (fault, err error) {
	newer := s.link
	named := newer != nil && newer.PreviousKey == s.key && newer.PreviousSignature != ""
	if named && d.Verify(key, newer.PreviousSignature) == nil {
		return nil, nil
	}
	meta, err := s.metadata()
	if err != nil {
		return nil, err
	}
	switch signature := meta["signature"]; {
	case signature != "":
		return d.Verify(key, signature), nil
	case named:
		return errors.New("the signature that the digest after it gives does not verify"), nil
	}
	if signature := s.behindRange(); signature != "" {
		return d.Verify(key, signature), nil
	}
	return errors.New("there is no signature: no digest after it gives one, and its metadata was not kept"), nil
}

// behindRange is the signature that the first digest behind the range gives for
// the newest in it, or "" when there is none to be had.
func (s *signatures) behindRange() string {
	after := s.chain.after
	if after == nil || s.link != nil {
		return ""
	}
	body, err := s.walk.store.Get(s.ctx, after.key)
	if err != nil {
		return ""
	}
	defer body.Close()
	if d, err := readDigest(body); err == nil && d.PreviousKey == s.key {
		return d.PreviousSignature
	}
	return ""
}

// folderOf is the folder of a digest's region: the key without YYYY/MM/DD/FILE.
func folderOf(key string) string {
	parts := strings.Split(key, "/")
	return strings.Join(parts[:max(len(parts)-4, 0)], "/") + "/"
}
