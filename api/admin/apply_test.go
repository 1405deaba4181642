package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/declare"
	"gantry/store"
)

const file = `
clusters: { onprem: { brokers: ["elsewhere:9092"] } }
functions:
  validate: { runtime: python3.12, handler: app.handler, code: ./validate }
  legacy: { http: "http://127.0.0.1:1/" }
mappings:
  orders: { function: validate, cluster: onprem, topic: orders, startingPosition: LATEST }
  payments: { function: legacy, brokers: ["127.0.0.1:1"], topic: payments, startingPosition: LATEST }
`

// application is a request to apply text, with packages.
func application(t *testing.T, text string, code map[string][]byte, more ...string) string {
	t.Helper()
	in := map[string]any{"name": "gantry.yaml", "file": text, "code": code}
	for _, flag := range more {
		in[flag] = true
	}
	body, err := json.Marshal(in)
	require.NoError(t, err)
	return string(body)
}

// changes are the changes of an answer in short.
func changes(answer map[string]any) []string {
	var out []string
	for _, c := range answer["changes"].([]any) {
		c := c.(map[string]any)
		out = append(out, fmt.Sprintf("%s %s %s", c["action"], c["kind"], c["name"]))
	}
	return out
}

func TestAFileIsApplied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := map[string][]byte{"validate": zipOf(t, "app.py")}
	created := []string{"create function validate", "create function legacy", "create mapping orders", "create mapping payments"}

	dry := b.fine("POST", "/gantry/v1/apply", application(t, file, code, "dryRun"))
	require.Equal(t, created, changes(dry))
	require.Equal(t, false, dry["applied"])
	require.Empty(t, b.functions(), "a dry run changes nothing")
	require.Empty(t, b.audit.lines())

	done := b.fine("POST", "/gantry/v1/apply", application(t, file, code))
	require.Equal(t, created, changes(done))
	require.Equal(t, true, done["applied"])
	require.Equal(t, "begins here", done["changes"].([]any)[2].(map[string]any)["note"])
	require.Len(t, b.audit.lines(), 4)
	orders := b.mapping(declare.UUID("000000000000", "eu-west-1", "orders"))
	require.Equal(t, []string{"kafka-1.example:9093"}, orders.Source.Bootstrap, "gantry's own word for a cluster counts")
	require.Equal(t, map[string]map[int32]int64{"orders": {0: 7}}, orders.Positions)
	fn, _, err := store.FunctionsOf(b.store).Get(t.Context(), "validate")
	require.NoError(t, err)
	_, err = b.code.Dir(fn.Code.SHA256)
	require.NoError(t, err, "the package was kept")

	again := b.fine("POST", "/gantry/v1/apply", application(t, file, code))
	require.Equal(t, []string{"unchanged function validate", "unchanged function legacy", "unchanged mapping orders", "unchanged mapping payments"}, changes(again))
	require.Empty(t, b.audit.lines(), "what did not change is not audited")

	const less = "functions: { legacy: { http: \"http://127.0.0.1:1/\" } }"
	require.Equal(t, []string{"pause mapping orders", "pause mapping payments", "unchanged function legacy"},
		sorted(changes(b.fine("POST", "/gantry/v1/apply", application(t, less, nil)))))
	require.False(t, b.mapping(orders.UUID).Enabled)
	require.Equal(t, []string{"delete function validate", "delete mapping orders", "delete mapping payments", "unchanged function legacy"},
		sorted(changes(b.fine("POST", "/gantry/v1/apply", application(t, less, nil, "prune")))))
	require.Equal(t, []string{"legacy"}, b.functions())
	require.True(t, b.mapping(orders.UUID).Deleting)
	b.refused(409, "ResourceConflictException", "mapping orders: is being deleted; apply again", "POST", "/gantry/v1/apply", application(t, file, code))
}

func TestEveryFaultOfAFileIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, ""))
	for name, c := range map[string]struct {
		text  string
		code  map[string][]byte
		wants []string
	}{
		"syntax": {text: "a: [", wants: []string{"gantry.yaml:1:"}},
		"members": {
			text: "functions:\n  f: { http: \"http://h\", timeout: 2h }\nmappings:\n  m: { function: f, brokers: [b], topic: t, batchSize: 0, startingPositio: LATEST }\n",
			wants: []string{
				"gantry.yaml:2: functions.f.timeout: ", "gantry.yaml:4: mappings.m.batchSize: ",
				"gantry.yaml:4: mappings.m.startingPositio: unknown key", "gantry.yaml:4: mappings.m: startingPosition is missing",
			},
		},
		"packages": {
			text: "functions:\n  a: { runtime: python3.12, handler: a.b, code: . }\n  b: { runtime: python3.12, handler: a.b, code: . }\n" +
				"mappings:\n  m: { function: a, cluster: far, topic: t, startingPosition: LATEST }\nclusters: { far: { brokers: [\"b:9092\"] } }\n",
			wants: []string{
				"gantry.yaml:5: mappings.m.cluster: this gantry has no cluster \"far\"",
				"functions.a.code: the package is missing", "functions.b.code: the package is missing",
			},
		},
		"a zip that is none": {
			text: "functions:\n  a: { runtime: python3.12, handler: a.b, code: . }\n  b: { runtime: python3.12, handler: a.b, code: . }\n",
			code: map[string][]byte{"a": []byte("no zip"), "b": {}},
			wants: []string{
				"functions.a.code: Could not unzip", "functions.b.code: Uploaded file must be a non-empty zip",
			},
		},
		"against the store": {
			text: "mappings:\n  m: { function: nowhere, brokers: [\"b:9092\"], topic: t, startingPosition: LATEST, consumerGroupId: g-" + one + " }\n",
			wants: []string{
				"gantry.yaml:2: mappings.m.function: \"nowhere\" is no function",
				"gantry.yaml:2: mappings.m.consumerGroupId: group \"g-" + one + "\" is used by mapping " + one,
			},
		},
	} {
		status, answer := b.ask("POST", "/gantry/v1/apply", application(t, c.text, c.code))
		require.Equal(t, 400, status, name)
		require.Equal(t, "InvalidParameterValueException", answer["type"], name)
		for _, want := range c.wants {
			require.Contains(t, answer["message"], want, name)
		}
	}
	require.Empty(t, b.functions(), "a file with a fault changes nothing")
	require.Empty(t, b.audit.lines())
}

func TestAClusterThatIsAwayIsNoReasonToRefuseAFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.engine.err = errors.New("it is away")
	done := b.fine("POST", "/gantry/v1/apply", application(t, file, map[string][]byte{"validate": zipOf(t, "app.py")}))
	require.Contains(t, done["changes"].([]any)[2].(map[string]any)["note"], "resolved when the cluster can be reached: it is away")
}

// TestAChangeMadeMeanwhileIsAConflict: somebody else writes between reading and writing.
func TestAChangeMadeMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *admin.Config) { c.Store = hasty{c.Store} })
	b.refused(409, "ResourceConflictException", "changed by somebody else meanwhile", "POST", "/gantry/v1/apply",
		application(t, "functions: { legacy: { http: \"http://127.0.0.1:1/\" } }", nil))
}

// hasty lets somebody else write first, every time.
type hasty struct{ store.Store }

// Put implements store.Desired.
func (h hasty) Put(ctx context.Context, doc store.Document, by store.Write) (int64, error) {
	other := doc
	if _, err := h.Store.Put(ctx, other, store.Write{Actor: "another"}); err != nil {
		return 0, err
	}
	return h.Store.Put(ctx, doc, by)
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}
