package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/mapping"
	"gantry/store"
)

// recording is what Terraform's AWS provider asked of gantry, and was answered, while the
// files beside it were applied, planned, changed and destroyed. Each plan came out empty, so
// an answer that differs from the recorded one is what may make Terraform see a drift.
type recording struct {
	Provider, CLI, Recorded, Gantry string
	Steps                           []struct {
		Step, Command, Result string
		Exchanges             []exchange
	}
}

// exchange is one request and its answer, without dates, signatures and credentials of the
// request, and without the signature of a code's location.
type exchange struct {
	Method    string          `json:"method"`
	Target    string          `json:"target"`
	Request   json.RawMessage `json:"request"`
	Status    int             `json:"status"`
	Exception string          `json:"exception"`
	Answer    json.RawMessage `json:"answer"`
}

func recorded(t *testing.T) recording {
	text, err := os.ReadFile("testdata/terraform/recording.json")
	require.NoError(t, err)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var r recording
	require.NoError(t, decoder.Decode(&r))
	return r
}

// replay sends recorded requests to an API of its own. Ids and dates are made anew, so each
// recorded one stands for one of this API's, the same wherever it is seen.
type replay struct {
	*bench
	ours, theirs map[string]string // recorded → this API's, and back
}

func newReplay(t *testing.T) *replay {
	return &replay{bench: newBench(t), ours: map[string]string{}, theirs: map[string]string{}}
}

// TestTheRecordedTerraformIsReplayed sends what Terraform sent, in its order: each answer is
// the recorded one in every member.
func TestTheRecordedTerraformIsReplayed(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	n := 0
	for _, step := range recorded(t).Steps {
		for _, e := range step.Exchanges {
			n++
			where := fmt.Sprintf("exchange %d, of %s: %s %s", n, step.Step, e.Method, e.Target)
			require.Empty(t, r.send(t, e), where)
		}
	}
	left, err := r.mappings().List(t.Context())
	require.NoError(t, err)
	require.Empty(t, left, "destroy leaves nothing")
}

// A plan is empty where nothing has drifted, and asks without changing anything.
func TestRecordedPlansAreEmpty(t *testing.T) {
	t.Parallel()
	plans := 0
	for _, step := range recorded(t).Steps {
		require.NotEmpty(t, step.Exchanges, step.Step)
		if step.Command != "plan" {
			continue
		}
		plans++
		require.Equal(t, "no changes", step.Result, step.Step)
		for _, e := range step.Exchanges {
			require.Equal(t, "GET", e.Method, step.Step)
		}
	}
	require.Equal(t, 4, plans)
}

// send makes a request and tells how its answer differs from the recorded one.
func (r *replay) send(t *testing.T, e exchange) []string {
	t.Helper()
	r.later()
	r.engineDid(t, e)
	w := r.do(e.Method, r.translate(e.Target), r.translate(string(e.Request)))
	var differs []string
	if w.Code != e.Status {
		differs = append(differs, fmt.Sprintf("status: recorded %d, now %d: %s", e.Status, w.Code, w.Body))
	}
	if exception := w.Header().Get("X-Amzn-ErrorType"); exception != e.Exception {
		differs = append(differs, fmt.Sprintf("exception: recorded %q, now %q", e.Exception, exception))
	}
	return append(differs, r.compare("", document(t, e.Answer), document(t, w.Body.Bytes()))...)
}

// document is JSON, or nothing.
func document(t *testing.T, text []byte) any {
	t.Helper()
	if len(text) == 0 {
		return nil
	}
	var value any
	require.NoError(t, json.Unmarshal(text, &value), "%s", text)
	return value
}

// later lets a second pass, so that whatever is written has a date of its own.
func (r *replay) later() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(time.Second)
}

// engineDid has the engine report what the recorded one had reported by now: that it runs or
// has stopped a mapping, or that a deleted one is gone. The states on the way there are the
// API's own.
func (r *replay) engineDid(t *testing.T, e exchange) {
	t.Helper()
	id, ok := strings.CutPrefix(e.Target, mappingsPath+"/")
	if !ok || e.Method != http.MethodGet {
		return
	}
	id = r.ours[id]
	_, version, err := r.mappings().Get(t.Context(), id)
	require.NoError(t, err, "a mapping is read after it is gone, or before it is there")
	if e.Status == http.StatusNotFound {
		require.NoError(t, r.mappings().Delete(t.Context(), id, version, store.Write{}))
		return
	}
	var seen struct{ State mapping.State }
	require.NoError(t, json.Unmarshal(e.Answer, &seen))
	if isResting(seen.State) {
		r.engine.mu.Lock()
		defer r.engine.mu.Unlock()
		r.engine.status[id] = mapping.Status{State: seen.State, Version: version}
	}
}

// translate puts this API's ids where recorded ones stand.
func (r *replay) translate(text string) string {
	for recorded, ours := range r.ours {
		text = strings.ReplaceAll(text, recorded, ours)
	}
	return text
}

