package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/cloud"
	"gantry/produce"
)

// identities are gantry's own credentials, long since expired and failing, and a
// function's that never expire.
func identities() []cloud.Identity {
	return []cloud.Identity{
		{Name: "gantry", Source: "ProcessProvider", Obtained: time.Unix(1_700_000_000, 0), Expires: time.Unix(1_700_003_600, 0), Renewals: 3, Failures: 2, LastError: "refused"},
		{Name: "function orders", Source: "SharedConfigCredentials", Obtained: time.Unix(1_700_000_000, 0)},
	}
}

func TestMetricsOfCredentials(t *testing.T) {
	t.Parallel()
	families := scrape(t, busy())
	value := func(name string, i int) float64 {
		m := families[name].GetMetric()[i]
		return m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	require.Equal(t, "function orders", labels(families["gantry_aws_credentials_good"], 0)["identity"])
	require.InDelta(t, 1, value("gantry_aws_credentials_good", 0), 0)
	require.InDelta(t, 0, value("gantry_aws_credentials_good", 1), 0)
	require.InDelta(t, 0, value("gantry_aws_credentials_expiry_timestamp_seconds", 0), 0)
	require.InDelta(t, 1_700_003_600, value("gantry_aws_credentials_expiry_timestamp_seconds", 1), 0)
	require.InDelta(t, 3, value("gantry_aws_credentials_renewals_total", 1), 0)
	require.InDelta(t, 2, value("gantry_aws_credentials_failures_total", 1), 0)
}

// uses are what one function wrote.
func uses() []*produce.Use { return []*produce.Use{{Function: "f"}} }
