package admin

import (
	"time"

	"gantry/engine/async"
)

// asyncMetrics are AWS's of asynchronous invocations (Developer Guide,
// monitoring-metrics-types), for a function that got any since gantry began.
var asyncMetrics = []metric[async.Stats]{
	{"AsyncEventsReceived", "gantry_function_async_events_received_total", "Events that were accepted for asynchronous invocation.", counted, func(s async.Stats) float64 { return float64(s.Counts.Received) }},
	{"AsyncEventsDropped", "gantry_function_async_events_dropped_total", "Events that were given up without success, also those that a destination has.", counted, func(s async.Stats) float64 { return float64(s.Counts.Dropped) }},
	{"AsyncEventAge", "gantry_function_async_event_age_seconds", "Age of the oldest event that waits; 0 while none does. AWS measures each when it is invoked.", measured, func(s async.Stats) float64 {
		if s.Oldest.IsZero() {
			return 0
		}
		return time.Since(s.Oldest).Seconds()
	}},
	{"", "gantry_function_async_events_waiting", "Events that wait or are being invoked.", measured, func(s async.Stats) float64 { return float64(s.Waiting) }},
	{"DestinationDeliveryFailures", "gantry_function_async_destination_delivery_failures_total", "Attempts to send an event to its destination that failed; they are repeated.", counted, func(s async.Stats) float64 { return float64(s.Counts.Unsent) }},
}
