package migrate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate"
	"gantry/plan"
	"gantry/workload"
)

func assessed() workload.Assessment {
	known := func(v string) workload.Fact[string] { return workload.Fact[string]{Value: v, From: workload.Given} }
	return workload.Assessment{
		Cluster: "onprem", Made: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), First: &workload.First{Service: "billing"},
		Services: []workload.Service{
			{Group: "streams", Class: workload.Streams, Why: "its assignor is stream"},
			{
				Group: "billing", Class: workload.Plain, Type: "classic", Members: 2, Reads: []string{"orders"}, Wave: 1,
				Verdict: workload.Verdict{Target: "function"},
				Facts:   workload.Facts{Database: known("here"), Writes: workload.Fact[[]string]{Value: []string{"bills"}, From: workload.Manifest}},
			},
		},
	}
}

// A plan begins with what the assessment knows, and stays to be finished by people.
func TestADraftFromAnAssessment(t *testing.T) {
	t.Parallel()
	d, err := migrate.DraftOf(assessed(), "")
	require.NoError(t, err)
	text := d.With(migrate.Draft{Functions: []string{"bill"}, Principal: "User:billing"}).YAML()
	for _, want := range []string{
		"name: billing\n", "cluster: onprem\n", `group: "billing"`, `topics: ["orders"]`, "- name: bill\n", "topic: bills", "fence: strong", "# ignore:",
		"# from the assessment of 2026-11-30: verdict function, wave 1", "# it has a database (here): name it among the effects",
	} {
		require.Contains(t, text, want)
	}
	_, err = migrate.DraftOf(assessed(), "streams")
	require.ErrorContains(t, err, "its assignor is stream")
	_, err = migrate.DraftOf(assessed(), "bilings")
	require.ErrorContains(t, err, "it has: billing, streams")
	_, err = migrate.DraftOf(workload.Assessment{}, "")
	require.ErrorContains(t, err, "--group")
}

// Every act says what it would do, at every state, and names the groups it is about.
func TestEveryActSaysWhatItWouldDo(t *testing.T) {
	t.Parallel()
	p := plan.Plan{
		Name: "orders", Service: plan.Service{Group: "g", Topics: []string{"orders"}, Principal: "User:old"},
		Outputs: []plan.Output{{Topic: "bills", Second: "again"}}, Fence: plan.FenceStrong, Handover: plan.HandoverNew, Rollback: plan.Resume,
		Effects: []plan.Effect{{Kind: plan.EffectHTTP, Name: "mail", Shadow: plan.EffectDenied, Enforcement: plan.Enforced}},
	}
	for act, want := range map[migrate.Act]string{
		migrate.ActShadow: "CreateTopics bills.shadow.orders, orders.failed.shadow.orders", migrate.ActEnd: "g.shadow.orders", migrate.ActCutover: "LeaveGroup",
		migrate.ActRollback: "OffsetCommit g: behind what the functions did", migrate.ActRelease: "DeleteAcls: the DENY of READ on group g",
		migrate.ActRehearse: "OffsetCommit g: behind", migrate.ActResume: "no step is under way", migrate.ActAbort: "no step is under way",
	} {
		require.Contains(t, text(migrate.Calls(act, p, plan.Planned)), want, act)
	}
	require.Contains(t, text(migrate.Calls(migrate.ActAbort, p, plan.Shadowing)), "migration.orders.shadow is disabled")
	require.Contains(t, text(migrate.Calls(migrate.ActResume, p, plan.Watching)), "prove")
	require.Contains(t, text(migrate.Calls(migrate.ActShadow, p, plan.Planned)), "network namespace with ways out to: none")
	p.Fence, p.Rollback, p.Stop.Start = plan.FenceOperator, plan.Replay, []string{"systemctl", "start", "old"}
	back := text(migrate.Calls(migrate.ActRollback, p, plan.Moved))
	require.Contains(t, back, "where the old service had stopped")
	require.Contains(t, back, "prints the kafka-acls line")
	require.Contains(t, back, "runs systemctl start old")
}

func text(lines []string) (all string) {
	for _, l := range lines {
		all += l + "\n"
	}
	return all
}
