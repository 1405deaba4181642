package admin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/function"
	"gantry/mapping"
)

func exporting(t *testing.T, sees bool) *bench {
	b := newBench(t, func(c *admin.Config) { c.Secrets = func(context.Context) bool { return sees } })
	m := plain(one, "orders")
	m.OversizeDrop = true
	b.put(m)
	b.putFunction(function.Function{Name: "f", Kind: function.Process, Runtime: "python3.12", Handler: "a.h", Timeout: time.Second, Memory: 128,
		Environment: map[string]string{"PASSWORD": "hunter2"}, Integration: ""})
	return b
}

func TestExport(t *testing.T) {
	t.Parallel()
	for _, sees := range []bool{true, false} {
		b := exporting(t, sees)
		got := b.fine("GET", "/gantry/v1/export/cloudformation?mapping=orders", "")
		require.Contains(t, got["template"], "ConsumerGroupId: g-"+one)
		if sees {
			require.Contains(t, got["template"], "hunter2")
		} else {
			require.NotContains(t, got["template"], "hunter2")
		}
		require.Equal(t, got, b.fine("GET", "/gantry/v1/export/cloudformation", ""), "no name is every mapping")
		b.refused(404, "ResourceNotFoundException", "nope", "GET", "/gantry/v1/export/sam?mapping=nope", "")
		b.refused(400, "InvalidParameterValueException", "want sam, cloudformation or terraform", "GET", "/gantry/v1/export/pulumi", "")
	}
}

func TestExportNamesAllThatIsLacking(t *testing.T) {
	t.Parallel()
	b := exporting(t, true)
	m := plain(two, "more")
	m.ReadUncommitted = true
	b.put(m)
	for _, name := range []string{"oversize", "isolation", "--accept isolation,oversize"} {
		b.refused(400, "InvalidParameterValueException", name, "GET", "/gantry/v1/export/sam", "")
	}
	require.Contains(t, b.fine("GET", "/gantry/v1/export/sam?accept=isolation,oversize", "")["template"], "# not in AWS: isolation (mapping more)")
	b.refused(400, "InvalidParameterValueException", "there is no such feature", "GET", "/gantry/v1/export/sam?accept=everything", "")
}

func TestExportOfNothing(t *testing.T) {
	t.Parallel()
	newBench(t).refused(400, "InvalidParameterValueException", "there is no mapping", "GET", "/gantry/v1/export/sam", "")
}

// A mapping that gave its group away says so, and comes back when its owner resumes it.
func TestAHandedOverMappingSaysSoAndIsResumed(t *testing.T) {
	t.Parallel()
	b := exporting(t, true)
	m := b.mapping(one)
	m.UUID, m.Name, m.GroupID = two, "given", "given"
	m.Enabled, m.HandedOver = false, &mapping.HandedOver{To: "4b6e6f1e", At: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	b.put(m)
	said := fmt.Sprint(b.fine("GET", "/gantry/v1/status", ""))
	require.Equal(t, 1, strings.Count(said, "handed over to mapping 4b6e6f1e in AWS at 2026-11-30T12:00:00Z"), said)
	shown := b.fine("GET", "/gantry/v1/mappings/given", "")["mapping"].(map[string]any)
	require.Equal(t, map[string]any{"awsMapping": "4b6e6f1e", "at": "2026-11-30T12:00:00Z"}, shown["handedOver"])
	b.fine("POST", "/gantry/v1/mappings/given/pause", "")
	require.NotNil(t, b.mapping(two).HandedOver, "a pause takes nothing back")
	b.fine("POST", "/gantry/v1/mappings/given/resume", "")
	require.Nil(t, b.mapping(two).HandedOver)
	require.True(t, b.mapping(two).Enabled)
}

// Everything that is wrong with an order is named at once, and nothing is begun.
func TestHandOverIsRefused(t *testing.T) {
	t.Parallel()
	b := exporting(t, true)
	for _, fault := range []string{"within", "awsMapping", "awsEndpoint", "reason", "no road to AWS"} {
		b.refused(400, "InvalidParameterValueException", fault, "POST", "/gantry/v1/mappings/orders/handover", `{"awsMapping":"x","within":"1ms","awsEndpoint":"ftp://x"}`)
	}
	b = newBench(t, func(c *admin.Config) {
		c.AWS = func(context.Context) (aws.Config, error) { return aws.Config{}, errors.New("no credentials") }
	})
	b.put(plain(one, "orders"))
	status, got := b.ask("POST", "/gantry/v1/mappings/orders/handover", `{"awsMapping":"`+two+`","reason":"test"}`)
	require.Equal(t, 500, status)
	require.Contains(t, got["message"], "no credentials")
	require.True(t, b.mapping(one).Enabled)
}
