// Package settle decides what becomes of the records of a batch once its invocation
// is over (design: the order of remedies). It is arithmetic on values: no clock, no
// Kafka, no goroutine; the pipeline applies what it decides.
package settle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"

	"gantry/record"
)

// Failures are the records a partial batch response names, as the index of each
// within its part. A part that is missing has none.
type Failures map[int][]int

// Count is how many records they are.
func (f Failures) Count() int {
	n := 0
	for _, indices := range f {
		n += len(indices)
	}
	return n
}

// response is AWS's partial batch response for Kafka: the identifier is an object, not
// the string of the other sources (kafka-retry-configurations).
type response struct {
	BatchItemFailures []struct {
		ItemIdentifier *struct {
			Partition *string `json:"partition"`
			Offset    *int64  `json:"offset"`
		} `json:"itemIdentifier"`
	} `json:"batchItemFailures"`
}

// ReadFailures reads the answer of a function with ReportBatchItemFailures. Empty
// valid JSON and null are success. Anything that can't be understood, or a record that
// was not in the event, fails the whole batch: the error says why.
func ReadFailures(answer []byte, b *record.Batch) (Failures, error) {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 || bytes.Equal(answer, []byte("null")) {
		return nil, nil
	}
	var r response
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, fmt.Errorf("the answer is no partial batch response: %w", err)
	}
	if len(r.BatchItemFailures) == 0 {
		return nil, nil
	}
	named := map[record.Partition]map[int64]bool{}
	for i, f := range r.BatchItemFailures {
		id := f.ItemIdentifier
		if id == nil || id.Partition == nil || id.Offset == nil {
			return nil, fmt.Errorf("batchItemFailures[%d]: itemIdentifier must be {\"partition\": \"topic-n\", \"offset\": n}", i)
		}
		p, ok := find(b, *id.Partition, *id.Offset)
		if !ok {
			return nil, fmt.Errorf("batchItemFailures[%d]: %s offset %d was not in the event", i, *id.Partition, *id.Offset)
		}
		if named[p] == nil {
			named[p] = map[int64]bool{}
		}
		named[p][*id.Offset] = true
	}
	return indices(b, named), nil
}

// find looks for a record by the key of the event's records object. Topics may hold
// dashes, so whole keys are compared and never cut. Records are in order of offset.
func find(b *record.Batch, key string, offset int64) (record.Partition, bool) {
	for i := range b.Parts {
		p := b.Parts[i].Lane.Of()
		if p.String() != key {
			continue
		}
		records := b.Parts[i].Records
		j := sort.Search(len(records), func(j int) bool { return records[j].Offset >= offset })
		if j < len(records) && records[j].Offset == offset {
			return p, true
		}
	}
	return record.Partition{}, false
}

func indices(b *record.Batch, named map[record.Partition]map[int64]bool) Failures {
	out := Failures{}
	for i := range b.Parts {
		offsets := named[b.Parts[i].Lane.Of()]
		if offsets == nil {
			continue
		}
		for j := range b.Parts[i].Records {
			if offsets[b.Parts[i].Records[j].Offset] {
				out[i] = append(out[i], j)
			}
		}
	}
	return out
}
