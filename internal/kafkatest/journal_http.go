package kafkatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"gantry/record"
)

// Serve opens a collector for functions that run in other processes and gives its URL.
// A function posts the event it was given, as it is:
//
//	POST URL?process=NAME&outcome=began|done|failed     {"records": {"orders-0": [{"topic": …, "partition": …, "offset": …}]}}
//
// outcome is done if it is not given. Where parsing whole events costs too much, the
// body may be {"spans": [{"topic": …, "partition": …, "first": …, "last": …}]}.
func (j *Journal) Serve(t testing.TB) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(j.collect))
	t.Cleanup(s.Close)
	return s.URL
}

func (j *Journal) collect(w http.ResponseWriter, r *http.Request) {
	process, outcome := r.URL.Query().Get("process"), Outcome(r.URL.Query().Get("outcome"))
	if outcome == "" {
		outcome = Done
	}
	if !slices.Contains([]Outcome{Began, Done, Failed}, outcome) {
		http.Error(w, fmt.Sprintf("outcome %q is none of began, done, failed", outcome), http.StatusBadRequest)
		return
	}
	var body reported
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "read the report: "+err.Error(), http.StatusBadRequest)
		return
	}
	positions, err := body.positions()
	if err != nil {
		http.Error(w, "read the report: "+err.Error(), http.StatusBadRequest)
		return
	}
	j.Report(process, outcome, positions...)
	w.WriteHeader(http.StatusNoContent)
}

type reported struct {
	Records map[string][]struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		Offset    int64  `json:"offset"`
	} `json:"records"`
	Spans []struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		First     int64  `json:"first"`
		Last      int64  `json:"last"`
	} `json:"spans"`
}

func (b reported) positions() ([]record.Position, error) {
	var out []record.Position
	for _, name := range slices.Sorted(maps.Keys(b.Records)) {
		for _, r := range b.Records[name] {
			out = append(out, record.Position{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset})
		}
	}
	for _, s := range b.Spans {
		for o := s.First; o <= s.Last; o++ {
			out = append(out, record.Position{Topic: s.Topic, Partition: s.Partition, Offset: o})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("it names no record, neither in records nor in spans")
	}
	return out, nil
}
