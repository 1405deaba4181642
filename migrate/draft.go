package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gantry/workload"
)

// Draft is what is known of a service before anybody plans its migration.
type Draft struct {
	Name      string
	Cluster   string
	Group     string
	Topics    []string
	Functions []string
	Outputs   []string
	Principal string
	Notes     []string // what else is known, for people
}

// DraftOf takes what an assessment knows of a service; without a group, of the one to begin
// with. What can't be moved to functions is an error that says why.
func DraftOf(a workload.Assessment, group string) (Draft, error) {
	if group == "" && a.First == nil {
		return Draft{}, errors.New("the assessment names no service to begin with: nothing can be moved; --group NAME plans one all the same")
	}
	if group == "" {
		group = a.First.Service
	}
	i := slices.IndexFunc(a.Services, func(s workload.Service) bool { return s.Group == group })
	if i < 0 {
		known := make([]string, len(a.Services))
		for i, s := range a.Services {
			known[i] = s.Group
		}
		slices.Sort(known)
		return Draft{}, fmt.Errorf("the assessment has no group %s; it has: %s", group, strings.Join(known, ", "))
	}
	s := a.Services[i]
	if s.Class != workload.Plain && s.Class != workload.Idle {
		return Draft{}, fmt.Errorf("group %s is a %s (%s) and can't be taken over by functions", group, s.Class, s.Why)
	}
	d := Draft{Cluster: a.Cluster, Group: group, Topics: s.Reads, Outputs: s.Facts.Writes.Value}
	note := func(format string, args ...any) { d.Notes = append(d.Notes, fmt.Sprintf(format, args...)) }
	note("from the assessment of %s: verdict %s, wave %d; %s, %d members, assignor %s", a.Made.Format(time.DateOnly), s.Verdict.Target, s.Wave, s.Type, s.Members, cmp.Or(s.Assignor, "not known"))
	if !s.Facts.Writes.Known() {
		note("what it writes is not known: name its output topics, or nothing can be compared")
	}
	if db := s.Facts.Database; db.Known() && db.Value != "none" {
		note("it has a database (%s): name it among the effects", db.Value)
	}
	if s.Facts.ExactlyOnce.Known() && s.Facts.ExactlyOnce.Value {
		note("it reads, processes and writes in transactions: batch: { transactional: true } keeps that")
	}
	if s.Facts.State.Known() && s.Facts.State.Value {
		note("it keeps state between records, and functions do not")
	}
	if s.Static {
		note("its members are static: a stop hook, or the fence, frees their places at once")
	}
	return d, nil
}

// With gives the draft with what somebody said of it, which wins.
func (d Draft) With(said Draft) Draft {
	d.Name, d.Principal = cmp.Or(said.Name, d.Name), cmp.Or(said.Principal, d.Principal)
	d.Cluster, d.Group = cmp.Or(said.Cluster, d.Cluster), cmp.Or(said.Group, d.Group)
	for _, list := range []struct{ of, by *[]string }{{&d.Topics, &said.Topics}, {&d.Functions, &said.Functions}, {&d.Outputs, &said.Outputs}} {
		if len(*list.by) > 0 {
			*list.of = *list.by
		}
	}
	return d
}

var noName = regexp.MustCompile(`[^a-z0-9]+`)

// YAML is a plan file to begin with: what is not known is left for people, and the file is
// refused until they have said it.
func (d Draft) YAML() string {
	name := d.Name
	if name == "" {
		name = strings.Trim(noName.ReplaceAllString(strings.ToLower(d.Group), "-"), "-")
	}
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# How one service moves to functions. gantry migrate check FILE reads it whole.")
	for _, n := range d.Notes {
		p("# %s", n)
	}
	p("name: %s", name)
	p("service:")
	p("  cluster: %s", d.Cluster)
	p("  group: %q", d.Group)
	p("  topics: [%s]", quoteAll(d.Topics))
	if d.Principal != "" {
		p("  principal: %q", d.Principal)
	} else {
		p("  # principal: User:order-service   # whom it logs in as; a strong or operator fence denies it the group")
	}
	p("  noPosition: none                  # its auto.offset.reset: earliest, latest, none")
	p("functions:                          # each gets the records its filters keep; none = all")
	if len(d.Functions) == 0 {
		p("  # - name: order-validate")
		p("  # - { name: order-price, filters: [{ value: { total: [{ numeric: [\">\", 100] }] } }] }")
	}
	for _, fn := range d.Functions {
		p("  - name: %s", fn)
	}
	p("batch: { size: 100, window: 500ms }")
	p("outputs:                            # topics the service writes and the functions are to write")
	if len(d.Outputs) == 0 {
		p("  []")
	}
	for _, topic := range d.Outputs {
		p("  - { topic: %s, pair: key }       # how outputs are paired in a comparison: key, header, value, source", topic)
	}
	p("# effects: everything else it changes. [] says that there is nothing, and has to be said.")
	p("# effects:")
	p("#   - { kind: database, name: order rows, target: \"db:5432\", shadow: override, environment: { DB_HOST: shadow-db }, allow: [\"shadow-db:5432\"] }")
	p("#   - { kind: http, name: mail, target: \"mail:25\", shadow: denied, enforcement: enforced }")
	p("# ignore:                           # differences that are none, each with its reason")
	p("#   - { path: updatedAt, why: the clock }   # of the JSON value, lines[*].id, header:NAME, key, partition")
	p("gates: { compared: 1000, different: 0.3%%, keys: 100, hoursOfWeek: 24, for: 24h }")
	p("guards: { unresolved: 60s, errors: 1%%, errorsOver: 200, lagFactor: 2, watch: 30m }")
	p("fence: %s                         # strong, operator (people type the lines), weak (no authorizer)", map[bool]string{true: "weak", false: "strong"}[d.Principal == ""])
	p("stop: { wait: 5m }                  # hook: [systemctl, stop, order-service], start: [systemctl, start, order-service]")
	p("handover: new                       # the old group stays as the way back; same: the functions read by its name")
	p("rollback: resume                    # resume behind what the functions did, or replay it")
	p("# approveBy: AKID…                  # key id of the second operator a cutover needs")
	return b.String()
}

func quoteAll(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(quoted, ", ")
}
