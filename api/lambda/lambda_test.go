package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
	"gantry/function"
	"gantry/mapping"
	"gantry/store"
	"gantry/store/code"
)

const mappingsPath = "/2015-03-31/event-source-mappings"

func (b *bench) do(method, target string, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *bench) declare(t *testing.T, fn function.Function) {
	t.Helper()
	_, err := b.functions().Put(t.Context(), store.Item[function.Function]{ID: fn.Name, Value: fn}, store.Write{})
	require.NoError(t, err)
}

func creation(topic string) string {
	return fmt.Sprintf(`{"FunctionName":"orders","SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["localhost:9092"]}},
		"Topics":["%s"],"StartingPosition":"LATEST"}`, topic)
}

func createFunction(t *testing.T, b *bench, name string, zip []byte, more string) *httptest.ResponseRecorder {
	t.Helper()
	return b.do("POST", "/2015-03-31/functions", fmt.Sprintf(
		`{"FunctionName":%q,"Runtime":"python3.12","Handler":"app.handler","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":%q}%s}`,
		name, base64.StdEncoding.EncodeToString(zip), more))
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	require.ErrorContains(t, err, "Store, Engine, Code and Pattern")
}

// What Resolve found is what the mapping is stored with.
func TestCreationStoresResolvedPositions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	require.Equal(t, 202, b.do("POST", mappingsPath, creation("orders")).Code)
	all, err := b.mappings().List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	m := all[0].Value
	require.Equal(t, map[string]map[int32]int64{"orders": {0: 7, 1: 9}}, m.Positions)
	require.Equal(t, map[string]string{"orders": "topic-id"}, m.TopicIDs)
	require.Equal(t, m.UUID, m.GroupID)
	require.EqualValues(t, mapping.Endless, m.RecordAge)
	require.Nil(t, m.Window)
	require.True(t, m.Enabled)
	require.Equal(t, store.Write{Actor: "AKIDTEST", Reason: "CreateEventSourceMapping"}, all[0].By)
}

// A cluster that says nothing ends the creation after the deadline, with nothing stored.
func TestCreationEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.declare(t, function.Function{Name: "orders", Kind: function.Process})
		b.engine.hangs = true
		began := time.Now()
		w := b.do("POST", mappingsPath, creation("orders"))
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, 400, w.Code)
		require.Equal(t, "InvalidParameterValueException", w.Header().Get("X-Amzn-ErrorType"))
		require.Contains(t, w.Body.String(), "did not answer within 10s: dial b1.example:9093")
		all, err := b.mappings().List(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)
		require.Empty(t, b.audit.take())
	})
}

// Of many equal creations at once one wins.
func TestConcurrentCreationsMakeOneMapping(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range 8 {
		group.Go(func() {
			code := b.do("POST", mappingsPath, creation("orders")).Code
			mu.Lock()
			defer mu.Unlock()
			answers[code]++
		})
	}
	group.Wait()
	require.Equal(t, map[int]int{202: 1, 409: 7}, answers)
}

// A request that lost a race against another one says so and changes nothing.
func TestALostRaceIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process, Memory: 128})
	in := &updateConfigurationInput{oneFunctionInput: oneFunctionInput{current: function.Function{Name: "orders"}, version: 7}}
	_, err := b.updateFunctionConfiguration(t.Context(), in)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, "ResourceConflictException", b.exceptionOf(t.Context(), "", err).exception)
	require.Empty(t, b.audit.take())
}

func TestAuditMasksValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := createFunction(t, b, "orders", zipOf("app.py"), `,"Environment":{"Variables":{"PASSWORD":"hunter2"}}`)
	require.Equal(t, 201, w.Code, w.Body)
	require.Equal(t, 200, b.do("PUT", "/2015-03-31/functions/orders/configuration", `{"Environment":{"Variables":{"PASSWORD":"hunter3"}}}`).Code)
	require.Equal(t, 204, b.do("DELETE", "/2015-03-31/functions/orders", "").Code)
	dir := t.TempDir()
	audit, err := door.OpenAudit(door.AuditConfig{DataDir: dir})
	require.NoError(t, err)
	for _, c := range b.audit.take() {
		require.NotEmpty(t, c.RequestID)
		audit.Record(t.Context(), c)
	}
	require.NoError(t, audit.Close())
	text, err := os.ReadFile(filepath.Join(dir, door.AuditFile))
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(text), "\n"))
	require.Contains(t, string(text), `"PASSWORD":"*** (changed)"`)
	require.NotContains(t, string(text), "hunter")
}

