package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"gantry/cloud/places"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline/filter"
	"gantry/record"
)

// Case is a mapping with all that is known of it.
type Case struct {
	Mapping   mapping.Mapping
	Functions map[string]function.Function // by name; a mapping's may be missing
	Running   *mapping.Status              // nil = gantry does not run, or was not asked
	Standing  []string                     // partitions that do not get on, in words
}

// Mapping examines everything between a mapping's source and its function: the mapping
// itself, its function, its cluster with the permissions it needs, its group, its filters
// on records that are really there, and its destination.
func (d *Doctor) Mapping(ctx context.Context, c Case) Report {
	m := c.Mapping
	steps := []kafka.Step{d.state(c)}
	for _, name := range m.Names() {
		steps = append(steps, d.function(ctx, c, name)...)
	}
	needs := kafka.Needs(m)
	cluster := d.cluster(ctx, m.Source, needs)
	steps = append(steps, cluster...)
	if worked(cluster) {
		steps = append(steps, d.inside(ctx, m)...)
	}
	if needs := kafka.NeedsElsewhere(m); len(needs) > 0 {
		steps = append(steps, d.cluster(ctx, mapping.Source{Cluster: m.Output.Cluster}, needs)...)
	}
	name := m.Name
	if name == "" {
		name = m.UUID
	}
	return d.report("mapping "+name, append(steps, d.destination(ctx, m)...))
}

// destination reaches the place in AWS that dead letters go to, without writing there. A
// Kafka topic is one of the cluster's steps.
func (d *Doctor) destination(ctx context.Context, m mapping.Mapping) []kafka.Step {
	to, err := mapping.ParseDestination(m.OnFailure)
	if err != nil || to.ARN == "" || d.AWS == nil {
		return nil
	}
	client := places.Client{Config: d.AWS}
	s := timed(ctx, "reach the destination "+to.ARN, func(ctx context.Context) (string, error) {
		switch to.Kind {
		case mapping.ToQueue:
			n, err := places.Queue{Client: client, Name: to.Name, Region: to.Region, Account: to.Account, Partition: to.Partition}.Count(ctx)
			return fmt.Sprintf("the queue is there, with about %d messages", n), err
		case mapping.ToSNS:
			return "the topic is there", places.Notification{Client: client, ARN: to.ARN, Region: to.Region, Partition: to.Partition}.Look(ctx)
		}
		return "the bucket is there", places.Bucket{Client: client, Name: to.Name, Partition: to.Partition}.Look(ctx)
	})
	if s.Result == kafka.Failed {
		s.Try = "make it, or allow gantry to look at it: gantry iam " + nameOf(m) + " names the permissions; writing may work although looking is denied"
	}
	return []kafka.Step{s}
}

// worked says that the cluster can be asked more.
func worked(steps []kafka.Step) bool {
	for _, s := range steps {
		if strings.HasPrefix(s.What, "look at topic") && s.Result == kafka.Passed {
			return true
		}
	}
	return false
}

// state is the mapping as it was declared and is observed.
func (d *Doctor) state(c Case) kafka.Step {
	m := c.Mapping
	s := kafka.Step{What: "the mapping", Result: kafka.Passed}
	s.Detail = fmt.Sprintf("topic %s, group %s, %s", list(m.Source.Topics), m.GroupID, functionsOf(m))
	switch {
	case m.Deleting:
		s.Result, s.Detail = kafka.Warning, s.Detail+"; it is being deleted"
	case !m.Enabled:
		s.Result, s.Detail, s.Try = kafka.Warning, s.Detail+"; it is paused", "gantry resume "+nameOf(m)
	case c.Running == nil:
		s.Detail += "; whether it runs was not asked"
	case c.Running.State != mapping.Enabled || strings.HasPrefix(c.Running.ProcessingResult, "PROBLEM"):
		s.Result, s.Detail = kafka.Failed, fmt.Sprintf("%s; %s, %s %s", s.Detail, c.Running.State, c.Running.ProcessingResult, c.Running.Detail)
		s.Try = "see the steps below, and gantry status"
	default:
		s.Detail += fmt.Sprintf("; %s, last result: %s", c.Running.State, c.Running.ProcessingResult)
	}
	if len(c.Standing) > 0 {
		s.Result, s.Try = kafka.Failed, "gantry status names each, and what to type"
		s.Detail += "; not getting on: " + strings.Join(c.Standing, "; ")
	}
	return s
}

