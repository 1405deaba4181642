package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gantry/plan"
)

// maxLine is the longest line of a ledger that is read: a plan with its functions.
const maxLine = 16 << 20

// Load reads a ledger's file, or an export, whole and checked.
func Load(from io.Reader) ([]plan.Line, error) {
	lines, _, err := load(from)
	if err != nil {
		return nil, err
	}
	return lines, Verify(lines)
}

// load also says where the last whole line ends: a crash may have left a part of one.
func load(from io.Reader) (lines []plan.Line, whole int64, err error) {
	in := bufio.NewReader(io.LimitReader(from, 1<<40))
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return lines, whole, nil
		}
		if err != nil || len(text) > maxLine {
			return nil, 0, fmt.Errorf("%w: line %d: longer than %d bytes or unreadable: %w", ErrBroken, len(lines)+1, maxLine, err)
		}
		hash, body, _ := bytes.Cut(bytes.TrimSuffix(text, []byte{'\n'}), []byte{' '})
		line, err := sealed{body, string(hash)}.open()
		if err != nil {
			return nil, 0, fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
		lines, whole = append(lines, line), whole+int64(len(text))
	}
}

// Export writes lines as a file holds them.
func Export(to io.Writer, lines []plan.Line) error {
	for _, line := range lines {
		if _, err := to.Write(sealed{line.Written, line.Hash}.text()); err != nil {
			return err
		}
	}
	return nil
}

func (s sealed) text() []byte {
	return append(append([]byte(s.hash+" "), s.body...), '\n')
}

// copyAll makes the file agree with the topic, of which it may lack the last lines. A file
// that says something else is left as it is.
func (l *Ledger) copyAll() error {
	if l.cfg.File == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.cfg.File), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(l.cfg.File, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	have, whole, err := load(f)
	if err != nil {
		return fmt.Errorf("%s: %w", l.cfg.File, err)
	}
	for i, line := range have {
		if i >= len(l.lines) || l.lines[i].Hash != line.Hash {
			return fmt.Errorf("%w: line %d of %s is not in topic %s; one of the two is of another cluster or was changed: move the file away to go by the topic",
				ErrBroken, i+1, l.cfg.File, l.cfg.topic())
		}
	}
	if err := f.Truncate(whole); err != nil {
		return err
	}
	if _, err := f.Seek(whole, io.SeekStart); err != nil {
		return err
	}
	return errors.Join(Export(f, l.lines[len(have):]), f.Sync())
}

func (l *Ledger) copyOne(kept sealed) error {
	if l.cfg.File == "" {
		return nil
	}
	f, err := os.OpenFile(l.cfg.File, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("the line is in topic %s; its copy: %w", l.cfg.topic(), err)
	}
	_, err = f.Write(kept.text())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the line is in topic %s; its copy in %s: %w", l.cfg.topic(), l.cfg.File, err)
	}
	return nil
}
