package migrate

import (
	"fmt"
	"regexp"
	"strings"
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
