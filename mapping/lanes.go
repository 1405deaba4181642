package mapping

import (
	"errors"
	"fmt"
)

// Order says what order the records of a partition are worked on in.
type Order string

// The orders. A lane works on its records one piece after the other in each of them.
const (
	OrderPartition Order = "partition" // all records of a partition: one lane
	OrderKey       Order = "key"       // the records of one key
	OrderNone      Order = "none"      // none: whichever lane is free takes what is next
)

// MaxLanes bounds the lanes of one partition.
const MaxLanes = 256

// Lanes says in how many lanes the records of one partition are worked on side by side.
// The zero value is AWS's way for Kafka: one.
type Lanes struct {
	PerPartition int   // 0 = not said
	Order        Order // "" = not said
}

// InForce fills in what was not said: one lane that keeps the order of the partition;
// where there are several, they keep the order of each key. The result may be compared.
func (l Lanes) InForce() Lanes {
	switch {
	case l.PerPartition <= 1 || l.Order == OrderPartition:
		return Lanes{PerPartition: 1, Order: OrderPartition}
	case l.Order == "":
		l.Order = OrderKey
	}
	return l
}

// Faults names everything that is wrong.
func (l Lanes) Faults() []error {
	var out []error
	if l.PerPartition < 0 || l.PerPartition > MaxLanes {
		out = append(out, fmt.Errorf("lanes.perPartition: %d is not within 1..%d", l.PerPartition, MaxLanes))
	}
	switch l.Order {
	case "", OrderPartition, OrderKey, OrderNone:
	default:
		return append(out, fmt.Errorf("lanes.order: %q is not known; want %s, %s or %s", l.Order, OrderKey, OrderPartition, OrderNone))
	}
	switch {
	case l.PerPartition > 1 && l.Order == OrderPartition:
		out = append(out, fmt.Errorf("lanes.order: %s keeps one lane a partition, so lanes.perPartition can't be %d; want order %s or %s",
			OrderPartition, l.PerPartition, OrderKey, OrderNone))
	case l.PerPartition == 0 && (l.Order == OrderKey || l.Order == OrderNone):
		out = append(out, errors.New("lanes.perPartition is missing: lanes.order says nothing without it"))
	}
	return out
}
