package record

// Part is the share one lane has in a batch: records in the order they were polled.
type Part struct {
	Lane    Lane
	Records []Record
}

// First and Last give the ends of the span a part covers. A part is never empty.
func (p *Part) First() *Record { return &p.Records[0] }

// Last gives the record with the highest offset.
func (p *Part) Last() *Record { return &p.Records[len(p.Records)-1] }

// Batch is what one invocation carries. It may hold several lanes, as an AWS event
// may hold several partitions, and each lane at most once.
type Batch struct {
	Parts []Part
}

// Len counts the records of the batch.
func (b *Batch) Len() int {
	n := 0
	for i := range b.Parts {
		n += len(b.Parts[i].Records)
	}
	return n
}
