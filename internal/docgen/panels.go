package main

// panel is one of the dashboard's, in the order a person on call looks: first what is
// wrong, then how far behind, then what moves, then the functions.
type panel struct {
	kind    string // stat or timeseries
	width   int    // of 24
	title   string
	says    string
	unit    string // Grafana's name
	queries []query
}

type query struct{ expr, legend string }

func panels() []panel {
	const m = `{name=~"$mapping"}`
	return []panel{
		{"stat", 4, "Processes down", "gantry processes that do not answer", "short", []query{{`count(up{job="gantry"} == 0) or vector(0)`, ""}}},
		{"stat", 4, "Mappings with a problem", "See GantryMappingProblem in docs/bad-night.md", "short", []query{{`count(max by (mapping) (gantry_mapping_problem` + m + `)) or vector(0)`, ""}}},
		{"stat", 4, "Partitions that stand", "See GantryLaneBlocked in docs/bad-night.md", "short", []query{{`sum(gantry_blocked_lanes` + m + `) or vector(0)`, ""}}},
		{"stat", 4, "Partitions with lost records", "They wait for accept-loss", "short", []query{{`sum(gantry_lost_lanes` + m + `) or vector(0)`, ""}}},
		{"stat", 4, "Records given up, last hour", "Dropped, or sent to a destination", "short", []query{{`sum(increase(gantry_dropped_events_total` + m + `[1h])) + sum(increase(gantry_on_failure_destination_delivered_events_total` + m + `[1h])) or vector(0)`, ""}}},
		{"stat", 4, "Alerts firing", "Of packaging/monitoring/gantry.rules.yml", "short", []query{{`count(ALERTS{alertname=~"Gantry.*", alertstate="firing"}) or vector(0)`, ""}}},

		{"timeseries", 12, "Offset lag", "End of the log less committed offset, all partitions of all processes", "short", []query{{`sum by (name, topic) (gantry_sum_offset_lag` + m + `)`, "{{name}} ({{topic}})"}}},
		{"timeseries", 12, "Largest lag of a partition", "One that runs away alone: a poison record, or a key that is too busy", "short", []query{{`max by (name) (gantry_max_offset_lag` + m + `)`, "{{name}}"}}},
		{"timeseries", 12, "How long partitions stand", "Since the first failure of the record in front", "s", []query{{`max by (name, partition) (gantry_lane_standing_seconds` + m + `)`, "{{name}} {{partition}}"}}},
		{"timeseries", 12, "Time until retention takes records away", "Of partitions that stand", "s", []query{{`min by (name, partition) (gantry_retention_headroom_seconds` + m + `)`, "{{name}} {{partition}}"}}},

		{"timeseries", 12, "Records", "Read, filtered out, committed", "cps", []query{
			{`sum by (name) (rate(gantry_polled_events_total` + m + `[$__rate_interval]))`, "{{name}} read"},
			{`sum by (name) (rate(gantry_filtered_out_events_total` + m + `[$__rate_interval]))`, "{{name}} filtered out"},
			{`sum by (name) (rate(gantry_committed_events_total` + m + `[$__rate_interval]))`, "{{name}} committed"},
		}},
		{"timeseries", 12, "What fails", "Batches, polls, commits, deliveries", "cps", []query{
			{`sum by (name) (rate(gantry_invoke_errors_total` + m + `[$__rate_interval]))`, "{{name}} invocations"},
			{`sum by (name) (rate(gantry_polling_errors_total` + m + `[$__rate_interval]))`, "{{name}} polls"},
			{`sum by (name) (rate(gantry_commit_errors_total` + m + `[$__rate_interval]))`, "{{name}} commits"},
			{`sum by (name) (rate(gantry_on_failure_destination_delivery_errors_total` + m + `[$__rate_interval]))`, "{{name}} deliveries"},
		}},
		{"timeseries", 12, "Bytes read", "", "Bps", []query{{`sum by (name) (rate(gantry_polled_bytes_total` + m + `[$__rate_interval]))`, "{{name}}"}}},
		{"timeseries", 12, "Records and invocations waiting", "", "short", []query{
			{`sum by (name) (gantry_waiting_records` + m + `)`, "{{name}} records"},
			{`sum by (name) (gantry_invocations_in_flight` + m + `)`, "{{name}} in flight"},
		}},

		{"timeseries", 12, "Duration of invocations", "Median and 99th percentile, by the histogram's buckets", "s", []query{
			{`histogram_quantile(0.5, sum by (function, le) (rate(gantry_function_duration_seconds_bucket[$__rate_interval])))`, "{{function}} p50"},
			{`histogram_quantile(0.99, sum by (function, le) (rate(gantry_function_duration_seconds_bucket[$__rate_interval])))`, "{{function}} p99"},
		}},
		{"timeseries", 12, "Invocations", "All, failed, throttled, not reached", "cps", []query{
			{`sum by (function) (rate(gantry_function_invocations_total[$__rate_interval]))`, "{{function}}"},
			{`sum by (function) (rate(gantry_function_errors_total[$__rate_interval]))`, "{{function}} failed"},
			{`sum by (function) (rate(gantry_function_throttles_total[$__rate_interval]))`, "{{function}} throttled"},
			{`sum by (function) (rate(gantry_function_unreached_total[$__rate_interval]))`, "{{function}} not reached"},
		}},
		{"timeseries", 12, "Processes of functions", "Alive and busy", "short", []query{
			{`sum by (function) (gantry_function_processes)`, "{{function}}"},
			{`sum by (function) (gantry_function_busy_processes)`, "{{function}} busy"},
		}},
		{"timeseries", 12, "Starts and ends of processes", "", "cps", []query{
			{`sum by (function) (rate(gantry_function_cold_starts_total[$__rate_interval]))`, "{{function}} cold starts"},
			{`sum by (function) (rate(gantry_function_crashes_total[$__rate_interval]))`, "{{function}} crashes"},
			{`sum by (function) (rate(gantry_function_memory_kills_total[$__rate_interval]))`, "{{function}} over their memory"},
			{`sum by (function) (rate(gantry_function_timeouts_total[$__rate_interval]))`, "{{function}} timeouts"},
		}},
		{"timeseries", 12, "Memory", "gantry, records in hand, and the processes of functions", "bytes", []query{
			{`process_resident_memory_bytes{job="gantry"}`, "{{instance}} gantry"},
			{`sum by (instance) (gantry_held_bytes)`, "{{instance}} records"},
			{`sum by (function) (gantry_function_memory_bytes)`, "{{function}}"},
		}},
		{"timeseries", 12, "CPU of gantry", "Cores", "short", []query{{`rate(process_cpu_seconds_total{job="gantry"}[$__rate_interval])`, "{{instance}}"}}},
	}
}
