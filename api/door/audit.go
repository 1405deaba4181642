package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gantry/store"
)

// AuditFile is the file in the data directory that holds one JSON line for each change.
const AuditFile = "audit.log"

// AuditConfig says where changes are written down.
type AuditConfig struct {
	DataDir  string
	Ledger   store.Ledger     // nil = the file alone
	Stream   string           // of the ledger
	Log      *slog.Logger     // hears of lines that could not be written
	Now      func() time.Time // nil = time.Now
	Turnover int64            // bytes after which the file is put aside; 0 = 64 MiB
}

// defaultTurnover is some 30,000 changes.
const defaultTurnover = 64 << 20

// Audit writes down who changed what: one JSON line a change, on disk before Record
// returns, secrets masked. Safe for use by many goroutines.
type Audit struct {
	cfg AuditConfig

	mu   sync.Mutex
	file *os.File
	size int64
	torn bool // the file does not end with a whole line
	err  error
}

// auditLine is the form of a line. Before is missing for what was created, after for
// what was removed.
type auditLine struct {
	At        time.Time  `json:"at"`
	Actor     string     `json:"actor"`
	Role      Role       `json:"role,omitempty"`
	Action    string     `json:"action"`
	Kind      store.Kind `json:"kind,omitempty"`
	ID        string     `json:"id,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	RequestID string     `json:"requestId,omitempty"`
	Before    any        `json:"before,omitempty"`
	After     any        `json:"after,omitempty"`
}

// OpenAudit opens the audit log of a data directory, 0600, and goes on behind what a
// crash may have left of a line.
func OpenAudit(cfg AuditConfig) (*Audit, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Turnover == 0 {
		cfg.Turnover = defaultTurnover
	}
	f, size, torn, err := openLines(filepath.Join(cfg.DataDir, AuditFile))
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	return &Audit{cfg: cfg, file: f, size: size, torn: torn}, nil
}

// openLines opens a file to be added to, 0600, and says how it ends.
func openLines(path string) (f *os.File, size int64, torn bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, false, err
	}
	last := []byte{'\n'}
	if size, err = f.Seek(0, io.SeekEnd); err == nil && size > 0 {
		_, err = f.ReadAt(last, size-1)
	}
	if err := errors.Join(err, f.Chmod(0o600)); err != nil {
		return nil, 0, false, errors.Join(err, f.Close())
	}
	return f, size, last[0] != '\n', nil
}

// Record writes one change that was made. Actor, role and request id are taken from the
// request in ctx where the change does not name them. A line that can't be written is
// logged with what it was about, and Err tells of it: the change itself stands.
func (a *Audit) Record(ctx context.Context, c store.Change) {
	line, err := a.line(ctx, c)
	if err == nil {
		err = a.write(line)
	}
	// The caller of the request may be gone; what was done is written all the same.
	if err == nil && a.cfg.Ledger != nil {
		_, err = a.cfg.Ledger.Append(context.WithoutCancel(ctx), a.cfg.Stream, line, c.By)
	}
	a.mu.Lock()
	a.err = err
	a.mu.Unlock()
	if err != nil {
		a.cfg.Log.ErrorContext(ctx, "a change was made but could not be written to the audit log", "action", c.Action,
			"kind", c.Kind, "id", c.ID, "actor", c.By.Actor, "requestId", c.RequestID, "error", err)
	}
}

// Err is why the last line could not be written, nil when it was.
func (a *Audit) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Close closes the file.
func (a *Audit) Close() error { return a.file.Close() }

func (a *Audit) line(ctx context.Context, c store.Change) ([]byte, error) {
	if c.By.Actor == "" {
		c.By.Actor = Actor(ctx)
	}
	if c.RequestID == "" {
		c.RequestID = RequestID(ctx)
	}
	before, after, err := maskedPair(c.Before, c.After)
	if err != nil {
		return nil, err
	}
	return json.Marshal(auditLine{
		At: a.cfg.Now().UTC(), Actor: c.By.Actor, Role: RoleOf(ctx), Action: c.Action, Kind: c.Kind, ID: c.ID,
		Reason: c.By.Reason, RequestID: c.RequestID, Before: before, After: after,
	})
}

// write adds a whole line with one call, so that lines never mix.
func (a *Audit) write(line []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.turn(); err != nil {
		return err
	}
	text := make([]byte, 0, len(line)+2)
	if a.torn {
		text = append(text, '\n')
	}
	text = append(append(text, line...), '\n')
	a.torn = true // until all of it is there
	n, err := a.file.Write(text)
	a.size += int64(n)
	if err != nil {
		return err
	}
	a.torn = false
	return a.file.Sync()
}

// turn goes on with a new file where the old one is full, or was renamed or removed by
// others (logrotate). What is full keeps its lines under a name with the time; gantry
// removes none: how long an audit is kept is not its to say. The caller holds the lock.
func (a *Audit) turn() error {
	path := filepath.Join(a.cfg.DataDir, AuditFile)
	open, err := a.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(path)
	moved := err != nil || !os.SameFile(open, named)
	if !moved && a.size < a.cfg.Turnover {
		return nil
	}
	if !moved {
		if err := os.Rename(path, aside(path, a.cfg.Now())); err != nil {
			return err
		}
	}
	f, size, torn, err := openLines(path)
	if err != nil {
		return err
	}
	old := a.file
	a.file, a.size, a.torn = f, size, torn
	return old.Close()
}

// aside is a name that is not taken: a rename must not replace lines.
func aside(path string, now time.Time) string {
	base := path + "." + now.UTC().Format("20060102T150405Z")
	name := base
	for i := 1; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s.%d", base, i)
	}
}