// compare tells where an answer is not the recorded one. A member too many differs as well:
// Terraform may read it.
func (r *replay) compare(at string, recorded, now any) []string {
	switch recorded := recorded.(type) {
	case map[string]any:
		if now, ok := now.(map[string]any); ok {
			return r.compareMembers(at, recorded, now)
		}
	case []any:
		if now, ok := now.([]any); ok && len(now) == len(recorded) {
			var differs []string
			for i := range recorded {
				differs = append(differs, r.compare(fmt.Sprintf("%s[%d]", at, i), recorded[i], now[i])...)
			}
			return differs
		}
	default:
		if r.same(at, recorded, now) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: recorded %v, now %v", at, recorded, now)}
}

func (r *replay) compareMembers(at string, recorded, now map[string]any) []string {
	var differs []string
	names := slices.Sorted(maps.Keys(recorded))
	if i := slices.Index(names, "UUID"); i > 0 { // other members have it in them
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "UUID")
	}
	for _, name := range names {
		value, there := now[name]
		if !there {
			differs = append(differs, fmt.Sprintf("%s.%s: is missing", at, name))
			continue
		}
		differs = append(differs, r.compare(at+"."+name, recorded[name], value)...)
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, known := recorded[name]; !known {
			differs = append(differs, fmt.Sprintf("%s.%s: was not recorded, now %v", at, name, now[name]))
		}
	}
	return differs
}

// same compares what has no members. Ids and dates are the same if they always stand for
// one another.
func (r *replay) same(at string, recorded, now any) bool {
	switch at[strings.LastIndexByte(at, '.')+1:] {
	case "UUID", "RevisionId", "LastModified":
		return fmt.Sprintf("%T", recorded) == fmt.Sprintf("%T", now) && r.stands(fmt.Sprint(recorded), fmt.Sprint(now))
	case "Location": // of another host, and signed anew each time
		_, was, _ := strings.Cut(fmt.Sprint(recorded), CodePath)
		_, is, _ := strings.Cut(fmt.Sprint(now), CodePath)
		is, _, _ = strings.Cut(is, "?")
		return was != "" && was == is
	}
	if text, ok := recorded.(string); ok {
		return r.translate(text) == now
	}
	return recorded == now
}

// stands learns what a recorded id stands for, and holds it to that.
func (r *replay) stands(recorded, ours string) bool {
	if _, known := r.ours[recorded]; !known && r.theirs[ours] == "" {
		r.ours[recorded], r.theirs[ours] = ours, recorded
	}
	return r.ours[recorded] == ours && r.theirs[ours] == recorded
}

// Every way in which an answer may differ is told.
func TestAReplayTellsWhatDiffers(t *testing.T) {
	t.Parallel()
	read := func(text string) any { return document(t, []byte(text)) }
	before := `{"UUID":"a","LastModified":1,"Location":"http://x/lambda-code/sum","Size":3,"Of":"x:a","List":[{"Name":"n"}],"Object":{}}`
	for now, want := range map[string]string{
		`"LastModified":2`:                  ".LastModified: recorded 1, now 2",
		`"LastModified":"1"`:                ".LastModified: recorded 1, now 1",
		`"UUID":"b"`:                        ".UUID: recorded a, now b",
		`"Location":"http://y/lambda-code"`: ".Location: recorded http://x/lambda-code/sum, now http://y/lambda-code",
		`"Size":4`:                          ".Size: recorded 3, now 4",
		`"Size":"3"`:                        ".Size: recorded 3, now 3",
		`"Of":"y:a"`:                        ".Of: recorded x:a, now y:a",
		`"List":[]`:                         ".List: recorded [map[Name:n]], now []",
		`"List":[{"Name":"m"}]`:             ".List[0].Name: recorded n, now m",
		`"Object":null`:                     ".Object: recorded map[], now <nil>",
		`"More":true`:                       ".More: was not recorded, now true",
	} {
		r := newReplay(t)
		require.Empty(t, r.compare("", read(before), read(before)))
		changed, ok := read("{" + now + "}").(map[string]any)
		require.True(t, ok)
		answer, ok := read(before).(map[string]any)
		require.True(t, ok)
		maps.Copy(answer, changed)
		require.Equal(t, []string{want}, r.compare("", read(before), answer), now)
		delete(answer, "Size")
		require.Contains(t, r.compare("", read(before), answer), ".Size: is missing")
	}
	e := exchange{Method: "GET", Target: "/2015-03-31/functions/nobody", Status: 200}
	w := httptest.NewRecorder()
	newBench(t).ServeHTTP(w, httptest.NewRequest(e.Method, e.Target, nil))
	require.Equal(t, []string{
		"status: recorded 200, now 404: " + w.Body.String(),
		`exception: recorded "", now "ResourceNotFoundException"`,
		fmt.Sprintf(": recorded <nil>, now %v", document(t, w.Body.Bytes())),
	}, newReplay(t).send(t, e))
}
