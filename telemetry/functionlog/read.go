package functionlog

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Last gives the last n lines, the oldest first.
func (l *Log) Last(n int) ([]Line, error) {
	var lines []Line
	for _, path := range []string{l.f.path + ".1", l.f.path} {
		more, err := read(path, n)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the function's log: %w", err)
		}
		lines = append(lines, more...)
	}
	return lines[max(0, len(lines)-n):], nil
}

// read gives the last n lines of one file. A line that a crash cut off is left out.
func read(path string, n int) ([]Line, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var lines []Line
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var line Line
		if json.Unmarshal(scan.Bytes(), &line) != nil {
			continue
		}
		if lines = append(lines, line); len(lines) > 2*n+64 {
			lines = append(lines[:0], lines[len(lines)-n:]...)
		}
	}
	return lines[max(0, len(lines)-n):], scan.Err()
}

// Follow gives the lines written from now on, until end is called.
func (l *Log) Follow() (lines <-chan Line, end func()) {
	ch := make(chan Line, 1024)
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.followers[ch] = struct{}{}
	return ch, func() {
		l.f.mu.Lock()
		defer l.f.mu.Unlock()
		delete(l.f.followers, ch)
	}
}
