package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// OptionPrefix begins the tags of a mapping that are options of gantry: what is beyond
// AWS and flat can be said with any AWS client, as gantry:NAME=VALUE.
const OptionPrefix = "gantry:"

// FunctionsTag names the functions of a mapping that has several. It is shown and never set.
const FunctionsTag = OptionPrefix + "functions"

// Option is one of them: a tag, the member of a mapping it sets, and what it takes.
type Option struct {
	Name   string // as in the file; the tag's key is OptionPrefix + Name
	Values string // for people
	set    func(m *Mapping, value string) error
	clear  func(m *Mapping) // as if it had never been said
}

// Key is the key of the option's tag.
func (o Option) Key() string { return OptionPrefix + o.Name }

// Options is the table of what a tag can say, by name.
func Options() []Option {
	return []Option{
		{"lanes.order", "key, partition or none", func(m *Mapping, value string) error {
			m.Lanes.Order = Order(value)
			return oneOf(value, string(OrderKey), string(OrderPartition), string(OrderNone))
		}, func(m *Mapping) { m.Lanes.Order = "" }},
		{"lanes.perPartition", fmt.Sprintf("1 to %d", MaxLanes), func(m *Mapping, value string) error {
			return number(&m.Lanes.PerPartition, value, 1, MaxLanes)
		}, func(m *Mapping) { m.Lanes.PerPartition = 0 }},
		{"output.topic", "the topic that takes the function's answers", func(m *Mapping, value string) error {
			m.output(func(o *Output) { o.Topic = value })
			return nil
		}, func(m *Mapping) { m.output(func(o *Output) { o.Topic = "" }) }},
		{"output.transactional", "true or false", func(m *Mapping, value string) error {
			m.output(func(o *Output) { o.Transactional = value == "true" })
			return oneOf(value, "true", "false")
		}, func(m *Mapping) { m.output(func(o *Output) { o.Transactional = false }) }},
	}
}

// number and oneOf read the values of tags.
func number(to *int, value string, low, high int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return fmt.Errorf("%q is no number within %d..%d", value, low, high)
	}
	*to = n
	return nil
}

func oneOf(value string, values ...string) error {
	if !slices.Contains(values, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(values, ", "))
	}
	return nil
}

// IsOption says whether a tag's key is one that is kept for options, known or not.
func IsOption(key string) bool { return strings.HasPrefix(strings.ToLower(key), OptionPrefix) }

// UnknownOption is the fault of a tag whose key is kept for options and is none, or nil.
func UnknownOption(key string) error {
	if !IsOption(key) || slices.ContainsFunc(Options(), func(o Option) bool { return o.Key() == key }) {
		return nil
	}
	if key == FunctionsTag {
		return fmt.Errorf("%s is read-only: the functions of a mapping are declared in a file (functions:)", key)
	}
	var known []string
	for _, o := range Options() {
		known = append(known, o.Key())
	}
	return fmt.Errorf("%s is no option of gantry (keys that begin with %s are kept for its options: %s)",
		key, OptionPrefix, strings.Join(known, ", "))
}

// Retag gives a mapping other tags and makes true what its options say. An option whose
// tag goes is as if it had never been said; one that no tag said before or says now stays
// as it is. With faults, which are all named, m is not to be used.
func (m *Mapping) Retag(tags map[string]string) (faults []error) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if err := UnknownOption(key); err != nil {
			faults = append(faults, err)
		}
	}
	for _, o := range Options() {
		value, said := tags[o.Key()]
		if _, was := m.Tags[o.Key()]; was || said {
			o.clear(m)
		}
		if !said {
			continue
		}
		if err := o.set(m, value); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", o.Key(), err))
		}
	}
	m.Tags = tags
	if len(faults) > 0 {
		return faults
	}
	faults = m.Lanes.Faults()
	for _, err := range m.OutputFaults() {
		faults = append(faults, fmt.Errorf("%soutput: %w", OptionPrefix, err))
	}
	return faults
}

// SameOptions says whether two sets of tags say the same of a mapping.
func SameOptions(a, b map[string]string) bool {
	return !slices.ContainsFunc(Options(), func(o Option) bool {
		was, had := a[o.Key()]
		is, has := b[o.Key()]
		return had != has || was != is
	})
}
