package databasetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// OpenSearch is a fake for what a server does only when it is overfull (Search is one): it
// holds requests to the grammar of _bulk (lines, ids, external versions, sizes) and answers
// in its form, but it analyses, searches and stores nothing as OpenSearch does.
type OpenSearch struct {
	URL string

	mu       sync.Mutex
	docs     map[string]Doc // index/id
	most     int            // bytes of a request
	busy     int            // requests to answer with 429
	rejected int            // every n-th action is rejected for a full queue; 0 = none
	actions  int
	refuse   func(index string, source map[string]any) (reason string)
}

// Doc is a document, or what is left of one that was deleted.
type Doc struct {
	Version int64
	Source  string // "" = deleted
}

// NewOpenSearch starts one.
func NewOpenSearch(t testing.TB) *OpenSearch {
	o := &OpenSearch{docs: map[string]Doc{}, most: 10 << 20}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.URL = s.URL
	return o
}

// Throttle answers the next requests with 429, and then rejects every n-th action.
func (o *OpenSearch) Throttle(requests, everyNth int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy, o.rejected = requests, everyNth
}

// Limit bounds the bytes of a request.
func (o *OpenSearch) Limit(bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.most = bytes
}

// Refuse gives the reason for which a mapping refuses a document, "" for none.
func (o *OpenSearch) Refuse(why func(index string, source map[string]any) string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = why
}

// Docs gives the documents of an index by id.
func (o *OpenSearch) Docs(index string) map[string]Doc {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[string]Doc{}
	for name, d := range o.docs {
		if rest, ok := bytes.CutPrefix([]byte(name), []byte(index+"/")); ok && d.Source != "" {
			found[string(rest)] = d
		}
	}
	return found
}

// ServeHTTP implements http.Handler.
func (o *OpenSearch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	fail := func(status int, kind, reason string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"type":%q,"reason":%q},"status":%d}`, kind, reason, status)
	}
	switch {
	case err != nil:
		return
	case r.Method != http.MethodPost || r.URL.Path != "/_bulk":
		fail(http.StatusMethodNotAllowed, "illegal_argument_exception", "only POST /_bulk is here")
	case r.Header.Get("Content-Type") != "application/x-ndjson":
		fail(http.StatusNotAcceptable, "illegal_argument_exception", "Content-Type header is not supported")
	case o.busy > 0:
		o.busy--
		fail(http.StatusTooManyRequests, "circuit_breaking_exception", "too much data")
	case len(body) > o.most:
		fail(http.StatusRequestEntityTooLarge, "content_too_long", "too large")
	case len(body) == 0 || body[len(body)-1] != '\n':
		fail(http.StatusBadRequest, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
	default:
		items, err := o.bulk(body)
		if err != nil {
			fail(http.StatusBadRequest, "illegal_argument_exception", err.Error())
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"took": 1, "errors": true, "items": items})
	}
}

type bulkMeta struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int64  `json:"version"`
	VersionType string `json:"version_type"`
}

func (o *OpenSearch) bulk(body []byte) (items []map[string]any, err error) {
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, len(body)+1)
	for lines.Scan() {
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		var named map[string]bulkMeta
		if err := d.Decode(&named); err != nil || len(named) != 1 {
			return nil, fmt.Errorf("Malformed action/metadata line: %s", lines.Text()) //nolint:staticcheck // the server's words
		}
		for name, m := range named {
			source := ""
			if name == "index" {
				if !lines.Scan() {
					return nil, fmt.Errorf("a source is missing")
				}
				source = lines.Text()
			} else if name != "delete" {
				return nil, fmt.Errorf("Malformed action/metadata line: unknown action %s", name) //nolint:staticcheck // the server's words
			}
			items = append(items, map[string]any{name: o.one(m, source)})
		}
	}
	return items, lines.Err()
}

func (o *OpenSearch) one(m bulkMeta, source string) map[string]any {
	no := func(status int, kind, reason string) map[string]any {
		return map[string]any{"_index": m.Index, "_id": m.ID, "status": status, "error": map[string]any{"type": kind, "reason": reason}}
	}
	var fields map[string]any
	o.actions++
	key := m.Index + "/" + m.ID
	before, there := o.docs[key]
	switch {
	case o.rejected > 0 && o.actions%o.rejected == 0:
		return no(http.StatusTooManyRequests, "es_rejected_execution_exception", "rejected execution of primary operation")
	case m.ID == "" || len(m.ID) > 512:
		return no(http.StatusBadRequest, "illegal_argument_exception", "id is too long or missing")
	case source != "" && json.Unmarshal([]byte(source), &fields) != nil:
		return no(http.StatusBadRequest, "mapper_parsing_exception", "failed to parse")
	case m.VersionType != "" && m.VersionType != "external":
		return no(http.StatusBadRequest, "illegal_argument_exception", "version type is not known")
	case m.VersionType == "external" && there && m.Version <= before.Version:
		return no(http.StatusConflict, "version_conflict_engine_exception", fmt.Sprintf("current version [%d] is higher or equal to the one provided [%d]", before.Version, m.Version))
	case source != "" && o.refuse != nil && o.refuse(m.Index, fields) != "":
		return no(http.StatusBadRequest, "mapper_parsing_exception", o.refuse(m.Index, fields))
	}
	version := m.Version
	if m.VersionType == "" {
		version = before.Version + 1
	}
	status := http.StatusCreated
	if source == "" && (!there || before.Source == "") {
		status = http.StatusNotFound
	} else if there {
		status = http.StatusOK
	}
	o.docs[key] = Doc{Version: version, Source: source}
	return map[string]any{"_index": m.Index, "_id": m.ID, "_version": version, "status": status}
}