// The state that is shown is the wish beside what the engine reported.
func TestStates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enabled, deleting bool
		version           int64
		seen              mapping.Status
		want              mapping.State
	}{
		"new":                        {enabled: true, version: 1, want: mapping.Creating},
		"new, off":                   {version: 1, want: mapping.Creating},
		"gantry has just started":    {enabled: true, version: 4, want: mapping.Enabling},
		"just started, off":          {version: 4, want: mapping.Disabled},
		"runs":                       {enabled: true, version: 4, seen: mapping.Status{State: mapping.Enabled, Version: 4}, want: mapping.Enabled},
		"runs, version not known":    {enabled: true, version: 4, seen: mapping.Status{State: mapping.Enabled}, want: mapping.Enabled},
		"runs the version before":    {enabled: true, version: 5, seen: mapping.Status{State: mapping.Enabled, Version: 4}, want: mapping.Updating},
		"being created":              {enabled: true, version: 1, seen: mapping.Status{State: mapping.Creating}, want: mapping.Creating},
		"switched off":               {version: 5, seen: mapping.Status{State: mapping.Enabled, Version: 4}, want: mapping.Disabling},
		"off":                        {version: 5, seen: mapping.Status{State: mapping.Disabled, Version: 5}, want: mapping.Disabled},
		"changed while off":          {version: 6, seen: mapping.Status{State: mapping.Disabled, Version: 5}, want: mapping.Updating},
		"switched on":                {enabled: true, version: 6, seen: mapping.Status{State: mapping.Disabled, Version: 5}, want: mapping.Enabling},
		"switched on while stopping": {enabled: true, version: 6, seen: mapping.Status{State: mapping.Disabling}, want: mapping.Enabling},
		"deleted":                    {enabled: true, deleting: true, version: 6, seen: mapping.Status{State: mapping.Enabled, Version: 6}, want: mapping.Deleting},
		"deleted, off":               {deleting: true, version: 6, want: mapping.Deleting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.engine.status["u"] = c.seen
			m := &mapping.Mapping{UUID: "u", Enabled: c.enabled, Deleting: c.deleting}
			require.Equal(t, c.want, b.statusOf(m, c.version).State)
		})
	}
}

func TestCodeLocation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	zip := zipOf("app.py")
	require.Equal(t, 201, createFunction(t, b, "orders", zip, "").Code)
	location := func() *url.URL {
		var out struct{ Code struct{ Location string } }
		w := b.do("GET", "http://gantry.example:9400/2015-03-31/functions/orders", "")
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		require.True(t, strings.HasPrefix(out.Code.Location, "http://gantry.example:9400"+CodePath), out.Code.Location)
		u, err := url.Parse(out.Code.Location)
		require.NoError(t, err)
		return u
	}

	w := b.do("GET", location().String(), "")
	require.Equal(t, 200, w.Code)
	require.Equal(t, "application/zip", w.Header().Get("Content-Type"))
	require.True(t, bytes.Equal(zip, w.Body.Bytes()))

	for name, spoil := range map[string]func(url.Values){
		"no signature":      func(q url.Values) { q.Del("signature") },
		"another signature": func(q url.Values) { q.Set("signature", strings.Repeat("0", 64)) },
		"a later end":       func(q url.Values) { q.Set("expires", "99999999999") },
	} {
		u := location()
		q := u.Query()
		spoil(q)
		u.RawQuery = q.Encode()
		require.Equal(t, 403, b.do("GET", u.String(), "").Code, name)
	}

	u := location()
	b.mu.Lock()
	b.now = b.now.Add(11 * time.Minute)
	b.mu.Unlock()
	require.Equal(t, 403, b.do("GET", u.String(), "").Code)

	u = location()
	clear(b.code.zips)
	require.Equal(t, 404, b.do("GET", u.String(), "").Code)
}

func TestRequestsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	payload := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }

	w := b.do("POST", "/2015-03-31/functions/orders/invocations", payload(invokeLimit))
	require.Equal(t, 200, w.Code)
	w = b.do("POST", "/2015-03-31/functions/orders/invocations", payload(invokeLimit+1))
	require.Equal(t, 413, w.Code)
	require.Equal(t, "RequestTooLargeException", w.Header().Get("X-Amzn-ErrorType"))
	require.JSONEq(t, `{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`, w.Body.String())

	w = b.do("POST", mappingsPath, payload(bodyLimit+1))
	require.Equal(t, 413, w.Code)
	require.Len(t, b.engine.invoked, 1)
}

func TestAPackageOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	f := &faults{}
	newBench(t).zipFaults(make([]byte, maxZip+1), f)
	require.Len(t, f.refused, 1)
	require.Contains(t, f.refused[0], "52428801 bytes are more than the 52428800")
}

