package engine

import (
	"context"
	"fmt"

	"gantry/kafka"
)

// Group is the consumer group of a mapping as its coordinator sees it.
func (e *Engine) Group(ctx context.Context, uuid string) (kafka.Group, error) {
	m, _, err := e.mappings.Get(ctx, uuid)
	if err != nil {
		return kafka.Group{}, fmt.Errorf("mapping %s: %w", uuid, err)
	}
	var group kafka.Group
	err = e.admin(ctx, m.Source, func(a *kafka.Admin) error {
		group, err = a.GroupState(ctx, m.GroupID)
		return err
	})
	if err != nil {
		return group, diagnosed(err)
	}
	return group, nil
}
