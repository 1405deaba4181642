package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// Read gives the lines of a plan without taking the ledger over, whole and checked. A topic
// or a plan that is not there gives none.
func Read(ctx context.Context, cluster kafka.Cluster, topic, name string) ([]plan.Line, error) {
	admin, err := kafka.Open(cluster)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	lines, err := read(ctx, admin, topic, name)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return nil, nil
	}
	return lines, err
}

// Plans gives the names of the plans that a topic holds ledgers of.
func Plans(ctx context.Context, cluster kafka.Cluster, topic string) ([]string, error) {
	admin, err := kafka.Open(cluster)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	names := map[string]bool{}
	err = scan(ctx, admin, topic, func(r record.Record) error {
		names[string(r.Key)] = true
		return nil
	})
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return nil, nil
	}
	return slices.Sorted(maps.Keys(names)), err
}

func read(ctx context.Context, admin *kafka.Admin, topic, name string) ([]plan.Line, error) {
	var lines []plan.Line
	err := scan(ctx, admin, topic, func(r record.Record) error {
		if string(r.Key) != name {
			return nil
		}
		line, err := sealed{slices.Clone(r.Value), header(r, hashHeader)}.open()
		if err != nil {
			return fmt.Errorf("%s at offset %d: %w", topic, r.Offset, err)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lines, Verify(lines)
}

func scan(ctx context.Context, admin *kafka.Admin, topic string, each func(record.Record) error) error {
	start, end, err := admin.Bounds(ctx, topic, false)
	if err != nil {
		return err
	}
	if start[0] > 0 {
		return fmt.Errorf("%w: topic %s begins at offset %d: retention or an operator removed lines", ErrBroken, topic, start[0])
	}
	return admin.Scan(ctx, kafka.Scanning{Topic: topic, From: 0, To: end[0]}, each)
}

func header(r record.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
