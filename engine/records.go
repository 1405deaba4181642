package engine

import (
	"context"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

// Records reads records of a mapping's topic, as the mapping would: with its access and
// its isolation, but without its group. Nothing is committed.
func (e *Engine) Records(ctx context.Context, m mapping.Mapping, from kafka.Reading) ([]record.Record, error) {
	from.Uncommitted = m.ReadUncommitted
	var out []record.Record
	err := e.admin(ctx, m.Source, func(a *kafka.Admin) (err error) {
		out, err = a.Records(ctx, from)
		return err
	})
	return out, err
}
