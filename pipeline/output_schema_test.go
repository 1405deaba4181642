package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/rig"
	"gantry/mapping"
	"gantry/pipeline/output"
)

// registry stands in for a schema registry that is away for some calls, and whose schema
// does not allow one value.
type registry struct {
	away    int
	forbids string
}

func (r *registry) Encode(_ context.Context, _, _ string, json []byte) ([]byte, error) {
	if r.away--; r.away >= 0 {
		return nil, errors.New("ask the registry for the schema: connection refused")
	}
	if string(json) == r.forbids {
		return nil, fmt.Errorf("%w: it is forbidden", output.ErrUnencodable)
	}
	return json, nil
}

// What schemas and their registry fail is counted: attempts that are repeated, and answers
// that are the function's fault.
func TestSchemaErrorsAreCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		registry             registry
		errors, writes, lost int64
	}{
		"nothing is wrong":        {registry{}, 0, 0, 0},
		"the registry is away":    {registry{away: 2}, 2, 2, 0},
		"a value that can't be":   {registry{forbids: `"0/1"`}, 3, 0, 3},
		"it is away, and then so": {registry{away: 1, forbids: `"0/1"`}, 4, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, m := writing(t, mapping.Output{Topic: "out"})
				m.RetryAttempts = 2
				r.Produce(produced(0, 3)...)
				p := r.Start(rig.Spec{Mapping: m, Answer: echo, Encode: &test.registry})
				time.Sleep(2 * time.Minute)
				c := p.Pipe.Counts()
				require.Equal(t, test.errors, c.SchemaErrors.Load())
				require.Equal(t, test.writes, c.WriteErrors.Load())
				require.Equal(t, test.lost, c.Dropped.Load())
				require.Equal(t, 3-test.lost, c.Written.Load())
				require.NoError(t, p.Stop())
				require.EqualValues(t, 3, r.Fake.Committed(rig.Group, rig.Topic)[0])
			})
		})
	}
}
