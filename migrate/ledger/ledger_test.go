package ledger_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/ledger"
	"gantry/plan"
)

type world struct {
	t    *testing.T
	fake *kafkatest.Fake
	cfg  ledger.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	f := kafkatest.Local(t)
	require.NoError(t, f.CreateTopic("orders", 3, nil))
	return &world{t, f, ledger.Config{
		Cluster: kafka.Cluster{Brokers: f.Brokers()}, Like: "orders", Plan: "orders", File: filepath.Join(t.TempDir(), "deep", "orders.ledger"),
	}}
}

func (w *world) open() *ledger.Ledger {
	w.t.Helper()
	l, err := ledger.Open(w.t.Context(), w.cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(l.Close)
	return l
}

func (w *world) append(l *ledger.Ledger, step plan.Step, facts any) plan.Line {
	w.t.Helper()
	body, err := json.Marshal(facts)
	require.NoError(w.t, err)
	line, err := l.Append(w.t.Context(), plan.Line{Actor: "AKIDTEST", Reason: "because", Step: step, Phase: plan.Did, State: plan.Planned, Facts: body})
	require.NoError(w.t, err)
	return line
}

func (w *world) read() []plan.Line {
	w.t.Helper()
	lines, err := ledger.Read(w.t.Context(), w.cfg.Cluster, ledger.DefaultTopic, w.cfg.Plan)
	require.NoError(w.t, err)
	return lines
}

func TestLinesAreChainedAndReadBackFromEitherPlace(t *testing.T) {
	w := newWorld(t)
	require.Empty(t, w.read(), "no topic, no lines")
	l := w.open()
	w.append(l, plan.StepPlan, map[string]string{"name": "<orders> & co"})
	w.append(l, plan.StepFence, []int{1, 2})
	l.Close()
	l = w.open()
	third := w.append(l, plan.StepSettle, nil)
	require.EqualValues(t, 3, third.Sequence)
	require.EqualValues(t, 2, third.Epoch, "each opening is an epoch")

	lines := w.read()
	require.Equal(t, lines, l.Lines())
	require.NoError(t, ledger.Verify(lines))
	f, err := os.Open(w.cfg.File)
	require.NoError(t, err)
	defer f.Close()
	copied, err := ledger.Load(f)
	require.NoError(t, err)
	require.Equal(t, lines, copied)
	var exported bytes.Buffer
	require.NoError(t, ledger.Export(&exported, lines))
	onDisk, err := os.ReadFile(w.cfg.File)
	require.NoError(t, err)
	require.Equal(t, string(onDisk), exported.String())

	names, err := ledger.Plans(t.Context(), w.cfg.Cluster, ledger.DefaultTopic)
	require.NoError(t, err)
	require.Equal(t, []string{"orders"}, names)
}

func TestWhoOpensALedgerFencesWhoHadIt(t *testing.T) {
	w := newWorld(t)
	first := w.open()
	w.append(first, plan.StepPlan, nil)
	w.cfg.File = "" // another host
	second := w.open()
	_, err := first.Append(t.Context(), plan.Line{Step: plan.StepFence, Phase: plan.Intends})
	require.ErrorIs(t, err, ledger.ErrFenced)
	_, err = first.Append(t.Context(), plan.Line{Step: plan.StepFence, Phase: plan.Intends})
	require.ErrorIs(t, err, ledger.ErrFenced, "for good")
	w.append(second, plan.StepFence, nil)
	require.Len(t, w.read(), 2)
}

// The broker's answers to the end of a transaction are lost: the line is there, once.
func TestALineWhoseEndIsNotKnownIsWrittenOnce(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	w.append(l, plan.StepPlan, nil)
	w.fake.LoseAnswers(kmsg.EndTxn, 1)
	w.append(l, plan.StepFence, nil)
	w.append(l, plan.StepSettle, nil)
	lines := w.read()
	require.Len(t, lines, 3)
	require.NoError(t, ledger.Verify(lines))
}

func TestARefusedLineIsNotInTheLedgerAndTheNextTakesItsPlace(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	w.append(l, plan.StepPlan, nil)
	w.fake.FailProduces(ledger.DefaultTopic, 1, kerr.TopicAuthorizationFailed)
	_, err := l.Append(t.Context(), plan.Line{Step: plan.StepFence, Phase: plan.Intends})
	require.ErrorContains(t, err, "write line 2 of the ledger of orders (intends fence)")
	next := w.append(l, plan.StepSettle, nil)
	require.EqualValues(t, 2, next.Sequence)
	require.Len(t, w.read(), 2)
}

func TestWhatWasChangedIsSeen(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	for _, step := range []plan.Step{plan.StepPlan, plan.StepFence, plan.StepSettle} {
		w.append(l, step, map[string]int{"offset": 42})
	}
	l.Close()
	whole, err := os.ReadFile(w.cfg.File)
	require.NoError(t, err)
	rows := bytes.SplitAfter(whole, []byte("\n"))
	for name, bad := range map[string][]byte{
		"a changed fact":    bytes.Replace(whole, []byte("42"), []byte("41"), 1),
		"a line left out":   bytes.Join([][]byte{rows[0], rows[2]}, nil),
		"lines swapped":     bytes.Join([][]byte{rows[0], rows[2], rows[1]}, nil),
		"a line twice":      bytes.Join([][]byte{rows[0], rows[1], rows[1], rows[2]}, nil),
		"the first missing": bytes.Join(rows[1:], nil),
	} {
		_, err := ledger.Load(bytes.NewReader(bad))
		require.ErrorIs(t, err, ledger.ErrBroken, name)
		require.NoError(t, os.WriteFile(w.cfg.File, bad, 0o600))
		_, err = ledger.Open(t.Context(), w.cfg)
		require.ErrorIs(t, err, ledger.ErrBroken, name)
	}
	// A crash in the middle of a copy is no change: the topic has the line.
	require.NoError(t, os.WriteFile(w.cfg.File, whole[:len(whole)-20], 0o600))
	w.open()
	again, err := os.ReadFile(w.cfg.File)
	require.NoError(t, err)
	require.Equal(t, string(whole), string(again))
}

func TestATopicThatLosesLinesIsRefused(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.fake.CreateTopic(ledger.DefaultTopic, 2, map[string]string{"cleanup.policy": "compact", "retention.ms": "1000"}))
	_, err := ledger.Open(t.Context(), w.cfg)
	require.ErrorContains(t, err, "it has 2 partitions and must have 1; its cleanup.policy is compact and must be delete")
	require.ErrorContains(t, err, "retention.ms is 1000 and must be -1")
}
