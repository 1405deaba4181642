// Package assess proves `gantry assess` on a whole cluster: topics and groups of known
// shapes are made on a real broker, read, and what was read is held against what was made,
// with the time it took and what it cost the broker.
package assess
