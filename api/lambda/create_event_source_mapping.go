package lambda

import (
	"context"
	"errors"
	"time"

	"gantry/mapping"
	"gantry/store"
)

type createMappingInput struct {
	mappingSource
	mappingOptions
	FunctionName              *string           `json:"FunctionName"`
	StartingPosition          *string           `json:"StartingPosition"`
	StartingPositionTimestamp *epoch            `json:"StartingPositionTimestamp"`
	Tags                      map[string]string `json:"Tags"`

	consumer functionRef
}

func (in *createMappingInput) check(ctx context.Context, s *Server, f *faults) error {
	s.sourceFaults(&in.mappingSource, in.SourceAccessConfigurations, f)
	s.optionFaults(&in.mappingOptions, f)
	s.startFaults(in, f)
	tagFaults(in.Tags, f)
	optionTagFaults(in.Tags, f)
	if d := in.DestinationConfig; d != nil && in.Topics != nil {
		loopFaults(d.onFailure(), *in.Topics, f)
	}
	if in.FunctionName == nil {
		f.missing("functionName")
		return nil
	}
	in.consumer = s.functionNamed(*in.FunctionName, f)
	return s.consumerFaults(ctx, in.consumer, f)
}

func (s *Server) startFaults(in *createMappingInput, f *faults) {
	f.text("startingPosition", in.StartingPosition, oneOf("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"))
	switch at := in.StartingPositionTimestamp; {
	case in.StartingPosition == nil:
		f.refuse("StartingPosition is required for a Kafka event source: TRIM_HORIZON, LATEST or AT_TIMESTAMP")
	case *in.StartingPosition == string(mapping.AtTimestamp) && at == nil:
		f.refuse("StartingPositionTimestamp is required with StartingPosition AT_TIMESTAMP")
	case at == nil:
	case *in.StartingPosition != string(mapping.AtTimestamp):
		f.refuse("StartingPositionTimestamp is only for StartingPosition AT_TIMESTAMP, not %s", shorten(*in.StartingPosition))
	case time.Time(*at).After(s.cfg.Now()):
		f.refuse("StartingPositionTimestamp: %s lies in the future", time.Time(*at).Format(time.RFC3339))
	}
}

// loopFaults refuses a destination that would feed the mapping its own failures.
func loopFaults(onFailure string, topics []string, f *faults) {
	for _, topic := range topics {
		if onFailure == "kafka://"+topic {
			f.refuse("DestinationConfig.OnFailure.Destination: %s is the topic the mapping reads", onFailure)
		}
	}
}

// createEventSourceMapping stores a mapping once its cluster has said where each
// partition begins. The comparison with the other mappings comes before, so that a
// duplicate costs no connection, and again under the lock that the write is made in.
func (s *Server) createEventSourceMapping(ctx context.Context, in *createMappingInput) (accepted[*mappingShape], error) {
	const operation = "CreateEventSourceMapping"
	m := s.newMapping(in)
	if err := s.conflicts(ctx, m); err != nil {
		return accepted[*mappingShape]{}, err
	}
	if err := s.resolve(ctx, m); err != nil {
		return accepted[*mappingShape]{}, err
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	if err := s.conflicts(ctx, m); err != nil {
		return accepted[*mappingShape]{}, err
	}
	version, err := s.mappings().Put(ctx, store.Item[mapping.Mapping]{ID: m.UUID, Value: *m}, s.write(ctx, operation))
	if err != nil {
		return accepted[*mappingShape]{}, err
	}
	s.audit(ctx, changed{operation: operation, kind: store.Mappings, id: m.UUID, after: *m})
	return accepted[*mappingShape]{s.shapeOf(m, mapping.Status{State: untaken(m.Enabled, version)})}, nil
}

func (s *Server) newMapping(in *createMappingInput) *mapping.Mapping {
	m := &mapping.Mapping{
		UUID: s.cfg.NewID(), Source: s.source(&in.mappingSource), Enabled: true,
		Functions: []mapping.Consumer{{Function: in.consumer.name, Qualifier: in.consumer.qualifier}},
		GroupID:   in.groupID(), Start: mapping.Start(*in.StartingPosition),
		BatchSize: mapping.DefaultBatchSize, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless,
		LastModified: s.cfg.Now(),
	}
	m.Retag(in.Tags) // without a fault: check has done the same
	if m.GroupID == "" {
		m.GroupID = m.UUID
	}
	if at := in.StartingPositionTimestamp; at != nil {
		m.StartTime = time.Time(*at)
	}
	in.putInto(m)
	return m
}

// resolve asks the cluster where the mapping begins. A cluster that can't be reached or
// refuses fails the creation: its answer would be the mapping's first problem anyway,
// and positions resolved later would skip what was produced meanwhile.
func (s *Server) resolve(ctx context.Context, m *mapping.Mapping) error {
	within, cancel := context.WithTimeout(ctx, s.cfg.ResolveTimeout)
	defer cancel()
	err := s.cfg.Engine.Resolve(within, m)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return invalid("The event source did not answer within %s: %v. Nothing was created; check the brokers' addresses and the network path.",
			s.cfg.ResolveTimeout, err)
	}
	return invalid("%v", err)
}
