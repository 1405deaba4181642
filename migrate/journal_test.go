package migrate_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate"
	"gantry/migrate/ledger"
	"gantry/plan"
	"gantry/store"
	"gantry/store/memory"
)

// one is the only cluster there is.
type one struct{ kafka.Cluster }

func (o one) Resolve(context.Context, mapping.Source) (kafka.Cluster, error) { return o.Cluster, nil }

// A gantry that dies between the last line of a step and the store that keeps the state it
// led to: the next one finds it in the ledger.
func TestAStateThatOnlyTheLedgerHas(t *testing.T) {
	t.Parallel()
	f := kafkatest.Local(t)
	require.NoError(t, f.CreateTopic("orders", 3, nil))
	p := plan.Plan{Name: "billing", Service: plan.Service{Cluster: "main", Group: "g", Topics: []string{"orders"}}, Fence: plan.FenceWeak}
	cluster, ctx := kafka.Cluster{Brokers: f.Brokers()}, t.Context()
	kept := memory.New()
	plans := store.Of[migrate.Stored](kept, store.Plans)
	_, err := plans.Put(ctx, store.Item[migrate.Stored]{ID: p.Name, Value: migrate.Stored{Plan: p, State: plan.Watching, Epoch: 1}}, store.Write{})
	require.NoError(t, err)
	l, err := ledger.Open(ctx, ledger.Config{Cluster: cluster, Like: "orders", Plan: p.Name})
	require.NoError(t, err)
	for _, line := range []plan.Line{
		{Step: plan.StepPlan, Phase: plan.Did, State: plan.Planned},
		{Step: plan.StepPreflight, Phase: plan.Intends, State: plan.Planned},
		{Step: plan.StepStop, Phase: plan.Intends, State: plan.CuttingOver},
		{Step: plan.StepProve, Phase: plan.Did, State: plan.Watching},
		{Step: plan.StepWatch, Phase: plan.Did, State: plan.Moved},
	} {
		if line.Facts = json.RawMessage("{}"); line.Step == plan.StepPlan {
			line.Facts, err = json.Marshal(p)
			require.NoError(t, err)
		}
		_, err = l.Append(ctx, line)
		require.NoError(t, err)
	}
	l.Close()

	m := migrate.New(migrate.Config{Store: kept, Sources: one{cluster}, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	names, err := m.Unfinished(ctx)
	require.NoError(t, err)
	require.Empty(t, names, "it came to its end")
	s, err := m.Get(ctx, p.Name)
	require.NoError(t, err)
	require.Equal(t, plan.Moved, s.State)
	require.NoError(t, m.Resume(ctx, migrate.Order{Plan: p.Name}))
}
