package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
