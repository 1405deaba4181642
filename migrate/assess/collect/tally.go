package collect

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
	"unicode/utf8"

	"gantry/kafka"
	"gantry/record"
	"gantry/workload"
)

const (
	topKeys     = 10
	mostHeaders = 50
	keyShown    = 100 // bytes of a key that is shown
)

// tally adds up runs of records of one topic.
type tally struct {
	salt  []byte // nil = keys are shown
	names map[string]string

	partitions    map[int32]*drawn
	headers       map[string]bool
	codecs        map[string]int
	packed, whole int
	records       int
	controls      int
	transactional int
	timeless      int
	behind        []time.Duration // how much older than the newest before it, where it is
}

// drawn is what was drawn of one partition.
type drawn struct {
	sizes []int
	keyed int
	keys  map[[8]byte]int
	gaps  []float64 // seconds
}

// newTally begins a topic. The salt is made for it and forgotten, so that a hash tells
// keys of one topic apart and nothing else: not even whether another topic has the key.
func newTally(showKeys bool) *tally {
	t := &tally{partitions: map[int32]*drawn{}, headers: map[string]bool{}, codecs: map[string]int{}, names: map[string]string{}}
	if !showKeys {
		t.salt = make([]byte, 16)
		_, _ = rand.Read(t.salt) // it never fails
	}
	return t
}

func (t *tally) add(run kafka.Run, most int) {
	d := t.partitions[run.Partition]
	if d == nil {
		d = &drawn{keys: map[[8]byte]int{}}
		t.partitions[run.Partition] = d
	}
	t.controls += run.Controls
	t.transactional += run.Batches.Transactional
	t.packed += run.Batches.Compressed
	t.whole += run.Batches.Uncompressed
	for codec, n := range run.Batches.Codecs {
		t.codecs[codec] += n
	}
	records := run.Records[:min(most, len(run.Records))]
	for i := range records {
		t.record(d, &records[i])
	}
	t.times(d, records)
}

func (t *tally) record(d *drawn, r *record.Record) {
	t.records++
	d.sizes = append(d.sizes, len(r.Key)+len(r.Value))
	if r.Key != nil {
		d.keyed++
		d.keys[t.hash(r.Key)]++
	}
	for _, h := range r.Headers {
		if len(t.headers) < mostHeaders {
			t.headers[h.Key] = true
		}
	}
}

// hash stands for a key. Where keys are shown it also remembers it.
func (t *tally) hash(key []byte) [8]byte {
	h := sha256.Sum256(append(slices.Clone(t.salt), key...))
	short := [8]byte(h[:8])
	if t.salt == nil {
		t.names[string(short[:])] = readable(key)
	}
	return short
}

func readable(key []byte) string {
	if !utf8.Valid(key) {
		return "0x" + hex.EncodeToString(key[:min(len(key), keyShown/2)])
	}
	if len(key) <= keyShown {
		return string(key)
	}
	cut := keyShown
	for !utf8.RuneStart(key[cut]) {
		cut--
	}
	return string(key[:cut]) + "…"
}

func (t *tally) name(hash [8]byte) string {
	if t.salt == nil {
		return t.names[string(hash[:])]
	}
	return hex.EncodeToString(hash[:])
}

// times takes the gaps between records of a run, in the order of their timestamps:
// several writers' records are a little mixed up.
func (t *tally) times(d *drawn, records []record.Record) {
	newest := int64(0)
	at := make([]int64, 0, len(records))
	for i := range records {
		ms := records[i].Timestamp
		if ms < 0 {
			t.timeless++
			continue
		}
		if ms < newest {
			t.behind = append(t.behind, time.Duration(newest-ms)*time.Millisecond)
		}
		newest = max(newest, ms)
		at = append(at, ms)
	}
	slices.Sort(at)
	for i := 1; i < len(at); i++ {
		d.gaps = append(d.gaps, float64(at[i]-at[i-1])/1000)
	}
}

// lateShare is the share of records older than the newest before them by more than that.
func (t *tally) lateShare(than time.Duration) float64 {
	n := 0
	for _, b := range t.behind {
		if b > than {
			n++
		}
	}
	return float64(n) / float64(max(1, t.records))
}

func (t *tally) headerNames() []string {
	var out []string
	for name := range t.headers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// sample boils the tally down; nil = nothing was read.
func (t *tally) sample(weight map[int32]float64) *workload.Sample {
	if t.records == 0 {
		return nil
	}
	s := &workload.Sample{Records: t.records, Compression: t.codec(), Gaps: t.gaps()}
	if t.packed > 0 {
		s.Ratio = float64(t.whole) / float64(t.packed)
	}
	t.sizes(s, weight)
	t.keys(s, weight)
	return s
}

func (t *tally) codec() string {
	switch len(t.codecs) {
	case 0:
		return ""
	case 1:
		for codec := range t.codecs {
			return codec
		}
	}
	return "mixed"
}
