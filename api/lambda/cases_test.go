package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/engine/async"
	"gantry/function"
	"gantry/mapping"
	"gantry/store"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestCases plays the case files: each is one conversation with one API, request by
// request, with the exact answer and the audit lines under it.
//
//	# a comment
//	> an instruction to the fakes (see instruct)
//	POST /path
//	Header: value
//	{"body": …}
//	----
//	400 InvalidParameterValueException
//	{"Type": "User", …}
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			before, err := os.ReadFile(file)
			require.NoError(t, err)
			after := (&player{bench: newBench(t), names: map[string]string{}}).play(t, string(before))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(after), 0o644))
				return
			}
			require.Equal(t, string(before), after)
		})
	}
}

// player knows the ids that answers brought, so that case files can name them.
type player struct {
	*bench
	names map[string]string // id → its name in the file
}

// play runs a file and gives it back with the answers that came.
func (p *player) play(t *testing.T, text string) string {
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		request, _, _ := strings.Cut(block, "\n----")
		out.WriteString(request)
		lines := strings.Split(request, "\n")
		for len(lines) > 0 && (strings.HasPrefix(lines[0], "#") || strings.HasPrefix(lines[0], ">")) {
			if instruction, ok := strings.CutPrefix(lines[0], "> "); ok {
				p.instruct(t, p.expand(instruction))
			}
			lines = lines[1:]
		}
		if len(lines) > 0 {
			fmt.Fprintf(&out, "\n----\n%s", p.send(t, lines))
		}
		out.WriteString("\n\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// send makes one request and writes its answer down.
func (p *player) send(t *testing.T, lines []string) string {
	method, target, ok := strings.Cut(p.expand(lines[0]), " ")
	require.True(t, ok, "not a request line: %q", lines[0])
	lines = lines[1:]
	header := http.Header{}
	for len(lines) > 0 && headerLine.MatchString(lines[0]) {
		name, value, _ := strings.Cut(lines[0], ": ")
		header.Set(name, value)
		lines = lines[1:]
	}
	r := httptest.NewRequest(method, target, strings.NewReader(p.expand(strings.Join(lines, "\n"))))
	r.Header, r.Host = header, "gantry.example:9400"
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return p.describe(w)
}

var headerLine = regexp.MustCompile(`^[A-Z][A-Za-z-]+: `)

// describe writes status, exception, the headers that say something, body and audit.
func (p *player) describe(w *httptest.ResponseRecorder) string {
	out := strings.TrimSpace(fmt.Sprintf("%d %s", w.Code, w.Header().Get("X-Amzn-ErrorType")))
	for _, name := range []string{"Retry-After", "X-Amz-Function-Error", "X-Amz-Log-Result", "X-Amz-Executed-Version"} {
		if value, ok := w.Header()[name]; ok {
			out += fmt.Sprintf("\n%s: %s", name, value[0])
		}
	}
	if w.Body.Len() > 0 {
		out += "\n" + p.body(w.Body.Bytes())
	}
	for _, c := range p.audit.take() {
		out += fmt.Sprintf("\naudit: %s %s %s by %s (%s → %s)", c.Action, c.Kind, c.ID, c.By.Actor, presence(c.Before), presence(c.After))
	}
	return p.shrink(out)
}

func presence(v any) string {
	if v == nil {
		return "none"
	}
	return "some"
}

func (p *player) body(b []byte) string {
	p.learn(b)
	var pretty bytes.Buffer
	if json.Indent(&pretty, bytes.TrimSpace(b), "", "  ") != nil {
		return string(b)
	}
	return pretty.String()
}

// learn gives names to the ids of an answer: MAPPING-1, REVISION-1, …
func (p *player) learn(b []byte) {
	for _, known := range []struct {
		pattern *regexp.Regexp
		name    string
	}{{mappingID, "MAPPING"}, {revisionID, "REVISION"}, {requestID, "REQUEST"}} {
		for _, m := range known.pattern.FindAllSubmatch(b, -1) {
			if id := string(m[1]); p.names[id] == "" {
				p.names[id] = fmt.Sprintf("%s-%d", known.name, p.count(known.name)+1)
			}
		}
	}
}

var (
	mappingID  = regexp.MustCompile(`"UUID":"([^"]+)"`)
	revisionID = regexp.MustCompile(`"RevisionId":"([^"]+)"`)
	requestID  = regexp.MustCompile(`request id ([0-9a-f-]+)`)
	signature  = regexp.MustCompile(`signature=[0-9a-f]{64}`)
)

func (p *player) count(name string) int {
	n := 0
	for _, v := range p.names {
		if strings.HasPrefix(v, name) {
			n++
		}
	}
	return n
}

func (p *player) shrink(text string) string {
	for id, name := range p.names {
		text = strings.ReplaceAll(text, id, name)
	}
	return signature.ReplaceAllString(text, "signature=SIGNATURE")
}

// expand puts ids and zips where a file names them.
func (p *player) expand(text string) string {
	for id, name := range p.names {
		text = strings.ReplaceAll(text, name, id)
	}
	text = strings.ReplaceAll(text, "ZIP-1", base64.StdEncoding.EncodeToString(zipOf("app.py")))
	text = strings.ReplaceAll(text, "ZIP-2", base64.StdEncoding.EncodeToString(zipOf("app.py", "lib.py")))
	text = strings.ReplaceAll(text, "ZIP-EVIL", base64.StdEncoding.EncodeToString(zipOf("../../etc/cron.d/x")))
	text = strings.ReplaceAll(text, "ZIP-EMPTY", base64.StdEncoding.EncodeToString(zipOf()))
	if i := strings.Index(text, "LONG-"); i >= 0 {
		n, _ := strconv.Atoi(regexp.MustCompile(`^\d+`).FindString(text[i+5:]))
		text = strings.ReplaceAll(text, fmt.Sprintf("LONG-%d", n), strings.Repeat("x", n))
	}
	return text
}

// instruct changes what the fakes say from here on.
func (p *player) instruct(t *testing.T, text string) {
	verb, rest, _ := strings.Cut(text, " ")
	ctx := context.Background()
	switch verb {
	case "status": // status UUID {mapping.Status}
		id, body, _ := strings.Cut(rest, " ")
		var status mapping.Status
		require.NoError(t, json.Unmarshal([]byte(body), &status))
		p.engine.status[id] = status
	case "removed": // removed UUID: the engine stopped it and removed it
		_, version, err := p.mappings().Get(ctx, rest)
		require.NoError(t, err)
		require.NoError(t, p.mappings().Delete(ctx, rest, version, store.Write{}))
	case "refuse": // refuse TEXT: Resolve fails; alone: no more
		p.engine.refusal = nil
		if rest != "" {
			p.engine.refusal = errors.New(rest)
		}
	case "full": // full: too many events wait
		p.engine.failure = fmt.Errorf("%w: 10000 of function orders, which is the most", async.ErrFull)
	case "accepted": // accepted A | B: what the engine was given to keep and to drop
		require.Equal(t, rest, strings.Join(p.engine.accepted, " | "))
		p.engine.accepted = nil
	case "outcome": // outcome {function.Outcome}
		p.engine.outcome = function.Outcome{}
		require.NoError(t, json.Unmarshal([]byte(rest), &p.engine.outcome))
	case "function": // function {function.Function}: declared in a file
		var fn function.Function
		require.NoError(t, json.Unmarshal([]byte(rest), &fn))
		_, err := p.functions().Put(ctx, store.Item[function.Function]{ID: fn.Name, Value: fn}, store.Write{})
		require.NoError(t, err)
	default:
		t.Fatalf("unknown instruction %q", text)
	}
}
