package demo

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gantry/record"
)

// journal notes what a function did, a line for each record. It stands for the database
// a real service would write to. Each process has a file of its own.
type journal struct{ file *os.File }

func openJournal(effects, function string) (*journal, error) {
	dir := filepath.Join(effects, function)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return &journal{f}, nil
}

// done notes records as processed, all with one write.
func (j *journal) done(records []events.KafkaRecord) error {
	var lines strings.Builder
	for _, r := range records {
		fmt.Fprintf(&lines, "%s %d %d\n", r.Topic, r.Partition, r.Offset)
	}
	_, err := j.file.WriteString(lines.String())
	return err
}

// positions are records counted by position: more than once means a repeat.
type positions map[record.Position]int

// readJournal gathers what all processes of a function noted.
func readJournal(effects, function string) (positions, error) {
	found := positions{}
	files, err := filepath.Glob(filepath.Join(effects, function, "*"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if err := readPositions(name, found); err != nil {
			return nil, fmt.Errorf("read what %s noted: %w", function, err)
		}
	}
	return found, nil
}

func readPositions(name string, into positions) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		var p record.Position
		if _, err := fmt.Sscan(scan.Text(), &p.Topic, &p.Partition, &p.Offset); err != nil {
			return fmt.Errorf("%s: line %q: %w", filepath.Base(name), scan.Text(), err)
		}
		into[p]++
	}
	return scan.Err()
}
