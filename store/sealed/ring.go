package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// KeyFile is the file in the data directory that holds the store's keys, unless the
// configuration names another place.
const KeyFile = "store.key"

const keySize = 32

// Ring are the keys of a store: the first seals, all of them open.
type Ring struct{ keys []key }

type key struct {
	name string // the first 8 digits of the key's SHA-256
	aead cipher.AEAD
}

func (k key) seal(plain, about []byte) []byte { return k.aead.Seal(nil, nil, plain, about) }

func (k key) open(data, about []byte) ([]byte, error) { return k.aead.Open(nil, nil, data, about) }

// ParseRing reads keys, one a line, each 32 bytes in base64; # begins a comment. No error
// shows a key.
func ParseRing(text string) (*Ring, error) {
	r := &Ring{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != keySize {
			return nil, fmt.Errorf("key %d of the store is not %d bytes in base64; make one with: openssl rand -base64 %d", len(r.keys)+1, keySize, keySize)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(raw)
		r.keys = append(r.keys, key{hex.EncodeToString(digest[:4]), aead})
	}
	if len(r.keys) == 0 {
		return nil, fmt.Errorf("the store has no key; make one with: openssl rand -base64 %d", keySize)
	}
	return r, nil
}

func (r *Ring) current() key { return r.keys[0] }

func (r *Ring) find(name string) (key, bool) {
	for _, k := range r.keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

func (r *Ring) names() string {
	var names []string
	for _, k := range r.keys {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// DataRing gives the keys of a data directory and makes one on the first start, 0600.
func DataRing(dataDir string) (*Ring, error) {
	path := filepath.Join(dataDir, KeyFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := makeKey(path); err != nil {
			return nil, fmt.Errorf("make the store's key: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("read the store's key: %w", err)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("read the store's key: %s can be read by others (mode %04o); chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the store's key: %w", err)
	}
	ring, err := ParseRing(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return ring, nil
}

// makeKey writes a key under another name first, so that a crash leaves no half key.
func makeKey(path string) error {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw)                                      // never fails: it ends the process instead
	f, err := os.CreateTemp(filepath.Dir(path), ".store-key-") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
