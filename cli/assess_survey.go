package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate/assess/collect"
	"gantry/workload"
)

// collect asks the cluster: first what asking it takes, then, if nobody objects, all of it.
// What it says meanwhile goes to the error stream, as the result may go into a file.
func (a *app) collect(ctx context.Context, f assessFlags) (workload.Survey, error) {
	l, err := a.local(ctx, f.config)
	if err != nil {
		return workload.Survey{}, err
	}
	s, err := a.collectFrom(ctx, l, f)
	return s, errors.Join(err, l.Close())
}

func (a *app) collectFrom(ctx context.Context, l *Local, f assessFlags) (workload.Survey, error) {
	if _, ok := l.File.Clusters[f.cluster]; !ok {
		return workload.Survey{}, fmt.Errorf("%s: clusters: has no %q", f.config, f.cluster)
	}
	cluster, err := l.Source(ctx, mapping.Source{Cluster: f.cluster})
	if err != nil {
		return workload.Survey{}, fmt.Errorf("reach cluster %s: %w", f.cluster, err)
	}
	o := collect.Options{
		Name: f.cluster, Quick: f.quick, ShowKeys: f.showKeys, LeaveOutTopics: f.leaveTopics, LeaveOutGroups: f.leaveGroups,
	}
	if f.watch > 0 {
		o.WatchFor = &f.watch
	}
	if !f.quick {
		o.Buckets = f.days * 24
	}
	if err := a.consent(ctx, cluster, o, f); err != nil {
		return workload.Survey{}, err
	}
	p := &progress{out: a.Err, drawn: isTerminal(a.Err)}
	o.Progress = p.show
	s, err := collect.Run(ctx, cluster, o)
	p.end()
	if err == nil {
		fmt.Fprintf(a.Err, "asked %d requests in %s\n", sumOf(s.Requests), s.Ended.Sub(s.Began).Round(time.Second))
	}
	return s, err
}

func sumOf(requests map[string]int) (sum int) {
	for _, n := range requests {
		sum += n
	}
	return sum
}

// errDeclined ends a survey that somebody did not want.
var errDeclined = errors.New("the cluster was asked nothing more")

// consent says what will be asked, and where a person is there waits for the word.
func (a *app) consent(ctx context.Context, cluster kafka.Cluster, o collect.Options, f assessFlags) error {
	forecast, err := collect.Estimate(ctx, cluster, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "%s: %s\nnothing is changed: no group is joined, nothing is committed\n", f.cluster, forecast)
	if f.yes || !isTerminal(a.In) {
		return nil
	}
	fmt.Fprint(a.Err, "go on? [y/N] ")
	return answered(ctx, a.In)
}

// answered waits for a line or for Ctrl-C. A terminal can't be read with an end in sight, so
// after Ctrl-C the reader is left to the end of the process, which follows.
func answered(ctx context.Context, in io.Reader) error {
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case l := <-read:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return fmt.Errorf("read the answer: %w", l.err)
		}
		if word := strings.ToLower(strings.TrimSpace(l.text)); word != "y" && word != "yes" {
			return errDeclined
		}
		return nil
	}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// progress shows how far a survey is: a bar on a terminal, else a line for each step.
type progress struct {
	out   io.Writer
	drawn bool
	step  string
	wrote bool
}

const barCells = 30

// show is called by one goroutine at a time.
func (p *progress) show(now collect.Progress) {
	if !p.drawn {
		if now.Step != p.step {
			fmt.Fprintln(p.out, now.Step)
		}
		p.step = now.Step
		return
	}
	p.wrote = true
	fmt.Fprintf(p.out, "\r\x1b[K%s %s", bar(now.Done, now.Total), now.Step)
	if now.Total > 0 {
		fmt.Fprintf(p.out, " %d of %d", now.Done, now.Total)
	}
}

func bar(done, total int) string {
	filled := 0
	if total > 0 {
		filled = min(barCells, done*barCells/total)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", barCells-filled)
}

func (p *progress) end() {
	if p.wrote {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
