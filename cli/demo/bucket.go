package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"gantry/record"
	"gantry/sink"
)

// object is one line of an object in the bucket.
type object struct {
	Topic     string            `json:"topic"`
	Partition int64             `json:"partition"`
	Offset    int64             `json:"offset"`
	Timestamp int64             `json:"timestamp"`
	Key       string            `json:"key,omitempty"`
	Value     json.RawMessage   `json:"value,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
}

// Bucket is an integration: it carries records to a bucket, which is a folder here. A
// batch becomes one object for each partition, named by its offsets, so a batch that
// comes again overwrites what it wrote. Safe for use by many goroutines.
type Bucket struct {
	dir     string
	objects atomic.Int64
	records atomic.Int64
}

// NewBucket makes a bucket of a folder, which appears with the first object.
func NewBucket(dir string) *Bucket { return &Bucket{dir: dir} }

// Write implements sink.Sink.
func (b *Bucket) Write(_ context.Context, records []sink.Record) (sink.Result, error) {
	for _, part := range sink.Parts(records) {
		run := records[part[0] : part[len(part)-1]+1] // the records of a partition stand together
		if err := putObject(b.dir, run); err != nil {
			return sink.Result{}, err
		}
		b.objects.Add(1)
		b.records.Add(int64(len(run)))
	}
	return sink.Result{}, nil
}

// Close implements sink.Sink.
func (b *Bucket) Close() error { return nil }

func putObject(dir string, records []sink.Record) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, r := range records {
		if err := lines.Encode(lineOf(&r)); err != nil {
			return fmt.Errorf("write a line of %s-%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
		}
	}
	first, last := records[0], records[len(records)-1]
	name := filepath.Join(dir, first.Topic, fmt.Sprintf("partition=%d", first.Partition), fmt.Sprintf("%020d-%020d.jsonl", first.Offset, last.Offset))
	return writeWhole(name, body.Bytes())
}

func lineOf(r *sink.Record) object {
	o := object{Topic: r.Topic, Partition: int64(r.Partition), Offset: r.Offset, Timestamp: r.Time.UnixMilli(), Key: string(r.Key), Value: r.Value}
	if !json.Valid(r.Value) {
		o.Value, _ = json.Marshal(string(r.Value)) // text always can be
	}
	for _, h := range r.Headers {
		if o.Headers == nil {
			o.Headers = map[string]string{}
		}
		o.Headers[h.Key] = string(h.Value)
	}
	return o
}

// writeWhole makes a file appear with all its bytes, or not at all, as an object does.
func writeWhole(name string, body []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write object %s: %w", name, err)
	}
	temp, err := os.CreateTemp(dir, ".writing-*")
	if err != nil {
		return fmt.Errorf("write object %s: %w", name, err)
	}
	_, err = temp.Write(body)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("write object %s: %w", name, err)
	}
	return nil
}

// stored is what is in the bucket.
type stored struct {
	objects int
	records positions
	dead    positions // the records whose dead letters are in it
}

// readBucket reads every object back.
func readBucket(dir string) (stored, error) {
	s := stored{records: positions{}, dead: positions{}}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".jsonl") {
			return err
		}
		s.objects++
		return s.read(name)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // nothing was written
	}
	return s, err
}

func (s *stored) read(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var o object
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return fmt.Errorf("object %s: %w", filepath.Base(name), err)
		}
		s.records[record.Position{Topic: o.Topic, Partition: int32(o.Partition), Offset: o.Offset}]++
		if from, ok := deadLetterOf(o.Headers); ok {
			s.dead[from]++
		}
	}
	return lines.Err()
}

// deadLetterOf tells which record a dead letter stands for, from gantry's headers.
func deadLetterOf(headers map[string]string) (record.Position, bool) {
	partition, err := strconv.ParseInt(headers["gantry-partition"], 10, 32)
	offset, other := strconv.ParseInt(headers["gantry-offset"], 10, 64)
	return record.Position{Topic: headers["gantry-topic"], Partition: int32(partition), Offset: offset}, err == nil && other == nil
}
