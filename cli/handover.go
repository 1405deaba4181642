package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/api/client"
	"gantry/migrate/handover"
)

// handOverFlags are to whom a group is handed over.
type handOverFlags struct {
	mapping  string
	endpoint string
	within   time.Duration
	dryRun   bool
	reason   string
}

func (a *app) handOverCommand() *cobra.Command {
	var f handOverFlags
	c := &cobra.Command{
		Use: "handover MAPPING --aws-mapping UUID --reason TEXT", Short: "Give a mapping's consumer group to an event source mapping in AWS",
		Long: `Handover lets the mapping in AWS go on exactly where this one stops: nothing is lost, and
what was committed here is not read there. The mapping in AWS has the same ConsumerGroupId
and is Disabled; gantry export writes it so.

It stops the mapping here, waits until the group has no member any more and its offsets
are at rest, enables AWS's mapping, and waits until AWS has joined and committed. If it has
not within --within of the stop, AWS's mapping is disabled again and the one here goes on.

Each step looks at the world first: where one broke off, the same command carries it on.
The running gantry does it, with its own road to AWS, and carries on when this command is
interrupted. Each change is in the audit log. It exits with 1 if the group was given back.`,
		Example: `  gantry export handover orders-to-validate --aws-mapping 4b6e6f1e-… --dry-run
  gantry export handover orders-to-validate --aws-mapping 4b6e6f1e-… --within 10m --reason "wave 2, CHG-118"`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			var errs []error
			if len(f.mapping) != 36 {
				errs = append(errs, errors.New("--aws-mapping: want the UUID of the mapping in AWS"))
			}
			if strings.TrimSpace(f.reason) == "" && !f.dryRun {
				errs = append(errs, errors.New("--reason: say why, it goes to the audit log"))
			}
			if err := errors.Join(errs...); err != nil {
				return usage(c, err)
			}
			return a.handOver(c, words[0], f)
		},
	}
	c.Flags().StringVar(&f.mapping, "aws-mapping", "", "UUID of the mapping in AWS")
	c.Flags().StringVar(&f.endpoint, "aws-endpoint", "", "URL of Lambda's API (default: as gantry is configured)")
	c.Flags().DurationVar(&f.within, "within", handover.DefaultWithin, "from the stop here until AWS has committed; then the group is given back")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "look at both sides and say what would be done; change nothing")
	c.Flags().StringVar(&f.reason, "reason", "", "why, for the audit log")
	return c
}

func (a *app) handOver(c *cobra.Command, id string, f handOverFlags) error {
	body, err := json.Marshal(map[string]any{
		"awsMapping": f.mapping, "awsEndpoint": f.endpoint, "within": f.within.String(), "dryRun": f.dryRun, "reason": f.reason,
	})
	if err != nil {
		return err
	}
	var last handover.Step
	err = a.streamOf(c, client.Request{Method: http.MethodPost, Path: mappingPath(id, "/handover"), Body: body}, func(line []byte) error {
		if err := json.Unmarshal(line, &last); err != nil {
			return fmt.Errorf("read a step: %w", err)
		}
		return each(a, line, func(s handover.Step) {
			fmt.Fprintf(a.Out, "%s  %-10s %-9s  %s\n", s.At.Format(time.TimeOnly), s.Result, s.Name, s.Detail)
		})
	})
	switch {
	case err != nil:
		return err
	case last.Result == handover.Done, last.Result == handover.Would:
		return nil
	case last.Result == handover.Failed, last.Result == handover.Given:
		return &exitError{1}
	}
	return errors.New("the hand-over goes on in gantry and nobody watches it: run the same command again, or see gantry's log")
}
