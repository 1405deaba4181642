// Package functionlog keeps what functions write: one file of JSON lines for each
// function, turned over when it is full, and a live view for those who follow. Lines
// are the function's own words: they go here and never into gantry's log.
package functionlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Line is one line a function wrote.
type Line struct {
	Time      time.Time `json:"time"`
	Stream    string    `json:"stream"`              // stdout, stderr; of a mapping's event log YYYY/MM/DD/UUID
	RequestID string    `json:"requestId,omitempty"` // the invocation it was written in
	Text      string    `json:"text"`
}

// turnover is when a file is put aside; the one put aside before it goes.
const turnover = 16 << 20

// Logs are the logs of a folder. Safe for use by many goroutines.
type Logs struct {
	dir string

	mu    sync.Mutex
	files map[string]*file
}

// Open makes the folder (0700) where it is missing.
func Open(dir string) (*Logs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the functions' logs: %w", err)
	}
	return &Logs{dir: dir, files: map[string]*file{}}, nil
}

// file is the log of one function.
type file struct {
	path string

	mu        sync.Mutex
	out       *os.File
	size      int64
	followers map[chan Line]struct{}
}

// Log gives the log of a function. Names are function names: they hold no separator.
func (l *Logs) Log(function string) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.files[function]
	if f == nil {
		f = &file{path: filepath.Join(l.dir, function+".log"), followers: map[chan Line]struct{}{}}
		l.files[function] = f
	}
	return &Log{f}
}

// Close closes every file.
func (l *Logs) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.out == nil {
		return nil
	}
	err := f.out.Close()
	f.out = nil
	return err
}

// Log is the log of one function. Safe for use by many goroutines.
type Log struct{ f *file }

// Write keeps a line. A full disk loses lines, never time: the function goes on.
func (l *Log) Write(line Line) {
	f := l.f
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.followers {
		select {
		case ch <- line:
		default: // a slow follower misses lines
		}
	}
	body, err := json.Marshal(line)
	if err != nil || f.open() != nil {
		return
	}
	n, _ := f.out.Write(append(body, '\n'))
	f.size += int64(n)

}

// open opens the file, and turns it over when it is full. The caller holds the lock.
func (f *file) open() error {
	if f.out != nil && f.size < turnover {
		return nil
	}
	if f.out != nil {
		_ = f.out.Close()
		f.out = nil
		if err := os.Rename(f.path, f.path+".1"); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := out.Stat()
	if err != nil {
		return errors.Join(err, out.Close())
	}
	f.out, f.size = out, info.Size()
	return nil
}
