package gantrytest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// JournalVariable names the folder in which functions note what was delivered: one
// file for each process, one JSON line for each batch, appended before the function
// answers. A line is the state of the world: the function had the records.
const JournalVariable = "JOURNAL"

// Delivery is one share of one partition in one invocation.
type Delivery struct {
	At        int64   `json:"at"` // Unix nanoseconds when the function began
	Partition string  `json:"p"`  // topic-n
	Offsets   []int64 `json:"o"`
	Failed    []int64 `json:"f"` // those the function was about to answer had failed
	Process   string  `json:"-"` // the file it stands in
}

// Journal is everything functions noted.
type Journal struct{ Deliveries []Delivery }

// ReadJournal reads a folder. A line torn by a kill is a delivery that was not noted.
func ReadJournal(t testing.TB, dir string) Journal {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var j Journal
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		scan := bufio.NewScanner(f)
		scan.Buffer(nil, 16<<20)
		for scan.Scan() {
			var lines []Delivery
			if json.Unmarshal(scan.Bytes(), &lines) != nil {
				continue
			}
			for _, d := range lines {
				d.Process = filepath.Base(path)
				j.Deliveries = append(j.Deliveries, d)
			}
		}
		_ = f.Close()
	}
	slices.SortStableFunc(j.Deliveries, func(a, b Delivery) int { return cmp.Compare(a.At, b.At) })
	return j
}

// Succeeded is the journal without the records that failed.
func (j Journal) Succeeded() Journal {
	var out Journal
	for _, d := range j.Deliveries {
		d.Offsets = slices.DeleteFunc(slices.Clone(d.Offsets), func(o int64) bool { return slices.Contains(d.Failed, o) })
		out.Deliveries = append(out.Deliveries, d)
	}
	return out
}

// Verdict is what a journal says against what was produced.
type Verdict struct {
	Seen       int // different records
	Lost       []string
	Duplicates int
	Disorder   []string // records whose first delivery came after that of a later one
}

// Check compares a journal with a topic that holds offsets 0 … count-1 in each of its
// partitions. Order is that of first deliveries: a repetition goes back and may.
func (j Journal) Check(topic string, counts []int64) Verdict {
	var v Verdict
	for p, count := range counts {
		key := fmt.Sprintf("%s-%d", topic, p)
		seen := make([]bool, count)
		next := int64(0)
		for _, d := range j.Deliveries {
			if d.Partition != key {
				continue
			}
			for _, o := range d.Offsets {
				switch {
				case o < 0 || o >= count:
					v.Disorder = append(v.Disorder, fmt.Sprintf("%s@%d was never produced", key, o))
				case seen[o]:
					v.Duplicates++
				default:
					if o != next {
						v.Disorder = append(v.Disorder, fmt.Sprintf("%s@%d came first when %d was next", key, o, next))
					}
					seen[o], next = true, o+1
					v.Seen++
				}
			}
		}
		v.Lost = append(v.Lost, missing(key, seen)...)
	}
	return v
}

func missing(key string, seen []bool) []string {
	var lost []string
	for o, ok := range seen {
		if !ok {
			lost = append(lost, fmt.Sprintf("%s@%d", key, o))
		}
	}
	return lost
}

// First gives the first few of a list, for messages.
func First(list []string) string {
	return strings.Join(list[:min(len(list), 10)], " ")
}
