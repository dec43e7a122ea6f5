package s3fake

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Page is the answer to a listing; a Fault may edit it.
type Page struct {
	Name, Prefix, Delimiter, StartAfter, Token, Next string
	Truncated                                        bool
	MaxKeys                                          int
	Keys                                             []Key
	Folders                                          []string
	url                                              bool
}

// Key is one object in a Page.
type Key struct {
	Key, ETag, Size string
	Modified        time.Time
}

func (s *Server) list(w http.ResponseWriter, q url.Values, name string, b *bucket, fault *Fault) {
	page := &Page{
		Name: name, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), StartAfter: q.Get("start-after"),
		Token: q.Get("continuation-token"), MaxKeys: 1000, url: q.Get("encoding-type") == "url" && !s.RawKeys,
	}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n >= 0 {
		page.MaxKeys = min(n, page.MaxKeys)
	}
	if s.MaxKeys > 0 {
		page.MaxKeys = min(s.MaxKeys, page.MaxKeys)
	}
	raw, err := base64.URLEncoding.DecodeString(page.Token)
	if err != nil {
		fail(w, http.StatusBadRequest, "InvalidArgument")
		return
	}
	s.mu.Lock()
	page.fill(b, string(raw))
	s.mu.Unlock()
	if fault != nil && fault.Page != nil {
		fault.Page(page)
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, page.xml())
}

// What an earlier page ended with, in its token.
const (
	endKey    = "k"
	endFolder = "f"
)

// first is the index of the first key of the page that token asks for.
func (p *Page) first(keys []string, token string) int {
	after := p.StartAfter
	if folder, ok := strings.CutPrefix(token, endFolder); ok {
		return past(keys, folder)
	}
	if token != "" {
		after = strings.TrimPrefix(token, endKey)
	}
	return sort.Search(len(keys), func(i int) bool { return keys[i] >= p.Prefix && keys[i] > after })
}

// fill takes the keys of the page, those below a delimiter as one folder.
func (p *Page) fill(b *bucket, token string) {
	keys, last := b.sorted(), ""
	i := p.first(keys, token)
	for n := 0; i < len(keys) && strings.HasPrefix(keys[i], p.Prefix); n++ {
		if n == p.MaxKeys {
			p.Truncated = n > 0
			p.Next = base64.URLEncoding.EncodeToString([]byte(last))
			return
		}
		rest := keys[i][len(p.Prefix):]
		if at := strings.Index(rest, p.Delimiter); p.Delimiter != "" && at >= 0 {
			folder := p.Prefix + rest[:at+len(p.Delimiter)]
			p.Folders = append(p.Folders, folder)
			i, last = past(keys, folder), endFolder+folder
			continue
		}
		obj := b.objects[keys[i]]
		p.Keys = append(p.Keys, Key{keys[i], obj.etag, strconv.Itoa(len(obj.body)), obj.modified})
		last = endKey + keys[i]
		i++
	}
}

// past is the index of the first key behind all those that begin with folder.
func past(keys []string, folder string) int {
	return sort.Search(len(keys), func(i int) bool { return keys[i] > folder && !strings.HasPrefix(keys[i], folder) })
}

func (p *Page) xml() string {
	text := xmlText
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	if p.url {
		text = escape
		b.WriteString("<EncodingType>url</EncodingType>")
	}
	fmt.Fprintf(&b, "<Name>%s</Name><Prefix>%s</Prefix><KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys><IsTruncated>%t</IsTruncated>",
		xmlText(p.Name), text(p.Prefix), len(p.Keys)+len(p.Folders), p.MaxKeys, p.Truncated)
	for _, field := range [][2]string{{"Delimiter", text(p.Delimiter)}, {"StartAfter", text(p.StartAfter)}, {"ContinuationToken", p.Token}, {"NextContinuationToken", p.Next}} {
		if field[1] != "" {
			fmt.Fprintf(&b, "<%s>%s</%s>", field[0], field[1], field[0])
		}
	}
	for _, k := range p.Keys {
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>%s</ETag><Size>%s</Size><StorageClass>STANDARD</StorageClass></Contents>",
			text(k.Key), k.Modified.Format("2006-01-02T15:04:05.000Z"), xmlText(k.ETag), k.Size)
	}
	for _, folder := range p.Folders {
		fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", text(folder))
	}
	b.WriteString("</ListBucketResult>")
	return b.String()
}

// xmlText escapes as S3 does, which writes control characters as references
// that XML 1.0 does not allow.
func xmlText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(`<>&"'`, r) || r < 0x20:
			fmt.Fprintf(&b, "&#x%x;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
