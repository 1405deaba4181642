package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"gantry/cloud"
)

// awsMetrics are about credentials for AWS that were asked for: gantry's own, and those
// of functions' roles.
var awsMetrics = []metric[cloud.Identity]{
	{"", "gantry_aws_credentials_expiry_timestamp_seconds", "Unix time at which credentials for AWS expire; 0 = they do not.", prometheus.GaugeValue, func(i cloud.Identity) float64 {
		if i.Expires.IsZero() {
			return 0
		}
		return float64(i.Expires.Unix())
	}},
	{"", "gantry_aws_credentials_good", "1 while there are credentials for AWS that hold, else 0.", prometheus.GaugeValue, func(i cloud.Identity) float64 {
		if i.Good() {
			return 1
		}
		return 0
	}},
	{"", "gantry_aws_credentials_renewals_total", "Credentials for AWS that were renewed.", prometheus.CounterValue, func(i cloud.Identity) float64 { return float64(i.Renewals) }},
	{"", "gantry_aws_credentials_failures_total", "Attempts to get or renew credentials for AWS that failed.", prometheus.CounterValue, func(i cloud.Identity) float64 { return float64(i.Failures) }},
}

var identityLabels = []string{"identity"}
