package pipeline_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
	"gantry/pipeline"
)

type pipelineLane = pipeline.LaneSnapshot

// rule is what the function of a case does with the events it fits:
//
//	WHAT   fail · unknown · not-reached · throttle · misconfigured · too-large ·
//	       slow=D · report (names each listed record as failed) · answer=TEXT
//	WHERE  all · P/O … (an event with one of these records) · over=N (more than N records) ·
//	       of=NAME (of the function of that name)
type rule struct {
	what    string
	value   string
	records []string
	over    int
	of      string
	times   int // -1: always
}

func parseRule(t *testing.T, words []string) *rule {
	r := &rule{times: -1}
	r.what, r.value, _ = strings.Cut(words[0], "=")
	for _, w := range words[1:] {
		key, v, _ := strings.Cut(w, "=")
		switch key {
		case "all":
		case "of":
			r.of = v
		case "over", "times":
			n, err := strconv.Atoi(v)
			require.NoError(t, err)
			if key == "over" {
				r.over = n
			} else {
				r.times = n
			}
		default:
			r.records = append(r.records, w)
		}
	}
	return r
}

func (r *rule) fits(c rig.Call) bool {
	return r.times != 0 && (r.of == "" || r.of == c.Function) && c.Len() > r.over && (len(r.records) == 0 || r.what == "report-unknown" || len(r.in(c)) > 0)
}

func (r *rule) in(c rig.Call) []string {
	var in []string
	for _, name := range r.records {
		var partition int32
		var offset int64
		_, _ = fmt.Sscanf(name, "%d/%d", &partition, &offset)
		if c.Has(partition, offset) {
			in = append(in, name)
		}
	}
	return in
}

// use gives the answer, how long it takes and how the story tells it.
func (r *rule) use(c rig.Call) (out function.Outcome, wait time.Duration, said string) {
	if r.times > 0 {
		r.times--
	}
	said = r.what
	switch r.what {
	case "fail":
		out = rig.Fails()
	case "report":
		out, said = rig.Report(r.in(c)...), "reports "+strings.Join(r.in(c), " ")
	case "report-unknown":
		out, said = rig.Report(r.records...), "reports "+strings.Join(r.records, " ")
	case "answer":
		out, said = rig.OK(), "answers "+r.value
		out.Answer = []byte(r.value)
	case "slow":
		wait, _ = time.ParseDuration(r.value)
		out, said = rig.OK(), "ok after "+r.value
	case "throttle":
		out = function.Outcome{Class: function.NotReached, Throttled: true, StatusCode: 429, Message: "too many requests"}
	case "not-reached":
		out = function.Outcome{Class: function.NotReached, Message: "connection refused"}
	case "unknown":
		out = function.Outcome{Class: function.Unknown, Message: "no answer came"}
	case "misconfigured":
		out = function.Outcome{Class: function.Misconfigured, StatusCode: 404, Message: "no such function"}
	case "too-large":
		out = function.Outcome{Class: function.TooLarge, StatusCode: 413, Message: "payload too large"}
	default:
		panic("no such rule: " + r.what)
	}
	return out, wait, said
}

// call is one event and how the function answered.
type call struct {
	rig.Call
	said string
}

// many is from where on a count of equal invocations depends on the jitter of backoffs.
const many = 15

func count(n int) string {
	if n > many {
		return "many"
	}
	return strconv.Itoa(n)
}

// story tells the invocations, one a line: those of several partitions first, then
// partition by partition, each in the order it happened. Lanes run side by side, so the
// order among them is chance and is not told: with several lanes a partition, neither is
// that among events with other keys.
func story(calls []call, l mapping.Lanes) string {
	lanes, order := l.PerPartition > 1, l.Order
	groups := map[string][]string{}
	for _, c := range calls {
		name := ""
		if c.Function != "f" {
			name = c.Function + " "
		}
		key, keys := fmt.Sprintf("%s%03d%v", name, 999-len(c.Parts), c.Partitions()), ""
		if lanes {
			keys = " of " + keysOf(c.Call)
			key += keys
			if order == mapping.OrderNone || keys == " of -" {
				key += shape(c.Call)
			}
		}
		groups[key] = append(groups[key], name+shape(c.Call)+keys+" "+c.said)
	}
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		lines := groups[key]
		for i := 0; i < len(lines); {
			n := i
			for n < len(lines) && lines[n] == lines[i] {
				n++
			}
			out.WriteString(lines[i])
			if n-i > 1 {
				out.WriteString(" × " + count(n-i))
			}
			out.WriteString("\n")
			i = n
		}
	}
	return out.String()
}

// keysOf names the keys of an event, - where there is none.
func keysOf(c rig.Call) string {
	keys := map[string]bool{}
	for _, records := range c.Event.Records {
		for _, r := range records {
			key, _ := base64.StdEncoding.DecodeString(r.Key)
			keys[cmp.Or(string(key), "-")] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(keys)), ",")
}

// shape writes an event as 0[0-4,7] 1[2].
func shape(c rig.Call) string {
	var parts []string
	for _, p := range c.Partitions() {
		parts = append(parts, fmt.Sprintf("%d[%s]", p, runs(c.Parts[p])))
	}
	return strings.Join(parts, " ")
}

func runs(offsets []int64) string {
	var out []string
	for i := 0; i < len(offsets); {
		n := i
		for n+1 < len(offsets) && offsets[n+1] == offsets[n]+1 {
			n++
		}
		text := strconv.FormatInt(offsets[i], 10)
		if n > i {
			text += "-" + strconv.FormatInt(offsets[n], 10)
		}
		out = append(out, text)
		i = n + 1
	}
	return strings.Join(out, ",")
}
