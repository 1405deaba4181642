package admin

import (
	"gantry/engine"
	"gantry/function"
)

// functionMetrics are AWS's of a function (Developer Guide, monitoring-metrics-types), by
// whomever it is invoked through this process.
var functionMetrics = []metric[engine.FunctionUse]{
	{"Invocations", "gantry_function_invocations_total", "Invocations that ran, or may have run.", counted, func(f engine.FunctionUse) float64 { return float64(f.Counts.Invocations.Load()) }},
	{"Errors", "gantry_function_errors_total", "Invocations that failed or gave no answer.", counted, func(f engine.FunctionUse) float64 { return float64(f.Counts.Errors.Load()) }},
	{"Throttles", "gantry_function_throttles_total", "Calls refused for a concurrency or rate limit.", counted, func(f engine.FunctionUse) float64 { return float64(f.Counts.Throttles.Load()) }},
	{"", "gantry_function_unreached_total", "Calls that did not run for another reason: no connection, wrong configuration, too large.", counted, func(f engine.FunctionUse) float64 { return float64(f.Counts.Unreached.Load()) }},
	{"ConcurrentExecutions", "gantry_function_concurrent_executions", "Invocations running now.", measured, func(f engine.FunctionUse) float64 { return float64(f.Busy) }},
	{"", "gantry_function_reserved_concurrency", "Reserved concurrency; -1 where there is none.", measured, func(f engine.FunctionUse) float64 { return float64(f.Limit) }},
}

// durationMetric is a histogram, so it has no single value to read.
var durationMetric = metric[engine.FunctionUse]{aws: "Duration", name: "gantry_function_duration_seconds",
	help: "How long invocations that ran took."}

// poolMetrics exist for functions that run as processes here.
var poolMetrics = []metric[function.PoolStats]{
	{"", "gantry_function_processes", "Living processes.", measured, func(p function.PoolStats) float64 { return float64(p.Processes) }},
	{"", "gantry_function_busy_processes", "Processes that have an event or are starting.", measured, func(p function.PoolStats) float64 { return float64(p.Busy) }},
	{"", "gantry_function_waiting_calls", "Calls that wait for a process.", measured, func(p function.PoolStats) float64 { return float64(p.Waiting) }},
	{"", "gantry_function_memory_bytes", "Memory that the processes hold for themselves; 0 where the system does not tell (only Linux does).", measured, func(p function.PoolStats) float64 { return float64(p.Memory) }},
	{"", "gantry_function_cold_starts_total", "Processes that came to their first event.", counted, func(p function.PoolStats) float64 { return float64(p.ColdStarts) }},
	{"", "gantry_function_crashes_total", "Processes that ended by themselves or were killed for their memory.", counted, func(p function.PoolStats) float64 { return float64(p.Crashes) }},
	{"", "gantry_function_memory_kills_total", "Processes killed for their memory.", counted, func(p function.PoolStats) float64 { return float64(p.MemoryKills) }},
	{"", "gantry_function_timeouts_total", "Invocations cut at the function's timeout.", counted, func(p function.PoolStats) float64 { return float64(p.Timeouts) }},
	{"", "gantry_function_init_failures_total", "Processes that did not come to their first event.", counted, func(p function.PoolStats) float64 { return float64(p.InitFailure) }},
}
