package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"gantry/plan"
)

// ErrBroken says that lines do not follow each other: one was changed, left out, put
// between, or written by somebody who had lost the ledger.
var ErrBroken = errors.New("the ledger is broken")

// sealed is a line as it is kept: its JSON, and the SHA-256 of that in hex.
type sealed struct {
	body []byte
	hash string
}

func seal(body []byte) sealed {
	sum := sha256.Sum256(body)
	return sealed{body, hex.EncodeToString(sum[:])}
}

// open reads a kept line and checks that it is what its hash says.
func (s sealed) open() (plan.Line, error) {
	var line plan.Line
	if got := seal(s.body).hash; got != s.hash {
		return line, fmt.Errorf("%w: a line has the hash %s and is kept with %s", ErrBroken, got, s.hash)
	}
	dec := json.NewDecoder(bytes.NewReader(s.body))
	if err := dec.Decode(&line); err != nil {
		return line, fmt.Errorf("%w: line with the hash %s: %w", ErrBroken, s.hash, err)
	}
	line.Hash, line.Written = s.hash, s.body
	return line, nil
}

// Verify says whether lines are a whole chain from the first on.
func Verify(lines []plan.Line) error {
	var before plan.Line
	for _, line := range lines {
		if err := follows(before, line); err != nil {
			return err
		}
		before = line
	}
	return nil
}

func follows(before, line plan.Line) error {
	switch {
	case line.Sequence != before.Sequence+1:
		return fmt.Errorf("%w: line %d follows line %d", ErrBroken, line.Sequence, before.Sequence)
	case line.Previous != before.Hash:
		return fmt.Errorf("%w: line %d names %q as the hash of the line before, which has %q", ErrBroken, line.Sequence, line.Previous, before.Hash)
	case line.Epoch < before.Epoch:
		return fmt.Errorf("%w: line %d is of epoch %d, the line before of %d", ErrBroken, line.Sequence, line.Epoch, before.Epoch)
	case before.Plan != "" && line.Plan != before.Plan:
		return fmt.Errorf("%w: line %d is of plan %s, the line before of %s", ErrBroken, line.Sequence, line.Plan, before.Plan)
	}
	return nil
}
