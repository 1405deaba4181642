package lambda

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gantry/function"
)

// FuzzAPI sends anything to the whole API over a store in memory: every answer is one of
// the table of exceptions or a success, is JSON where it says so, and is never gantry's
// own failure.
func FuzzAPI(f *testing.F) {
	for _, r := range Routes() {
		path := strings.NewReplacer("{FunctionName}", "orders", "{UUID}", "00000000-0000-4000-8000-000000000000",
			"{Resource}", "arn:aws:lambda:eu-west-1:000000000000:function:orders", "{StatementId}", "s").Replace(r.Path)
		f.Add(r.Method, path, `{"FunctionName":"orders","Topics":["orders"],"StartingPosition":"LATEST","Tags":{"a":"b"},"SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["known.test:9092"]}}}`)
	}
	f.Add("POST", "/2015-03-31/functions/orders/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if _, err := url.ParseRequestURI(path); err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(method+path, " \r\n\t") || method == "" {
			return
		}
		for _, c := range method {
			if c < 'A' || c > 'Z' {
				return
			}
		}
		b := newBench(t)
		b.declare(t, function.Function{Name: "orders", Kind: function.Process, Memory: 128})
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		if kind := w.Header().Get("X-Amzn-ErrorType"); w.Code >= 500 || kind != "" && statuses[kind].status != w.Code {
			t.Fatalf("%s %s %q: %d %s %s", method, path, body, w.Code, kind, w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s %q: not JSON: %s", method, path, body, w.Body)
		}
	})
}
