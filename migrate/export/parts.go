package export

import (
	"time"

	"gantry/function"
	"gantry/mapping"
)

// notes are comments by the property they stand before; "" is the resource itself. The
// properties have CloudFormation's names, in Terraform too.
type notes map[string][]string

func (n notes) add(place, text string) { n[place] = append(n[place], text) }

// variable is one environment variable.
type variable struct {
	name  string
	value value
}

// functionPart is a function that the template makes.
type functionPart struct {
	id     string // in kebab case
	fn     function.Function
	of     string // runtime
	run    string // handler
	env    []variable
	within time.Duration
	zip    string
	role   value // the ARN
	notes  notes
}

// grantPart is one statement of a policy.
type grantPart struct {
	sid       string
	actions   []string
	resources []value
}

// rolePart is a role that the template makes, or what it adds to one there is.
type rolePart struct {
	id     string
	of     string // the function
	own    bool   // it is made; else there is one of this name
	there  value  // the name of the one there is
	grants []grantPart
	notes  notes
}

// accessPart is one SourceAccessConfiguration. A uri without kind and text has none.
type accessPart struct {
	kind string
	uri  *value
}

// sourcePart is an event source mapping.
type sourcePart struct {
	id        string
	m         mapping.Mapping
	filters   []string
	group     string
	function  value // name or ARN
	waits     []string
	arn       string // of an MSK cluster; "" = self-managed
	bootstrap []string
	access    []accessPart
	pollers   *mapping.Pollers
	notes     notes
}

// at is the starting position's time, as CloudFormation and the API count it.
func (s sourcePart) at() float64 {
	return float64(s.m.StartTime.UnixMilli()) / 1000
}
