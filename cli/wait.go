package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) waitCommand() *cobra.Command {
	var settled bool
	var timeout time.Duration
	c := &cobra.Command{
		Use: "wait MAPPING --settled", Short: "Wait until everything that is in the topic now is done",
		Long: `Wait --settled reads the end of each partition once, at its start, and returns when
every committed offset has reached it and nothing is in flight. Records written
meanwhile do not count. It exits with 1 when the timeout is over.`,
		Example: "  gantry wait orders-to-validate --settled --timeout 2m",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			if !settled {
				return usage(c, fmt.Errorf("say what to wait for: --settled"))
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			return a.waitSettled(ctx, words[0], timeout)
		},
	}
	c.Flags().BoolVar(&settled, "settled", false, "wait for committed offsets to reach the present end")
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "give up after this")
	return c
}

const waitEvery = 200 * time.Millisecond

func (a *app) waitSettled(ctx context.Context, id string, timeout time.Duration) error {
	var first, now offsets
	if err := a.do(ctx, call{method: "GET", path: mappingPath(id, "/offsets"), out: &first}); err != nil {
		return err
	}
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	last := int64(-1)
	for now = first; ; {
		missing := unsettled(first, now)
		if missing == 0 {
			return a.tell(map[string]any{"mapping": id, "settled": true}, "%s is settled", id)
		}
		if missing != last {
			fmt.Fprintf(a.Err, "%s to go\n", records(missing))
			last = missing
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %s not settled within %s; gantry describe mapping %s shows why", id, records(missing), timeout, id)
		}
		var next offsets
		switch err := a.do(ctx, call{method: "GET", path: mappingPath(id, "/offsets"), out: &next}); {
		case err == nil:
			now = next
		case ctx.Err() == nil:
			return err
		} // an answer that came too late says nothing: what was known stands
	}
}

// unsettled counts what is missing to the ends read first. Work in flight counts as one
// where nothing else is missing.
func unsettled(first, now offsets) (missing int64) {
	type key struct {
		topic     string
		partition int32
	}
	at := map[key]partitionLine{}
	for _, p := range now.Partitions {
		at[key{p.Topic, p.Partition}] = p
	}
	for _, f := range first.Partitions {
		p, known := at[key{f.Topic, f.Partition}]
		switch goal := max(f.End, 0); {
		case !known:
			missing += max(1, f.Lag)
		case max(p.Committed, p.Start) < goal:
			missing += goal - max(p.Committed, p.Start)
		case p.InFlight && p.Resume < goal:
			missing++
		}
	}
	return missing
}
