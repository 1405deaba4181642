package facts_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/assess/facts"
	"gantry/plan"
	"gantry/workload"
)

const file = `
platform: {eks: true, roundTrip: 15ms}
services:
  orders:
    memory: 2GB
    perRecord: 5ms
    database: here
    databaseTrips: 2.5
    writes: [priced]
  "a: b":
    state: true
  quiet:
`

func TestRead(t *testing.T) {
	t.Parallel()
	f, err := facts.Read([]byte(file), "services.yaml")
	require.NoError(t, err)
	require.Equal(t, workload.Fact[int]{Value: 2048, From: workload.Given}, f.Services["orders"].MemoryMB)
	require.Equal(t, 5*time.Millisecond, f.Services["orders"].PerRecord.Value)
	require.InDelta(t, 2.5, f.Services["orders"].Trips.Value, 0)
	require.Equal(t, []string{"priced"}, f.Services["orders"].Writes.Value)
	require.True(t, f.Services["a: b"].State.Value)
	require.Contains(t, f.Services, "quiet")
	p := f.Fill()
	require.True(t, p.EKS.Value)
	require.Equal(t, 10, p.EKSShare.Value)
	require.Equal(t, workload.Assumed, p.EKSShare.From)
	require.Equal(t, 15*time.Millisecond, p.RoundTrip.Value)

	err = f.Check("services.yaml", workload.Survey{Groups: []workload.Group{{ID: "orders"}, {ID: "quiet"}}})
	require.ErrorContains(t, err, "services.a: b: the survey has no such group")
	require.ErrorContains(t, err, "it has: orders, quiet")
}

func TestEveryFault(t *testing.T) {
	t.Parallel()
	_, err := facts.Read([]byte(`platform: {eks: maybe, utilisation: 7}
services:
  orders:
    memory: lots
    perRecord: -3ms
    batch: 20000
    database: mars
    writes: priced
    colour: red
    databaseTrips: NaN
sevices: {}
`), "f.yaml")
	for _, want := range []string{
		"line 1: platform.eks: want true or false", "platform.utilisation: 7 is not within", "line 4: services.orders.memory: want a size",
		"perRecord: -3ms is not within", "batch: 20000 is not within", "database: want one of here, aws, none", "writes: want a list",
		"colour: unknown key; known here: batch, cpu", "databaseTrips: NaN is not within", "sevices: unknown key; known here: platform, services",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = facts.Read([]byte("a: [b"), "f.yaml")
	require.ErrorContains(t, err, "no YAML")
	f, err := facts.Read(nil, "f.yaml")
	require.NoError(t, err)
	require.Empty(t, f.Services)
}

// TestSkeleton: the skeleton reads back as nothing said, and with its questions answered by
// their examples as a whole file, whatever the groups are called.
func TestSkeleton(t *testing.T) {
	t.Parallel()
	s := workload.Survey{}
	for _, id := range []string{"orders", "team:orders", "größe", `say "hi"`, "#1", "123", "true", "a b", "- x", "{x}"} {
		s.Groups = append(s.Groups, workload.Group{ID: id, Class: workload.Plain, Topics: []string{"t1", "t2", "t3", "t4", "t5", "t6"}})
	}
	text := facts.Skeleton(s, func(g workload.Group) workload.Facts { return facts.File{}.Of(g, nil, nil) })
	f, err := facts.Read(text, "skeleton")
	require.NoError(t, err, string(text))
	require.NoError(t, f.Check("skeleton", s))
	require.Len(t, f.Services, len(s.Groups))
	require.Equal(t, workload.Facts{}, f.Services["orders"])

	answered := regexp.MustCompile(`(?m)^( +)# `).ReplaceAllString(string(text), "$1")
	f, err = facts.Read([]byte(answered), "answered")
	require.NoError(t, err, answered)
	require.Equal(t, 512, f.Services["team:orders"].MemoryMB.Value)
	require.Equal(t, workload.Given, f.Services["größe"].Writes.From)
	require.Equal(t, 30*time.Second, f.Services["123"].Longest.Value)
}

func TestOrder(t *testing.T) {
	t.Parallel()
	f, err := facts.Read([]byte(file), "services.yaml")
	require.NoError(t, err)
	member := workload.Member{Assigned: map[string][]int32{"t": {0}}}
	g := workload.Group{
		ID: "orders", Topics: []string{"orders"}, Members: []workload.Member{member, member, {}},
		Commits: &workload.Cadence{Drain: 100},
	}
	d := []workload.Deployment{{File: "k8s.yaml", MemoryMB: 768, CPU: 0.5, Replicas: 3, Topics: []string{"orders", "priced", "hello"}, State: "a volume"}}
	got := f.Of(g, d, []string{"orders", "priced"})
	require.Equal(t, 2048, got.MemoryMB.Value, "the file goes before the manifest")
	require.InDelta(t, 0.5, got.CPU.Value, 0)
	require.Equal(t, workload.Manifest, got.CPU.From)
	require.Equal(t, 2, got.MinTasks.Value)
	require.True(t, got.State.Value)
	require.Equal(t, "a volume", got.State.Why)
	require.False(t, got.Sockets.Known())

	g.ID = "other"
	got = f.Of(g, d, []string{"orders", "priced"})
	require.Equal(t, workload.Fact[[]string]{Value: []string{"priced"}, From: workload.Manifest, Why: "named in the environment and not read by the group"}, got.Writes)
	require.Equal(t, 20*time.Millisecond, got.PerRecord.Value, "2 busy members did 100 records/s")
	require.Equal(t, workload.Measured, got.PerRecord.From)

	g.Commits = &workload.Cadence{Rate: 1000}
	got = f.Of(g, nil, nil)
	require.Equal(t, 2*time.Millisecond, got.PerRecord.Value, "it can't take longer")
	require.Equal(t, workload.Assumed, got.PerRecord.From)
	require.Equal(t, 20*time.Millisecond, f.Of(workload.Group{}, nil, nil).PerRecord.Value)
}

// What a shadow run measured is known, and what its owner says counts before it.
func TestAShadowRunTellsMemoryAndTime(t *testing.T) {
	t.Parallel()
	var f facts.File
	require.ErrorContains(t, f.Shadow(plan.Shadow{Plan: "orders", Group: "g"}), "measured nothing")
	require.NoError(t, f.Shadow(plan.Shadow{Plan: "orders", Group: "g", Functions: []plan.Measured{
		{Function: "a", Invocations: 10, Records: 1000, Busy: 2 * time.Second, MemoryMB: 90},
		{Function: "b", Invocations: 10, Records: 1000, Busy: time.Second, MemoryMB: 120},
	}}))
	got := f.Of(workload.Group{ID: "g"}, nil, nil)
	require.Equal(t, 3*time.Millisecond, got.PerRecord.Value)
	require.Equal(t, workload.Measured, got.PerRecord.From)
	require.Equal(t, 120, got.MemoryMB.Value)
	require.Zero(t, got.PerInvocation.Value)
	f.Services = map[string]workload.Facts{"g": {MemoryMB: workload.Fact[int]{Value: 256, From: workload.Given}}}
	require.Equal(t, 256, f.Of(workload.Group{ID: "g"}, nil, nil).MemoryMB.Value)
	require.Equal(t, workload.Assumed, f.Of(workload.Group{ID: "other"}, nil, nil).PerRecord.From)
	require.ErrorContains(t, f.Check("", workload.Survey{}), "the shadow run of group g: the survey has no such group")
}
