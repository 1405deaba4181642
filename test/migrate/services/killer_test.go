package services_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/plan"
)

// place is where a line of a ledger says that a migration stands.
type place struct {
	step  plan.Step
	phase plan.Phase
}

func (p place) String() string { return fmt.Sprintf("%s %s", p.step, p.phase) }

// cutoverPlaces are the lines of a cutover in their order. What is cut before the stop has
// changed nothing, and is asked for anew.
func cutoverPlaces() []place {
	return placesOf(plan.StepPreflight, plan.StepPredict, plan.StepStop, plan.StepFence, plan.StepSettle, plan.StepTail,
		plan.StepHandover, plan.StepStart, plan.StepProve, plan.StepWatch)
}

// shadowPlaces are the lines that a shadow run begins with; the line that ends it comes when
// everything is done.
func shadowPlaces() []place { return placesOf(plan.StepShadow) }

func rollbackPlaces() []place {
	return placesOf(plan.StepHalt, plan.StepReturn, plan.StepUnfence, plan.StepRestart, plan.StepProve)
}

func placesOf(steps ...plan.Step) (all []place) {
	for _, s := range steps {
		all = append(all, place{s, plan.Intends}, place{s, plan.Did})
	}
	return all
}

// deaths are the places at which gantry is to be killed, and how long after their line is
// seen: at once is between two steps, later is within one.
type deaths map[place]time.Duration

// within is the longest that a death comes behind the line that a step begins with.
const within = 100 * time.Millisecond

func (d deaths) String() string { return fmt.Sprint(slices.Collect(maps.Keys(d))) }

// draw is what differs from run to run.
type draw struct{ *rand.Rand }

// drawn begins to draw; GANTRY_TEST_SEED draws the same again.
func drawn(t *testing.T) draw {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("GANTRY_TEST_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "GANTRY_TEST_SEED")
	}
	t.Logf("GANTRY_TEST_SEED=%d draws the same deaths again", seed)
	return draw{rand.New(rand.NewPCG(seed, 0))}
}

func (d draw) one(places []place) place { return places[d.IntN(len(places))] }

// deaths are at places: at once behind a step, a moment after the line that one begins with.
func (d draw) deaths(places ...place) deaths {
	all := deaths{}
	for _, p := range places {
		all[p] = 0
		if p.phase == plan.Intends {
			all[p] = time.Duration(d.Int64N(int64(within)))
		}
	}
	return all
}

// ledgerTopic is where gantry keeps ledgers.
const ledgerTopic = "gantry.ledger"

// followLedger gives the lines of a plan as they come into the ledger's topic, by Kafka alone.
func followLedger(t *testing.T, c *kafkatest.Cluster, name string) <-chan plan.Line {
	t.Helper()
	whole := map[string]map[int32]kgo.Offset{ledgerTopic: {0: kgo.NewOffset().AtStart()}}
	client := c.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond), kgo.ConsumePartitions(whole))
	ctx, cancel := context.WithCancel(context.Background())
	lines, ended := make(chan plan.Line, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				var line plan.Line
				if string(r.Key) != name {
					return
				}
				if err := json.Unmarshal(r.Value, &line); err != nil {
					t.Errorf("line at offset %d: %v", r.Offset, err)
				}
				lines <- line
			})
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return lines
}
