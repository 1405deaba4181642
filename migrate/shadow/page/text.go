package page

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gantry/figure"
	"gantry/plan"
)

const (
	mostLines  = 40
	mostWidth  = 110
	mostMissed = 6 // things that were not compared
	mostTopics = 6
	keptLines  = 4 // of differences, at the least
)

// Text writes a summary of 40 lines at most.
func Text(w io.Writer, s plan.Shadow) error {
	t := &lines{}
	_, kicker := tone(s)
	t.add("Shadow of %s: %s", s.Plan, lower(kicker))
	for _, line := range strings.Split(ansi.Wordwrap(verdict(s), mostWidth, ""), "\n") {
		t.add("%s", line)
	}
	if s.Running != "" {
		t.add("now: %s", s.Running)
	}
	t.gates(s.Gates)
	t.topics(s.Outputs)
	missed := notCompared(s.NotCompared)
	t.differences(s.Outputs, mostLines-len(t.all)-len(missed.all))
	t.all = append(t.all, missed.all...)
	_, err := io.WriteString(w, strings.Join(t.all[:min(len(t.all), mostLines)], "\n")+"\n")
	return err
}

// lines are cut where they are wider than a terminal.
type lines struct{ all []string }

func (l *lines) add(format string, args ...any) {
	line := strings.ReplaceAll(clean(fmt.Sprintf(format, args...)), "\n", " ")
	l.all = append(l.all, strings.TrimRight(ansi.Truncate(line, mostWidth, "…"), " "))
}

// clean takes out what a terminal would obey: keys and values come from topics.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return '·'
		}
		return r
	}, text)
}

func (l *lines) gates(all []plan.Gate) {
	for _, g := range all {
		state := "passed"
		if !g.Passed {
			state = "NOT YET"
		}
		l.add("  %-8s %-13s %s (want %s)", state, g.Name, g.Have, g.Want)
	}
}

func (l *lines) topics(all []plan.Compared) {
	for _, c := range all[:min(len(all), mostTopics)] {
		t := newTopic(c)
		var parts []string
		for _, s := range t.Segments {
			parts = append(parts, figure.Number(s.Count)+" "+s.Name)
		}
		for _, s := range t.Beside {
			name, _, _ := strings.Cut(s.Name, ":")
			parts = append(parts, figure.Number(s.Count)+" "+name)
		}
		if len(parts) == 0 {
			parts = []string{"nothing yet"}
		}
		l.add("%s: %s", c.Topic, strings.Join(parts, ", "))
	}
	if more := len(all) - mostTopics; more > 0 {
		l.add("… and %s", figure.Plural(more, "more topic", "more topics"))
	}
}

// notCompared is said last, where it is read.
func notCompared(all []plan.Uncovered) *lines {
	l := &lines{}
	for _, u := range all[:min(len(all), mostMissed)] {
		why := u.Why
		if u.NotEnforced {
			why += " (not enforced: the owner's word)"
		}
		l.add("  not compared: %s: %s", u.What, why)
	}
	if more := len(all) - mostMissed; more > 0 {
		l.add("  not compared: %d more", more)
	}
	return l
}

// differences shows a sample of each set, the most frequent first, as far as there is room.
func (l *lines) differences(all []plan.Compared, room int) {
	shown := &lines{}
	left := 0
	for _, c := range all {
		for _, d := range c.Differences {
			one := told(c, d)
			if len(shown.all)+len(one.all) > max(room-1, keptLines) {
				left++
				continue
			}
			shown.all = append(shown.all, one.all...)
		}
	}
	if left > 0 {
		shown.add("… and %s: see the page", figure.Plural(left, "more kind of difference", "more kinds of difference"))
	}
	l.all = append(l.all, shown.all...)
}

const mostFields = 3

func told(c plan.Compared, d plan.Difference) *lines {
	l := &lines{}
	l.add("%s: %s of %s: %s", c.Topic, outputs(d.Count), figure.Plural(d.Keys, "key", "keys"), lower(what(d)))
	if len(d.Samples) == 0 {
		return l
	}
	s := d.Samples[0]
	var where bytes.Buffer
	for _, p := range []*plan.Place{s.Old, s.New} {
		if p != nil {
			fmt.Fprintf(&where, "  %s/%d@%d", p.Topic, p.Partition, p.Offset)
		}
	}
	key := "no key"
	if s.Key != "" {
		key = "key " + ansi.Truncate(s.Key, 40, "…")
	}
	l.add("  %s%s", key, where.String())
	for _, line := range s.Lines[:min(len(s.Lines), mostFields)] {
		if line.Old != "" {
			l.add("  -%s: %s", line.Path, line.Old)
		}
		if line.New != "" {
			l.add("  +%s: %s", line.Path, line.New)
		}
	}
	return l
}

func lower(text string) string { return strings.ToLower(text[:1]) + text[1:] }
