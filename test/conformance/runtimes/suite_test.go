package runtimes_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// The suite: each client passes each test.
func TestRuntimes(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pool := c.start(t)
			t.Run("echo", func(t *testing.T) { echo(t, pool) })
			t.Run("null", func(t *testing.T) { require.Equal(t, "null", string(answer(t, pool, `{"do":"nothing"}`))) })
			t.Run("large", func(t *testing.T) { large(t, pool) })
			t.Run("error", func(t *testing.T) { fails(t, pool) })
			t.Run("context", func(t *testing.T) { seesContext(t, c, pool) })
			t.Run("log", func(t *testing.T) { logs(t, pool) })
			t.Run("too large", func(t *testing.T) { tooLarge(t, pool) })
			t.Run("exit", func(t *testing.T) { exits(t, pool) })
			t.Run("timeout", func(t *testing.T) { timesOut(t, c) })
		})
	}
}

func invoke(t testing.TB, pool *process.Pool, event string) function.Outcome {
	t.Helper()
	return pool.Invoke(t.Context(), function.Invocation{Payload: []byte(event), LogTail: true})
}

func answer(t testing.TB, pool *process.Pool, event string) []byte {
	t.Helper()
	o := invoke(t, pool, event)
	require.Equal(t, function.Succeeded, o.Class, "%s\n%s\n%s", o.Message, o.Answer, o.Log)
	return o.Answer
}

// document is an error document, in the members that languages share.
type document struct {
	ErrorType    string   `json:"errorType"`
	ErrorMessage string   `json:"errorMessage"`
	RequestID    string   `json:"requestId"`
	StackTrace   []string `json:"stackTrace"`
	Trace        []string `json:"trace"`
}

func failure(t testing.TB, o function.Outcome) document {
	t.Helper()
	require.Equal(t, function.Failed, o.Class, "%s\n%s\n%s", o.Message, o.Answer, o.Log)
	require.Equal(t, "Unhandled", o.FunctionError)
	var d document
	_ = json.Unmarshal(o.Answer, &d) // Go's trace has objects: the rest is decoded all the same
	return d
}

func echo(t *testing.T, pool *process.Pool) {
	for i := range 20 {
		event := fmt.Sprintf(`{"i":%d,"text":"Zürich \"東京\" 😀\n\u0000","list":[1,2.5,null,true,[]],"deep":{"a":{}}}`, i)
		require.JSONEq(t, event, string(answer(t, pool, event)))
	}
}

func large(t *testing.T, pool *process.Pool) {
	event := `{"text":"` + strings.Repeat("x", function.MaxPayload-11) + `"}`
	require.Len(t, event, function.MaxPayload)
	require.JSONEq(t, event, string(answer(t, pool, event)))
}

func fails(t *testing.T, pool *process.Pool) {
	d := failure(t, invoke(t, pool, `{"do":"fail","order":17}`))
	require.Contains(t, strings.ToLower(d.ErrorType), "nosuchorder")
	require.Equal(t, "order 17 is unknown", d.ErrorMessage)
	answer(t, pool, `{}`)
}

func seesContext(t *testing.T, c client, pool *process.Pool) {
	in := function.Invocation{Payload: []byte(`{"do":"context"}`), TraceID: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
		ClientContext: base64.StdEncoding.EncodeToString([]byte(`{"custom":{"a":"b"}}`))}
	o := pool.Invoke(t.Context(), in)
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	var seen struct {
		ID, Name, Version, ARN, Group, Stream, Trace string
		Memory, Left                                 int
		Client                                       map[string]string
	}
	require.NoError(t, json.Unmarshal(o.Answer, &seen), string(o.Answer))
	require.Equal(t, o.RequestID, seen.ID)
	require.Equal(t, "orders", seen.Name)
	require.Equal(t, "$LATEST", seen.Version)
	require.Equal(t, "arn:aws:lambda:eu-west-1:123456789012:function:orders", seen.ARN)
	require.Equal(t, "/aws/lambda/orders", seen.Group)
	require.Contains(t, seen.Stream, "[$LATEST]")
	require.Equal(t, 512, seen.Memory)
	require.InDelta(t, 30_000, seen.Left, 10_000)
	if c.language != "java" { // Java's context has other ways for these
		require.Equal(t, map[string]string{"a": "b"}, seen.Client)
	}
	if c.language == "python" {
		require.Equal(t, in.TraceID, seen.Trace)
	}
}

func logs(t *testing.T, pool *process.Pool) {
	o := invoke(t, pool, `{"do":"log"}`)
	log := string(o.Log)
	require.True(t, strings.HasPrefix(log, "START RequestId: "+o.RequestID), log)
	require.Contains(t, log, "printed")
	require.Contains(t, log, "an error")
	require.Contains(t, log, "REPORT RequestId: "+o.RequestID)
}

func tooLarge(t *testing.T, pool *process.Pool) {
	d := failure(t, invoke(t, pool, fmt.Sprintf(`{"do":"big","size":%d}`, function.MaxAnswer)))
	require.Equal(t, "Function.ResponseSizeTooLarge", d.ErrorType)
	require.Equal(t, "Response payload size exceeded maximum allowed payload size (6291556 bytes).", d.ErrorMessage)
	answer(t, pool, `{}`)
}

