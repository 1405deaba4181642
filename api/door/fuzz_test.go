package door

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzSignature gives the door whole requests, recorded ones to begin with: nothing
// panics, and nothing but the recorded requests themselves comes in.
func FuzzSignature(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "recorded", "*.http"))
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded requests", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	keys, err := NewKeys(Key{ID: "AKIDFUZZ", Secret: "a-secret-that-no-request-was-signed-with"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		for i := range 2 { // as it came, and with the key and the moment that get it furthest
			s, err := parseSignature(r)
			now := time.Now()
			if err == nil {
				now = s.at
				if i == 1 {
					keys.byID[s.keyID] = Key{ID: s.keyID, Secret: "a-secret-that-no-request-was-signed-with", Role: Admin}
				}
			}
			h, err := New(Config{Listen: "127.0.0.1:9400", Names: []string{"x"}, Keys: keys, Now: func() time.Time { return now }},
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Fatalf("it came in: %q", raw) }))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "127.0.0.1:9400"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code < 400 || w.Code >= 500 {
				t.Fatalf("%d for %q", w.Code, raw)
			}
			_, _ = io.Copy(io.Discard, r.Body)
		}
	})
}

// FuzzCanonicalQuery: the canonical form of a query is its own canonical form.
func FuzzCanonicalQuery(f *testing.F) {
	for _, q := range []string{"a=1&b=2", "b&a", "a=%2F&a=+&a=%20", "%zz=1", "a=b=c", "&&=", "ä=ü"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once := canonicalQuery(raw)
		if _, err := http.NewRequest(http.MethodGet, "http://x/?"+once, nil); err != nil && !bytes.ContainsAny([]byte(raw), "%") {
			t.Fatalf("%q gives %q: %v", raw, once, err)
		}
		if twice := canonicalQuery(once); twice != once && !bytes.ContainsAny([]byte(raw), "%") {
			t.Fatalf("%q gives %q, and that gives %q", raw, once, twice)
		}
	})
}
