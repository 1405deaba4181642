package aws_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands before an AWS API and does what AWS may do to a caller.
type proxy struct {
	URL    string
	behind string
	gone   atomic.Bool // nobody answers

	mu    sync.Mutex
	draw  *rand.Rand
	count map[string]int      // what was done
	due   map[string][]string // by operation, what has not become of it yet
}

func newProxy(t *testing.T, behind string) *proxy {
	p := &proxy{behind: behind, draw: rand.New(rand.NewPCG(1, 2)), count: map[string]int{}, due: map[string][]string{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

// partials are the operations that can fail in part.
var partials = []string{"SendMessageBatch", "PublishBatch", "PutEvents", "PutRecords", "PutRecordBatch", "BatchWriteItem"}

// fate draws what becomes of a request. Each operation fails in every way once at least,
// however few its requests are, and in part where it can.
func (p *proxy) fate(operation string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	due, known := p.due[operation]
	if !known {
		due = []string{"throttle", "unavailable", "lose"}
		if slices.Contains(partials, operation) {
			due = append(due, "partial")
		}
		p.due[operation] = due
	}
	if len(due) > 0 {
		return due[0]
	}
	fate := []string{"throttle", "unavailable", "lose", "partial", "partial"}
	if n := p.draw.IntN(20); n < len(fate) {
		return fate[n]
	}
	return "pass"
}

func (p *proxy) did(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count[what]++
	for operation, due := range p.due {
		if len(due) > 0 && what == operation+" "+due[0] {
			p.due[operation] = due[1:]
		}
	}
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	operation := r.Header.Get("X-Amz-Target")
	operation = operation[strings.LastIndex(operation, ".")+1:]
	if operation == "" && bytes.Contains(body, []byte("Action=PublishBatch")) {
		operation = "PublishBatch"
	}
	fate := p.fate(operation)
	if p.gone.Load() {
		fate = "gone"
	}
	switch fate {
	case "gone":
		p.cut(w)
		p.did("gone")
	case "throttle":
		code := "ThrottlingException"
		if operation == "PutRecords" || operation == "BatchWriteItem" {
			code = "ProvisionedThroughputExceededException"
		}
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws#" + code, "message": "Rate exceeded"})
		p.did(operation + " throttle")
	case "unavailable":
		w.WriteHeader(http.StatusServiceUnavailable)
		p.did(operation + " unavailable")
	case "lose":
		_, _, _ = p.forward(r, body)
		p.cut(w)
		p.did(operation + " lose")
	case "partial":
		p.partial(w, r, operation, body)
	default:
		p.relay(w, r, body, nil)
	}
}

func (p *proxy) cut(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = c.Close()
	}
}

func (p *proxy) forward(r *http.Request, body []byte) (int, http.Header, []byte) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, p.behind+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 500, nil, nil
	}
	req.Header = r.Header.Clone()
	req.Host = r.Host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 503, nil, nil
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, answer
}

func (p *proxy) relay(w http.ResponseWriter, r *http.Request, body []byte, change func([]byte) []byte) {
	status, header, answer := p.forward(r, body)
	if change != nil && status == http.StatusOK {
		answer = change(answer)
	}
	w.Header().Set("Content-Type", header.Get("Content-Type"))
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// partial takes the first entry of a request away and answers that it failed, as the
// service would have.
func (p *proxy) partial(w http.ResponseWriter, r *http.Request, operation string, body []byte) {
	var in map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	_ = d.Decode(&in)
	var failed any
	change := map[string]func(out map[string]any){
		"SendMessageBatch": func(out map[string]any) {
			out["Failed"] = append(list(out["Failed"]), map[string]any{"Id": failed.(map[string]any)["Id"], "Code": "InternalError", "SenderFault": false})
		},
		"PutRecords": func(out map[string]any) {
			out["Records"] = append([]any{map[string]any{"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}}, list(out["Records"])...)
		},
		"PutRecordBatch": func(out map[string]any) {
			out["RequestResponses"] = append([]any{map[string]any{"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "slow"}}, list(out["RequestResponses"])...)
		},
		"PutEvents": func(out map[string]any) {
			out["Entries"] = append([]any{map[string]any{"ErrorCode": "InternalFailure", "ErrorMessage": "oops"}}, list(out["Entries"])...)
		},
	}[operation]
	member := map[string]string{"SendMessageBatch": "Entries", "PutRecords": "Records", "PutRecordBatch": "Records", "PutEvents": "Entries"}[operation]
	switch {
	case operation == "PublishBatch":
		p.did("PublishBatch partial")
		p.relay(w, r, body, publishFails)
		return
	case operation == "BatchWriteItem":
		p.unprocessed(w, r, in)
		return
	case change == nil || len(list(in[member])) < 2:
		p.relay(w, r, body, nil)
		return
	}
	failed, in[member] = list(in[member])[0], list(in[member])[1:]
	p.did(operation + " partial")
	p.relay(w, r, encoded(in), func(answer []byte) []byte {
		var out map[string]any
		_ = json.Unmarshal(answer, &out)
		change(out)
		return encoded(out)
	})
}

func (p *proxy) unprocessed(w http.ResponseWriter, r *http.Request, in map[string]any) {
	tables, _ := in["RequestItems"].(map[string]any)
	left := map[string]any{}
	for name, requests := range tables {
		if all := list(requests); len(all) > 1 {
			left[name], tables[name] = all[:1], all[1:]
			p.did("BatchWriteItem partial")
		}
	}
	p.relay(w, r, encoded(in), func([]byte) []byte { return encoded(map[string]any{"UnprocessedItems": left}) })
}

var successful = regexp.MustCompile(`(?s)<Successful>\s*<member>.*?<Id>(.*?)</Id>.*?</member>`)

// publishFails answers that an entry failed that was published: SNS says so, too.
func publishFails(answer []byte) []byte {
	m := successful.FindSubmatch(answer)
	if m == nil {
		return answer
	}
	answer = bytes.Replace(answer, m[0], []byte("<Successful>"), 1)
	fault := fmt.Sprintf("<Failed><member><Id>%s</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member></Failed>", m[1])
	answer = regexp.MustCompile(`<Failed\s*/>|<Failed></Failed>`).ReplaceAll(answer, nil)
	return bytes.Replace(answer, []byte("</PublishBatchResult>"), []byte(fault+"</PublishBatchResult>"), 1)
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func encoded(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func (p *proxy) times(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[what]
}
