package surveytest

import (
	"time"

	"gantry/workload"
)

// Shop is a survey of a shop's cluster: each kind of service, and each shape of traffic.
func Shop() workload.Survey {
	topics := []Topic{
		{Name: "orders", Shape: Daily(4, 38, 1), Partitions: 12, Bytes: 900},
		{Name: "orders.validated", Shape: Daily(4, 36, 1), Partitions: 12, Bytes: 1100},
		{Name: "payments", Shape: Daily(2, 14, 2), Partitions: 6, Bytes: 700},
		{Name: "payments.settled", Shape: Daily(2, 13, 2), Partitions: 6, Bytes: 700},
		{Name: "invoices", Shape: Office(6), Partitions: 3, Bytes: 2400},
		{Name: "clicks", Shape: Daily(220, 1900, 3), Partitions: 24, Bytes: 300},
		{Name: "stock.changes", Shape: Bursts(0.4, 160, 4), Partitions: 8, Bytes: 350, Burst: 4},
		{Name: "mails", Shape: Bursts(0.05, 12, 5), Partitions: 4, Bytes: 5200, Burst: 3},
		{Name: "reports.nightly", Shape: Nightly(3), Partitions: 2, Bytes: 15000},
		{Name: "prices", Shape: Steady(45), Partitions: 4, Hot: 0.62, Skew: 0.7},
		{Name: "video.uploads", Shape: Office(0.02), Partitions: 2, Bytes: 4000},
		{Name: "customers.cdc", Shape: Daily(1, 9, 6), Partitions: 6, Bytes: 1800},
		{Name: "audit", Shape: Steady(1.5), Partitions: 1, Unsampled: true},
	}
	groups := []Group{
		{ID: "order-validation", Reads: []string{"orders"}, Members: 4, Lag: 40, Behind: 2 * time.Second, Drain: 300, KIP848: true},
		{ID: "order-fulfilment", Reads: []string{"orders.validated"}, Members: 6, Lag: 210, Behind: 8 * time.Second, Drain: 46},
		{ID: "payment-capture", Reads: []string{"payments"}, Members: 3, Lag: 12, Behind: time.Second, Drain: 90, Static: true},
		{ID: "payment-ledger", Reads: []string{"payments.settled"}, Members: 2, Lag: 5, Behind: time.Second},
		{ID: "invoicing", Reads: []string{"invoices"}, Members: 2, Drain: 60},
		{ID: "click-stats", Reads: []string{"clicks"}, Members: 12, Lag: 52000, Behind: 41 * time.Second, Drain: 9000},
		{ID: "stock:sync", Reads: []string{"stock.changes"}, Members: 2, Lag: 31000, Behind: 26 * time.Minute, Drain: 120},
		{ID: "mailer", Reads: []string{"mails"}, Members: 1, Drain: 40},
		{ID: "nightly-reports", Reads: []string{"reports.nightly"}, Members: 3},
		{ID: "price-cache", Reads: []string{"prices"}, Members: 4, Drain: 700},
		{ID: "transcoder", Reads: []string{"video.uploads"}, Members: 2},
		{ID: "customer-views", Reads: []string{"customers.cdc", "orders"}, Class: workload.Streams, Members: 3},
		{ID: "connect-warehouse", Reads: []string{"orders.validated"}, Class: workload.Connect, Members: 2},
		{ID: "old-audit", Reads: []string{"audit"}, Class: workload.Idle, Lag: 900_000, Behind: 160 * time.Hour},
	}
	return Make(28, topics, groups)
}

// ShopFacts is the facts file of the shop.
const ShopFacts = `platform: {roundTrip: 18ms}
services:
  order-validation: {memory: 512MB, perInvocation: 15ms, perRecord: 9ms, longestRecord: 2s, state: false, exactlyOnce: false, sockets: false, database: none, databaseTrips: 0, writes: [orders.validated]}
  order-fulfilment: {memory: 1GB, perRecord: 90ms, longestRecord: 20s, state: false, exactlyOnce: false, sockets: false, database: here, databaseTrips: 4, writes: [payments, stock.changes]}
  payment-capture: {memory: 512MB, perRecord: 30ms, state: false, exactlyOnce: true, sockets: false, writes: [payments.settled]}
  payment-ledger: {memory: 512MB, perRecord: 12ms, longestRecord: 1s, state: false, exactlyOnce: false, sockets: false, database: here, databaseTrips: 2, writes: []}
  invoicing: {memory: 768MB, perInvocation: 30ms, perRecord: 40ms, longestRecord: 8s, state: false, exactlyOnce: false, sockets: false, database: none, databaseTrips: 0, writes: [mails]}
  click-stats: {memory: 1GB, perRecord: 2ms, state: false, exactlyOnce: false, sockets: false, database: aws, databaseTrips: 0.01, longestRecord: 1s}
  mailer: {memory: 256MB, perRecord: 120ms, longestRecord: 30s, state: false, exactlyOnce: false, sockets: false, database: none, databaseTrips: 0, writes: []}
  price-cache: {memory: 2GB, perRecord: 5ms, sockets: true}
  transcoder: {memory: 8GB, cpu: 4, perRecord: 6m, longestRecord: 50m, state: false}
`
