package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Output makes the function's answer into records (design: beyond AWS). The records of an
// answer are written before the offsets of the records it is about are committed.
type Output struct {
	Topic   string   // takes every value that names no topic; "" = an answer names its topics
	Topics  []string // further topics an answer may name
	Cluster string   // a name in clusters:, "" = the source's

	Schema *OutputSchema `json:",omitempty"` // nil = values and keys go as they are

	Transactional bool          // outputs and offsets in one Kafka transaction
	Interval      time.Duration // least time between two transactions; 0 = DefaultTransactionInterval
	Bytes         int64         // answers that are not kept waiting for it; 0 = DefaultTransactionBytes
	Timeout       time.Duration // when the broker aborts what was left open; 0 = DefaultTransactionTimeout
}

// The defaults and limits of transactions. The timeout lies below the session timeout: when
// the partitions of a member that died go to another one, nothing of it is open any more.
const (
	DefaultTransactionInterval = 100 * time.Millisecond
	MaxTransactionInterval     = 10 * time.Second
	DefaultTransactionBytes    = 8 << 20
	MaxTransactionBytes        = 64 << 20
	DefaultTransactionTimeout  = 30 * time.Second
	MinTransactionTimeout      = time.Second
	MaxTransactionTimeout      = 15 * time.Minute // transaction.max.timeout.ms, Kafka's default
)

// output changes a mapping's output, which other copies of the mapping may share. An output
// that says nothing is none.
func (m *Mapping) output(change func(o *Output)) {
	var o Output
	if m.Output != nil {
		o = *m.Output
	}
	change(&o)
	m.Output = &o
	if o.Topic == "" && len(o.Topics) == 0 && !o.Transactional {
		m.Output = nil
	}
}

// Allows says whether an answer may name a topic.
func (o *Output) Allows(topic string) bool {
	return topic == o.Topic && topic != "" || slices.Contains(o.Topics, topic)
}

// Every is the least time between two transactions.
func (o *Output) Every() time.Duration {
	if o.Interval > 0 {
		return o.Interval
	}
	return DefaultTransactionInterval
}

// Enough is how many bytes of answers a transaction does not wait longer for.
func (o *Output) Enough() int64 {
	if o.Bytes > 0 {
		return o.Bytes
	}
	return DefaultTransactionBytes
}

// Expires is when the broker aborts a transaction that was left open.
func (o *Output) Expires() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return DefaultTransactionTimeout
}

// TransactionPrefix is how the transactional ids of a mapping begin; each process adds its
// own identity, so that no two have the same.
func (m *Mapping) TransactionPrefix() string { return "gantry." + m.UUID + "." }

// Transactional says whether outputs and offsets are committed in one transaction.
func (m *Mapping) Transactional() bool { return m.Output != nil && m.Output.Transactional }

var outputTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// OutputFaults are the faults of a mapping's output, all of them, each with the member of
// output it is about.
func (m *Mapping) OutputFaults() []error {
	o := m.Output
	if o == nil {
		return nil
	}
	var errs []error
	if o.Topic == "" && len(o.Topics) == 0 {
		errs = append(errs, errors.New("topic is missing: the topic that takes the function's answers"))
	}
	for _, topic := range append(slices.DeleteFunc([]string{o.Topic}, func(t string) bool { return t == "" }), o.Topics...) {
		switch {
		case !outputTopic.MatchString(topic) || topic == "." || topic == "..":
			errs = append(errs, fmt.Errorf("%q is no topic name", topic))
		case slices.Contains(m.Source.Topics, topic) && (o.Cluster == "" || o.Cluster == m.Source.Cluster):
			errs = append(errs, fmt.Errorf("%s is the source topic: records would go in circles", topic))
		}
	}
	return append(append(errs, o.schemaFaults()...), m.transactionFaults()...)
}

func (m *Mapping) transactionFaults() []error {
	o := m.Output
	var errs []error
	if !o.Transactional {
		if o.Interval != 0 || o.Bytes != 0 || o.Timeout != 0 {
			errs = append(errs, errors.New("interval, size and timeout go with transactional: true only"))
		}
		return errs
	}
	if o.Cluster != "" && o.Cluster != m.Source.Cluster {
		errs = append(errs, fmt.Errorf("a transaction stays within one cluster: cluster %s is not the source's; "+
			"leave cluster out, or transactional", o.Cluster))
	}
	if m.OnFailure != "" && !strings.HasPrefix(m.OnFailure, "kafka://") {
		errs = append(errs, fmt.Errorf("with transactional: true dead letters are part of the transaction: "+
			"onFailure must be kafka://TOPIC on the source's cluster, not %s", m.OnFailure))
	}
	if n := m.Lanes.InForce().PerPartition; n > 1 {
		errs = append(errs, fmt.Errorf("with transactional: true a partition has one lane, not %d: "+
			"a commit may not lie within an answer, and answers of several lanes overlap", n))
	}
	if m.Several() {
		errs = append(errs, fmt.Errorf("with transactional: true a mapping has one function, not %d: "+
			"a commit may not lie within an answer, and answers of several functions overlap; give each function a mapping of its own", len(m.Functions)))
	}
	if m.OnFailure != "" && m.DestinationFailureDrop {
		errs = append(errs, errors.New("with transactional: true dead letters are part of the transaction: "+
			"onDestinationFailure: drop can't be kept"))
	}
	return append(errs, o.boundFaults()...)
}

func (o *Output) boundFaults() []error {
	var errs []error
	bound := func(name string, given, least, most any, out bool) {
		if out {
			errs = append(errs, fmt.Errorf("%s %v is not within %v and %v", name, given, least, most))
		}
	}
	bound("interval", o.Interval, time.Duration(0), MaxTransactionInterval, o.Interval < 0 || o.Interval > MaxTransactionInterval)
	bound("size", o.Bytes, 0, int64(MaxTransactionBytes), o.Bytes < 0 || o.Bytes > MaxTransactionBytes)
	bound("timeout", o.Timeout, MinTransactionTimeout, MaxTransactionTimeout,
		o.Timeout != 0 && (o.Timeout < MinTransactionTimeout || o.Timeout > MaxTransactionTimeout))
	return errs
}
