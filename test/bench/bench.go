// Package bench measures gantry beside the loop one would write by hand for the same
// work (the floor) and the Kafka client alone (raw), in one run on one real Kafka.
//
// Every program under measurement is a process of its own, so that its CPU and memory
// are its own; the function and the broker are not counted. Absolute figures depend on
// the machine and on what else it does, so what is reported is the ratio of interleaved
// pairs. make bench runs it all; docs/performance.md keeps the history.
package bench