// A failure of ours shows a request id and nothing of its cause.
func TestOurOwnFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code.err = errors.New("disk full under /secret/path")
	w := createFunction(t, b, "orders", zipOf("app.py"), "")
	require.Equal(t, 500, w.Code)
	require.Equal(t, "ServiceException", w.Header().Get("X-Amzn-ErrorType"))
	require.NotContains(t, w.Body.String(), "secret")
	require.Contains(t, w.Body.String(), w.Header().Get("X-Amzn-RequestId"))
	require.Contains(t, b.log.String(), "disk full")
	require.Contains(t, b.log.String(), w.Header().Get("X-Amzn-RequestId"))
	require.Equal(t, 404, b.do("GET", "/2015-03-31/functions/orders", "").Code)

	b.code.err = &code.RefusedError{Message: "the zip breaks off"}
	w = createFunction(t, b, "orders", zipOf("app.py"), "")
	require.Equal(t, "InvalidParameterValueException", w.Header().Get("X-Amzn-ErrorType"))
	require.Contains(t, w.Body.String(), "the zip breaks off")
}

func TestInvokeHandsEverythingOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	r := httptest.NewRequest("POST", "/2015-03-31/functions/orders/invocations", nil)
	r.Header.Set("X-Amz-Log-Type", "Tail")
	r.Header.Set("X-Amz-Client-Context", "e30=")
	r.Header.Set("X-Amzn-Trace-Id", "Root=1")
	b.engine.outcome = function.Outcome{Log: bytes.Repeat([]byte("x"), 5000)}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	require.Equal(t, []function.Invocation{{
		Payload: []byte("{}"), RequestID: w.Header().Get("X-Amzn-RequestId"), ClientContext: "e30=", TraceID: "Root=1", LogTail: true,
	}}, b.engine.invoked)
	log, err := base64.StdEncoding.DecodeString(w.Header().Get("X-Amz-Log-Result"))
	require.NoError(t, err)
	require.Len(t, log, function.LogTailBytes)
}

// What the engine can't make ready is told to the caller; a function that went away
// meanwhile is not found.
func TestInvokeOfAFunctionThatCannotRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	b.engine.failure = errors.New("prepare function orders: python3.12 is not installed")
	w := b.do("POST", "/2015-03-31/functions/orders/invocations", "")
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "python3.12 is not installed")
	b.engine.failure = fmt.Errorf("function orders: %w", store.ErrNotFound)
	w = b.do("POST", "/2015-03-31/functions/orders/invocations", "")
	require.Equal(t, 404, w.Code)
}

func TestPagesOfMappings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 250 {
		m := mapping.Mapping{UUID: fmt.Sprintf("11111111-1111-4111-8111-%012d", i), Functions: []mapping.Consumer{{Function: "orders"}}}
		_, err := b.mappings().Put(t.Context(), store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, store.Write{})
		require.NoError(t, err)
	}
	var sizes []int
	seen := map[string]bool{}
	for marker := ""; ; {
		var out struct {
			EventSourceMappings []struct{ UUID string }
			NextMarker          string
		}
		w := b.do("GET", mappingsPath+"?MaxItems=1000&Marker="+url.QueryEscape(marker), "")
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), w.Body)
		sizes = append(sizes, len(out.EventSourceMappings))
		for _, m := range out.EventSourceMappings {
			seen[m.UUID] = true
		}
		if marker = out.NextMarker; marker == "" {
			break
		}
	}
	require.Equal(t, []int{100, 100, 50}, sizes)
	require.Len(t, seen, 250)
}

func TestTheRequestIDOfTheDoorIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-RequestId", "from-the-door")
	b.ServeHTTP(w, httptest.NewRequest("POST", "/2015-03-31/functions", strings.NewReader(`{}`)))
	require.Equal(t, "from-the-door", w.Header().Get("X-Amzn-RequestId"))
	createFunction(t, b, "orders", zipOf("app.py"), "")
	require.Len(t, b.audit.take()[0].RequestID, 36)
}

// A mapping of a file that names its cluster and one by API that names a broker of it
// are the same work.
func TestAConfiguredClusterIsOneSource(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(t, function.Function{Name: "orders", Kind: function.Process})
	m := mapping.Mapping{UUID: "11111111-1111-4111-8111-111111111111", GroupID: "gantry.orders", Enabled: true,
		Source: mapping.Source{Cluster: "onprem", Topics: []string{"orders"}}, Functions: []mapping.Consumer{{Function: "orders"}}}
	_, err := b.mappings().Put(t.Context(), store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, store.Write{})
	require.NoError(t, err)
	w := b.do("POST", mappingsPath, strings.Replace(creation("orders"), "localhost:9092", "known.example:9093", 1))
	require.Equal(t, 409, w.Code)
	require.Contains(t, w.Body.String(), m.UUID)
	require.Equal(t, 202, b.do("POST", mappingsPath, strings.Replace(creation("payments"), "localhost:9092", "known.example:9093", 1)).Code)
	require.Equal(t, 202, b.do("POST", mappingsPath, creation("orders")).Code)
}
