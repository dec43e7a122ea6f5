package digest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// signFile is the file that vouches for the result files beside it.
const signFile = "result_sign.json"

// maxSignFile is far above what the list of a query's result files takes.
const maxSignFile = 16 << 20

// lakeSign is the content of a sign file.
type lakeSign struct {
	Region    string
	Completed time.Time `json:"queryCompleteTime"`
	Files     []struct {
		Hash string `json:"fileHashValue"` // of the compressed file
		Name string `json:"fileName"`
	}
	HashAlgorithm string `json:"hashAlgorithm"`
	Signature     string `json:"hashSignature"`
	Fingerprint   string `json:"publicKeyFingerprint"`
}

// VerifyLakeResult validates the results of a CloudTrail Lake query: the folder
// of one query, with its result_sign.json. The first Result is of the sign
// file, the others of the files it lists, which are checked even when the
// signature is not valid. The error is one of reading.
func VerifyLakeResult(ctx context.Context, folder fs.FS, keys KeySource) ([]Result, error) {
	r := Result{Object: signFile, Kind: KindSign, Status: StatusValid}
	sign, err := readSign(folder)
	var format *formatError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Result{r.invalid(ReasonNotFound, nil)}, nil
	case errors.As(err, &format):
		return []Result{r.invalid(ReasonFormat, err)}, nil
	case err != nil:
		return nil, err
	}
	r.Region, r.Fingerprint = sign.Region, sign.Fingerprint
	if r, err = sign.verify(ctx, keys, r); err != nil {
		return nil, err
	}
	results := []Result{r}
	for _, file := range sign.Files {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		r, err := verifyFile(folder, file.Name, file.Hash)
		if err != nil {
			return results, err
		}
		r.Digest = signFile
		results = append(results, r)
	}
	return results, nil
}

func readSign(folder fs.FS) (*lakeSign, error) {
	f, err := folder.Open(signFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSignFile))
	if err != nil {
		return nil, err
	}
	sign := new(lakeSign)
	if err := json.Unmarshal(text, sign); err != nil {
		return nil, &formatError{err.Error()}
	}
	if len(sign.Files) == 0 || sign.Fingerprint == "" || sign.Signature == "" {
		return nil, &formatError{"it lacks files, publicKeyFingerprint or hashSignature"}
	}
	if sign.HashAlgorithm != "SHA-256" {
		return nil, &formatError{fmt.Sprintf("unknown hash algorithm %q", sign.HashAlgorithm)}
	}
	return sign, nil
}

// verify checks the signature, which is over the hashes with a space between.
func (s *lakeSign) verify(ctx context.Context, keys KeySource, r Result) (Result, error) {
	hashes := make([]string, len(s.Files))
	for i, file := range s.Files {
		hashes[i] = file.Hash
	}
	q := KeyQuery{Region: s.Region, Fingerprint: s.Fingerprint, From: s.Completed, To: s.Completed.Add(keyMargin)}
	key, r, err := r.key(ctx, keys, q)
	if key == nil {
		return r, err
	}
	if err := verify(key, strings.Join(hashes, " "), s.Signature); err != nil {
		return r.invalid(ReasonSignature, err), nil
	}
	return r, nil
}

func verifyFile(folder fs.FS, name, hash string) (Result, error) {
	r := Result{Object: name, Kind: KindQueryResult, Status: StatusValid}
	if !fs.ValidPath(name) {
		return r.invalid(ReasonNotFound, errors.New("the name leads out of the folder")), nil
	}
	f, err := folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return r.invalid(ReasonNotFound, nil), nil
	}
	if err != nil {
		return r, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return r, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, hash) {
		return r.invalid(ReasonHash, &hashError{got}), nil
	}
	return r, nil
}
