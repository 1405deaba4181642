package record

// ByKey as the partition of an Output lets the key choose, as Kafka's own producer does:
// the same key always goes to the same partition, and without one any will do.
const ByKey int32 = -1

// Output is a record to be written to a topic. A nil Key or Value is Kafka's null: a
// record with a key and a null value is a tombstone.
type Output struct {
	Topic     string
	Partition int32 // ByKey, or the partition itself
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Weight is what an output holds in memory, near enough for a budget.
func (o *Output) Weight() int64 {
	const itself = 128
	n := len(o.Key) + len(o.Value) + itself
	for i := range o.Headers {
		n += len(o.Headers[i].Key) + len(o.Headers[i].Value)
	}
	return int64(n)
}
