package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// Token is a text that stands for a record and nothing else: its topic, partition and
// offset. It is the same whenever the record comes again, so a service that takes a
// client token or an idempotency key takes the record once.
func Token(r *Record) string { return fmt.Sprintf("%s-%d-%d", r.Topic, r.Partition, r.Offset) }

// ShortToken is Token for services that bound its length or its letters: 32 hexadecimal
// digits.
func ShortToken(r *Record) string {
	sum := sha256.Sum256([]byte(Token(r)))
	return hex.EncodeToString(sum[:16])
}

// BatchToken is Token for several records, by their indices, in order: topic-partition-
// first-last, and a Digest behind it where these are not all that lie between the two.
// The ends alone would not do: a batch that comes again may be cut otherwise, with other
// records between the same ends, and a service that keeps such keys would take these for
// done.
func BatchToken(records []Record, part []int) string {
	first, last := &records[part[0]], &records[part[len(part)-1]]
	switch {
	case len(part) == 1:
		return Token(first)
	case Gapless(records, part):
		return fmt.Sprintf("%s-%d", Token(first), last.Offset)
	}
	return fmt.Sprintf("%s-%d-%s", Token(first), last.Offset, Digest(records, part))
}

// Gapless says that records, by their indices, are of one partition and all that can lie
// between the first and the last.
func Gapless(records []Record, part []int) bool {
	first, last := &records[part[0]], &records[part[len(part)-1]]
	return first.Of() == last.Of() && last.Offset-first.Offset == int64(len(part)-1)
}

// Digest stands for the positions of records and for no others: 16 hexadecimal digits.
func Digest(records []Record, part []int) string {
	sum := sha256.New()
	for _, i := range part {
		_, _ = io.WriteString(sum, Token(&records[i])+" ")
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