func nameOf(m mapping.Mapping) string {
	if m.Name != "" {
		return m.Name
	}
	return m.UUID
}

// functionsOf names the functions of a mapping.
func functionsOf(m mapping.Mapping) string {
	if m.Several() {
		return "functions " + list(m.Names())
	}
	return "function " + m.Functions[0].Function
}

// function looks at a function of the mapping, by what it is. None is run.
func (d *Doctor) function(ctx context.Context, c Case, name string) []kafka.Step {
	fn, ok := c.Functions[name]
	if !ok {
		return []kafka.Step{{
			What: "the function " + name, Result: kafka.Failed, Detail: "there is no such function",
			Try: "declare it in functions:, or make it with aws lambda create-function",
		}}
	}
	switch fn.Kind {
	case function.Lambda:
		return d.aws(ctx, []function.Function{fn})
	case function.HTTP:
		return []kafka.Step{d.connect(ctx, fn)}
	case function.Process:
		return d.process(ctx, fn)
	}
	return []kafka.Step{{What: "the function " + name, Result: kafka.Passed, Detail: "runs inside of gantry"}}
}

// connect reaches the server of a function without asking it anything.
func (d *Doctor) connect(ctx context.Context, fn function.Function) kafka.Step {
	s := timed(ctx, "reach the function "+fn.Name, func(ctx context.Context) (string, error) {
		u, err := url.Parse(fn.URL)
		if err != nil {
			return "", err
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		dial := kafka.Dialer((&net.Dialer{}).DialContext)
		if d.Dial != nil && len(fn.Networks) > 0 {
			if dial, err = d.Dial(fn.Networks); err != nil {
				return "", err
			}
		}
		conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
		if err != nil {
			return "", err
		}
		_ = conn.Close()
		return "something listens at " + u.Redacted(), nil
	})
	if s.Result == kafka.Failed {
		s.Try = "start what serves the function, or correct its url"
	}
	return s
}

// process gets the function ready and starts nothing of it.
func (d *Doctor) process(ctx context.Context, fn function.Function) []kafka.Step {
	if d.Prepare == nil {
		return nil
	}
	s := timed(ctx, "get the function "+fn.Name+" ready, without starting it", func(ctx context.Context) (string, error) {
		return "its package is there, and what runs " + fn.Runtime, d.Prepare(ctx, fn)
	})
	if s.Result == kafka.Failed {
		s.Try = "see gantry describe function " + fn.Name + ", and interpreters: of the configuration file"
	}
	return []kafka.Step{s}
}

// inside asks the cluster about the group, and tries the filters on what is there.
func (d *Doctor) inside(ctx context.Context, m mapping.Mapping) []kafka.Step {
	c, err := d.Sources.Resolve(ctx, m.Source)
	if err != nil {
		return nil // said already
	}
	a, err := kafka.Open(c)
	if err != nil {
		return nil
	}
	defer a.Close()
	steps := []kafka.Step{groupStep(ctx, a, m)}
	for _, c := range m.Functions {
		if len(c.Filters) > 0 {
			steps = append(steps, filterStep(ctx, a, m, c))
		}
	}
	return append(steps, limitsStep(m))
}

func groupStep(ctx context.Context, a *kafka.Admin, m mapping.Mapping) kafka.Step {
	s := timed(ctx, "the group "+m.GroupID, func(ctx context.Context) (string, error) {
		g, err := a.GroupState(ctx, m.GroupID)
		if err != nil {
			return "", err
		}
		committed, err := a.Committed(ctx, m.GroupID)
		if err != nil {
			return "", err
		}
		var sum place
		for _, topic := range m.Source.Topics {
			start, end, err := a.Bounds(ctx, topic, m.ReadUncommitted)
			if err != nil {
				return "", err
			}
			sum.add(topic, committed[topic], start, end)
		}
		if len(sum.behind) > 0 {
			return "", fmt.Errorf("records were removed before they were read, in %s", list(sum.behind))
		}
		if !g.Exists {
			return "it has neither members nor commits yet", nil
		}
		return fmt.Sprintf("%s, %s, %d members, commits for %d of %d partitions, lag %d", g.Type, g.State, len(g.Members), sum.committed, sum.partitions, sum.lag), nil
	})
	if s.Result == kafka.Failed {
		s.Try = "gantry offsets show " + nameOf(m) + ", gantry offsets accept-loss " + nameOf(m)
		if d := kafka.Diagnose(errors.New(s.Detail)); d.Reason != "" {
			s.Try = d.Try
		}
	}
	return s
}

// place is where a group stands in its topics.
type place struct {
	partitions, committed int
	lag                   int64
	behind                []string // partitions whose log begins behind the group's position
}

func (s *place) add(topic string, committed map[int32]record.Offset, start, end map[int32]int64) {
	s.partitions += len(end)
	for _, p := range slices.Sorted(maps.Keys(end)) {
		at, ok := committed[p]
		if !ok {
			continue
		}
		s.committed++
		s.lag += max(0, end[p]-max(at.At, start[p]))
		if at.At < start[p] {
			s.behind = append(s.behind, fmt.Sprintf("%s-%d", topic, p))
		}
	}
}

// tried is how many records the filters are tried on.
const tried = 20

// filterStep says what the filters keep of the newest records of a partition of each topic
// that has some. Nothing of the records is shown.
func filterStep(ctx context.Context, a *kafka.Admin, m mapping.Mapping, c mapping.Consumer) kafka.Step {
	what := "the filters"
	if m.Several() {
		what += " of " + c.Function
	}
	kept := 0
	var found []string
	s := timed(ctx, what, func(ctx context.Context) (string, error) {
		keep, err := filter.CompileAll(c.Filters)
		if err != nil {
			return "", err
		}
		for _, topic := range m.Source.Topics {
			of, records, err := newest(ctx, a, m, topic)
			if err != nil {
				return "", err
			}
			n := 0
			for i := range records {
				if keep.Keep(&records[i]) {
					n++
				}
			}
			if kept += n; len(records) > 0 {
				found = append(found, fmt.Sprintf("%d of the newest %d records of %s", n, len(records), of))
			}
		}
		if len(found) == 0 {
			return "they can be read; there is no record to try them on", nil
		}
		return "they keep " + list(found), nil
	})
	switch {
	case s.Result == kafka.Failed:
		s.Try = "gantry filter -p PATTERN tries a pattern"
	case len(found) > 0 && kept == 0:
		s.Result, s.Try = kafka.Warning, "a filter that keeps nothing looks like a mapping that does nothing: try it with gantry filter -p PATTERN"
	}
	return s
}

// newest reads the newest records of a partition of a topic, the first that has some.
func newest(ctx context.Context, a *kafka.Admin, m mapping.Mapping, topic string) (of string, records []record.Record, err error) {
	start, end, err := a.Bounds(ctx, topic, m.ReadUncommitted)
	if err != nil {
		return "", nil, err
	}
	for _, p := range slices.Sorted(maps.Keys(end)) {
		from := max(start[p], end[p]-tried)
		if from == end[p] {
			continue
		}
		records, err := a.Records(ctx, kafka.Reading{Topic: topic, Partition: p, Offset: from, Count: tried, Uncommitted: m.ReadUncommitted})
		return fmt.Sprintf("%s-%d", topic, p), records, err
	}
	return topic, nil, nil
}

// limitsStep warns of controls that let one record hold a partition for ever.
func limitsStep(m mapping.Mapping) kafka.Step {
	s := kafka.Step{What: "what becomes of a record that fails", Result: kafka.Passed}
	switch {
	case m.OnFailure != "":
		s.Detail = fmt.Sprintf("after %d retries it goes to %s", m.Attempts(), m.OnFailure)
	case m.RetryAttempts >= 0:
		s.Detail = fmt.Sprintf("after %d retries it is given up, and nothing keeps it", m.RetryAttempts)
	case m.RecordAge >= 0:
		s.Detail = fmt.Sprintf("it is tried until it is %s old, then given up", m.RecordAge.Round(time.Second))
	default:
		s.Detail = "it is tried for ever, and its partition stands: gantry status shows it, gantry skip ends it"
	}
	return s
}