func exits(t *testing.T, pool *process.Pool) {
	o := invoke(t, pool, `{"do":"exit"}`)
	d := failure(t, o)
	require.Equal(t, "Runtime.ExitError", d.ErrorType)
	require.Equal(t, "RequestId: "+o.RequestID+" Error: Runtime exited with error: exit status 3", d.ErrorMessage)
	answer(t, pool, `{}`)
}

func timesOut(t *testing.T, c client) {
	pool := c.start(t, withTimeout(1500*time.Millisecond))
	o := invoke(t, pool, `{"do":"hang"}`)
	d := failure(t, o)
	require.Equal(t, "Sandbox.Timedout", d.ErrorType)
	require.Equal(t, "RequestId: "+o.RequestID+" Error: Task timed out after 1.50 seconds", d.ErrorMessage)
}

// Our bootstraps make the documents that AWS's clients make: the same type and message,
// the same members, and the function's own frame where AWS has it.
func TestSameDocuments(t *testing.T) {
	t.Parallel()
	tests := []struct{ language, runtime, handler, event string }{
		{"python", "python3.12", "app.handler", `{"do":"fail","order":17}`},
		{"python", "python3.12", "app.handler", `{"do":"unserializable"}`},
		{"python", "python3.12", "app.handler", `{"do":"sys.exit"}`},
		{"python", "python3.12", "app.handler", `[1]`},
		{"python", "python3.12", "importer.handler", `{}`},
		{"python", "python3.12", "missing.handler", `{}`},
		{"python", "python3.12", "broken.handler", `{}`},
		{"python", "python3.12", "raises.handler", `{}`},
		{"python", "python3.12", "app.missing", `{}`},
		{"python", "python3.12", "app", `{}`},
		{"python", "python3.12", "sys.handler", `{}`},
		{"node", "nodejs22.x", "app.handler", `{"do":"fail","order":17}`},
		{"node", "nodejs22.x", "app.handler", `{"do":"fail with a string"}`},
		{"node", "nodejs22.x", "importer.handler", `{}`},
		{"node", "nodejs22.x", "missing.handler", `{}`},
		{"node", "nodejs22.x", "broken.handler", `{}`},
		{"node", "nodejs22.x", "raises.handler", `{}`},
		{"node", "nodejs22.x", "app.missing", `{}`},
		{"node", "nodejs22.x", "app", `{}`},
		{"node", "nodejs24.x", "app.callback", `{}`},
		{"java", "java17", "lab.Orders", `{"do":"fail","order":17}`},
		{"java", "java17", "lab.Missing", `{}`},
		{"java", "java17", "lab.More::missing", `{}`},
		{"java", "java17", "lab.Broken", `"x"`},
		{"java", "java17", "lab.Broken::handleRequest", `"x"`},
	}
	for _, test := range tests {
		t.Run(test.runtime+" "+test.handler+" "+test.event, func(t *testing.T) {
			t.Parallel()
			documents := map[bool]function.Outcome{}
			for _, c := range clients() {
				if c.language == test.language {
					pool := c.start(t, withHandler(test.handler), withRuntime(test.runtime), sameInterpreter(test.runtime))
					documents[c.aws] = invoke(t, pool, test.event)
				}
			}
			compare(t, documents[true], documents[false])
		})
	}
}

// sameInterpreter keeps what the test prepared for one runtime also for another.
func sameInterpreter(id string) func(*function.Function, *process.Config) {
	return func(_ *function.Function, c *process.Config) {
		for _, path := range c.Interpreters {
			c.Interpreters = map[string]string{id: path}
		}
	}
}

func compare(t *testing.T, aws, ours function.Outcome) {
	t.Helper()
	theirs, own := failure(t, aws), failure(t, ours)
	t.Logf("AWS:  %.600s\nours: %.600s\nAWS's log: %s", aws.Answer, ours.Answer, aws.Log)
	require.Equal(t, theirs.ErrorType, own.ErrorType)
	require.Equal(t, scrubbed(theirs.ErrorMessage, aws), scrubbed(own.ErrorMessage, ours))
	require.Equal(t, members(t, aws.Answer), members(t, ours.Answer))
	require.Equal(t, lastFrame(theirs.StackTrace, "app.py"), lastFrame(own.StackTrace, "app.py"))
	if len(theirs.Trace) > 0 {
		require.Equal(t, scrubbed(theirs.Trace[0], aws), scrubbed(own.Trace[0], ours))
	}
	if len(theirs.StackTrace) > 0 && strings.HasPrefix(theirs.StackTrace[0], "lab.") {
		require.Equal(t, theirs.StackTrace[0], own.StackTrace[0])
	}
}

// scrubbed leaves out what differs from run to run: the request and the test's folders.
func scrubbed(s string, o function.Outcome) string {
	s = strings.ReplaceAll(s, o.RequestID, "ID")
	words := strings.FieldsFunc(s, func(r rune) bool { return r == '\'' || r == ' ' || r == '\n' || r == '"' })
	kept := words[:0]
	for _, w := range words {
		if !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "-") {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

func members(t *testing.T, doc []byte) []string {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(doc, &m), string(doc))
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// lastFrame is the last line of a Python trace that is in the function's file.
func lastFrame(trace []string, file string) string {
	for _, frame := range slices.Backward(trace) {
		if _, after, ok := strings.Cut(frame, file); ok {
			return after
		}
	}
	return ""
}
