package kafka

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gantry/kafka/clientfile"
)

// Java's client files become an ordinary Config: brokers, tls and sasl as they would be
// written in YAML, with references that begin as clientRef does in the places of secrets.
// Those references are resolved by the file itself, which is read again when it, or a
// store or provider's file it names, has changed. So every login and every TLS setting
// has one implementation, and a file that can be used can be imported as well.

// clientRef begins the references to what a client file holds; no rule of `secrets:`
// can have it.
const clientRef = "client.properties:"

// Note is a setting of a client file that changes nothing here, and why.
type Note struct {
	Line int    `json:"line"`
	Key  string `json:"key"`
	Why  string `json:"why"`
}

// Material is what a client file holds in the place of a reference: the fields of a
// login, or one text (PEM, a password).
type Material struct {
	Ref    string
	What   string // for people: "the trusted certificates"
	File   string // a good name for a file that holds it
	Fields map[string]string
	Text   string
}

// FromProperties reads a Java client's file, with the stores it names. Relative paths in
// it begin at its folder. lookupEnv is for its EnvVarConfigProvider. The error joins all
// faults, each with file, line and setting; none quotes a value that may be secret.
func FromProperties(path string, lookupEnv func(string) (string, bool)) (Config, error) {
	c := &clientSource{path: path, lookupEnv: lookupEnv}
	read, err := c.load()
	if err != nil {
		return Config{Properties: path}, err
	}
	config := read.config
	config.Properties, config.client = path, c
	return config, nil
}

// Notes are the settings of the client file that are ignored; none without such a file.
func (c Config) Notes() []Note {
	if c.client == nil {
		return nil
	}
	read, err := c.client.load()
	if err != nil {
		return nil // told where it is used
	}
	return read.notes
}

// Materials are the secrets and certificates of the client file as they are now.
func (c Config) Materials() ([]Material, error) {
	if c.client == nil {
		return nil, nil
	}
	read, err := c.client.load()
	return read.materials, err
}

// clientSource is a file in use. Copies of its Config share it.
type clientSource struct {
	path      string
	lookupEnv func(string) (string, bool)

	mu   sync.Mutex
	kept *clientRead
}

// where is the file's path; "" = there is none.
func (c *clientSource) where() string {
	if c == nil {
		return ""
	}
	return c.path
}

// clientRead is what one reading gave, and the files it was made from.
type clientRead struct {
	config    Config
	materials []Material
	notes     []Note
	files     map[string]stamp
}

// stamp tells a file from its next version, also where a mounted secret is swapped by link.
type stamp struct {
	size     int64
	modified time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

// load reads the file, or gives what was read where nothing has changed since.
func (c *clientSource) load() (clientRead, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil && c.kept.current() {
		return *c.kept, nil
	}
	read, err := c.read()
	if err == nil {
		c.kept = &read
	}
	return read, err
}

func (r *clientRead) current() bool {
	for path, was := range r.files {
		if stampOf(path) != was {
			return false
		}
	}
	return true
}

// mostClientFile is far above any client file or store.
const mostClientFile = 16 << 20

func (c *clientSource) read() (clientRead, error) {
	t := &translation{
		path: c.path, dir: filepath.Dir(c.path), lookupEnv: c.lookupEnv,
		clientRead: clientRead{files: map[string]stamp{}}, settings: map[string]clientfile.Pair{}, known: map[string]bool{},
	}
	text, err := t.file(c.path)
	if err != nil {
		return t.clientRead, fmt.Errorf("read the client file %s: %w", c.path, err)
	}
	t.whole(text)
	return t.clientRead, t.joined()
}

// file reads a file and remembers its stamp.
func (t *translation) file(path string) ([]byte, error) {
	if !filepath.IsAbs(path) && path != t.path {
		path = filepath.Join(t.dir, path)
	}
	t.files[path] = stampOf(path)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s (a relative path begins at the folder of the client file)", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case info.Size() > mostClientFile:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, mostClientFile)
	}
	return os.ReadFile(path)
}

// secretsOf gives what an entry's references are resolved by.
func (c Config) secretsOf(next Secrets) Secrets {
	if c.client == nil {
		return next
	}
	return clientSecrets{c.client, next}
}

// clientSecrets resolves the references of a client file, and leaves all others to next.
type clientSecrets struct {
	*clientSource
	next Secrets
}

var _ Secrets = clientSecrets{}

func (s clientSecrets) material(ref string) (Material, error) {
	read, err := s.load()
	if err != nil {
		return Material{}, err
	}
	for _, m := range read.materials {
		if m.Ref == ref {
			return m, nil
		}
	}
	return Material{}, fmt.Errorf("%s does not have %s any more; what it names is fixed when gantry starts", s.path, strings.TrimPrefix(ref, clientRef))
}

// Fields gives the fields of a login.
func (s clientSecrets) Fields(ctx context.Context, ref string) (map[string]string, error) {
	if !strings.HasPrefix(ref, clientRef) {
		return s.next.Fields(ctx, ref)
	}
	m, err := s.material(ref)
	return m.Fields, err
}

// Plain gives one text.
func (s clientSecrets) Plain(ctx context.Context, ref string) (string, error) {
	if !strings.HasPrefix(ref, clientRef) {
		return s.next.Plain(ctx, ref)
	}
	m, err := s.material(ref)
	return m.Text, err
}

// Forget makes the next call read the file again.
func (s clientSecrets) Forget(ref string) {
	if !strings.HasPrefix(ref, clientRef) {
		s.next.Forget(ref)
		return
	}
	s.drop()
}

// drop makes the next load read the file again, even where it looks as before.
func (c *clientSource) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = nil
}

// Bytes is what a file that holds the material has in it: a JSON document of the fields,
// as AWS's secrets are, or the text.
func (m Material) Bytes() []byte {
	if m.Fields == nil {
		return []byte(m.Text)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(m.Fields) // a map of text always has a form
	return b.Bytes()
}
