package main

import (
	"bufio"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"time"
)

// event is one line of go test -json (go doc test2json, go help buildjson).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	Test       string
	Elapsed    float64
	Output     string
}

// collector turns events into results, and tells a listener about each package that ended.
type collector struct {
	results map[ID]Result
	output  map[ID]*strings.Builder
	builds  map[string]*strings.Builder
	ended   func(pkg, action string, took time.Duration, failed []string)
}

func newCollector(ended func(pkg, action string, took time.Duration, failed []string)) *collector {
	return &collector{
		results: map[ID]Result{}, output: map[ID]*strings.Builder{},
		builds: map[string]*strings.Builder{}, ended: ended,
	}
}

// read takes events until the stream ends. A line that is no event is an output of the
// go command itself, given to other.
func (c *collector) read(stream io.Reader, other func(line string)) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				c.take(e)
			} else {
				other(strings.TrimRight(line, "\n"))
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *collector) take(e event) {
	id := ID{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		// "pkg [pkg.test]" is pkg built for its test.
		path, _, _ := strings.Cut(e.ImportPath, " ")
		add(c.builds, path, e.Output)
	case "output":
		if !strings.HasPrefix(e.Output, "=== PAUSE") && !strings.HasPrefix(e.Output, "=== CONT") {
			add(c.output, id, e.Output)
		}
	case "pass", "fail", "skip":
		c.results[id] = c.result(id, e.Action)
		if e.Test == "" {
			c.packageEnded(e)
		} else if e.Action == "pass" {
			delete(c.output, id)
		}
	}
}

func (c *collector) result(id ID, action string) Result {
	r := Result{Action: action}
	switch out := text(c.output, id); action {
	case "skip":
		r.Why = reason(out)
	case "fail":
		r.Output = out
		if id.Test == "" {
			r.Output = text(c.builds, id.Package) + c.unfinished(id.Package) + out
		}
	}
	return r
}

// unfinished gives what the tests said that were running when their process died.
func (c *collector) unfinished(pkg string) string {
	var all strings.Builder
	for id, said := range c.output {
		if _, ended := c.results[id]; id.Package == pkg && id.Test != "" && !ended {
			all.WriteString(said.String())
		}
	}
	return all.String()
}

func (c *collector) packageEnded(e event) {
	own := map[ID]Result{}
	for id, r := range c.results {
		if id.Package == e.Package {
			own[id] = r
		}
	}
	var failed []string
	for _, id := range leaves(own) {
		if own[id].Action == "fail" && id.Test != "" {
			failed = append(failed, id.Test)
		}
	}
	c.ended(e.Package, e.Action, time.Duration(e.Elapsed*float64(time.Second)), failed)
}

// spoken is a line that a test logged: its place, then what it said.
var spoken = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (.*)$`)

// reason gives what a test said when it skipped itself: its last words.
func reason(output string) string {
	said := spoken.FindAllStringSubmatch(output, -1)
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.TrimSpace(said[len(said)-1][1])
}

func add[K comparable](m map[K]*strings.Builder, key K, s string) {
	b := m[key]
	if b == nil {
		b = &strings.Builder{}
		m[key] = b
	}
	b.WriteString(s)
}

func text[K comparable](m map[K]*strings.Builder, key K) string {
	if b := m[key]; b != nil {
		return b.String()
	}
	return ""
}
