package admin_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/plan"
)

func planOf(name, group string) plan.Plan {
	return plan.Plan{
		Name: name, Service: plan.Service{Cluster: "onprem", Group: group, Topics: []string{"orders"}, NoPosition: plan.ResetNone},
		Functions: []plan.Function{{Name: "order-validate"}}, Batch: plan.Batch{Size: 100, RetryAttempts: -1, RecordAge: -1},
		Guards: plan.Guards{Unresolved: time.Minute, Errors: 0.01, ErrorsOver: 200, LagFactor: 2, Watch: time.Minute},
		Fence:  plan.FenceWeak, Stop: plan.Stop{Wait: time.Minute}, Handover: plan.HandoverNew, Rollback: plan.Resume,
	}
}

func body(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestPlansAreKeptListedAndForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const path = "/gantry/v1/migrations/orders"
	b.refused(404, "ResourceNotFoundException", "not found", "GET", path, "")
	b.refused(400, "InvalidParameterValueException", "is not the name in the path", "PUT", path, body(t, planOf("other", "g")))
	b.refused(400, "InvalidParameterValueException", "the plan is not whole", "PUT", path, `{"name":"orders"}`)
	kept := b.fine("PUT", path, body(t, planOf("orders", "order-service")))
	require.Equal(t, "Planned", kept["state"])
	require.Equal(t, "old service", kept["owner"])
	require.Equal(t, "migration.orders", kept["mapping"])
	b.refused(409, "ResourceConflictException", "plan orders moves group order-service already", "PUT", "/gantry/v1/migrations/again", body(t, planOf("again", "order-service")))
	require.Equal(t, []string{"AKIDTEST: putMigration plan orders (put migration)"}, b.audit.lines())
	b.fine("DELETE", path, "")
	b.refused(404, "ResourceNotFoundException", "not found", "GET", path, "")
}

func TestAStepOfAMigrationWantsAReasonAndAKnownAct(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fine("PUT", "/gantry/v1/migrations/orders", body(t, planOf("orders", "order-service")))
	const path = "/gantry/v1/migrations/orders/run"
	b.refused(400, "InvalidParameterValueException", `act: "fly" is not known`, "POST", path, `{"act":"fly","reason":"x"}`)
	b.refused(400, "InvalidParameterValueException", "reason: is missing", "POST", path, `{"act":"cutover"}`)
	b.refused(409, "ResourceConflictException", "nothing is under way", "POST", path, `{"act":"abort","reason":"x"}`)
	b.refused(409, "ResourceConflictException", "nothing was begun", "GET", path, "")
	b.refused(409, "ResourceConflictException", "nothing waits for it", "POST", "/gantry/v1/migrations/orders/approve", `{"reason":"x"}`)
}
