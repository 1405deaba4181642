package admin

import "gantry/produce"

// produceMetrics are about what functions write to Kafka in the middle of their work.
var produceMetrics = []metric[*produce.Use]{
	{"", "gantry_function_produced_records_total", "Records that functions wrote in the middle of their work.", counted, func(u *produce.Use) float64 { return float64(u.Records.Load()) }},
	{"", "gantry_function_produced_bytes_total", "Keys and values of those records.", counted, func(u *produce.Use) float64 { return float64(u.Bytes.Load()) }},
	{"", "gantry_function_produced_failed_total", "Records that were not written, or not acknowledged in time.", counted, func(u *produce.Use) float64 { return float64(u.Failed.Load()) }},
	{"", "gantry_function_produce_refused_total", "Requests for topics that the function may not write to.", counted, func(u *produce.Use) float64 { return float64(u.Refused.Load()) }},
}

var produceLabels = []string{"function"}
