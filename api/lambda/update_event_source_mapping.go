package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"gantry/mapping"
	"gantry/store"
)

type updateMappingInput struct {
	oneMapping
	mappingOptions
	FunctionName                        *string            `json:"FunctionName"`
	SelfManagedKafkaEventSourceConfig   *kafkaSourceConfig `json:"SelfManagedKafkaEventSourceConfig"`
	AmazonManagedKafkaEventSourceConfig *kafkaSourceConfig `json:"AmazonManagedKafkaEventSourceConfig"`
	fixedMembers

	consumer functionRef
}

// fixedMembers are not in AWS's shape of an update, so no SDK sends them. A request that
// does would believe that it moved the mapping: it is refused.
type fixedMembers struct {
	EventSourceArn            json.RawMessage `json:"EventSourceArn"`
	SelfManagedEventSource    json.RawMessage `json:"SelfManagedEventSource"`
	Topics                    json.RawMessage `json:"Topics"`
	StartingPosition          json.RawMessage `json:"StartingPosition"`
	StartingPositionTimestamp json.RawMessage `json:"StartingPositionTimestamp"`
	Tags                      json.RawMessage `json:"Tags"`
}

func (in *updateMappingInput) read(r *http.Request) { in.oneMapping.read(r) }

func (in *updateMappingInput) check(ctx context.Context, s *Server, f *faults) error {
	if err := in.oneMapping.check(ctx, s, f); err != nil || in.version == 0 {
		return err
	}
	s.optionFaults(&in.mappingOptions, f)
	in.fixedMembers.faults(f)
	in.groupFaults(f)
	in.sourceFaults(s, f)
	in.severalFaults(f)
	if in.FunctionName == nil || in.current.Several() {
		return nil
	}
	in.consumer = s.functionNamed(*in.FunctionName, f)
	return s.consumerFaults(ctx, in.consumer, f)
}

func (m *fixedMembers) faults(f *faults) {
	for _, fixed := range []struct {
		name  string
		value json.RawMessage
	}{
		{"EventSourceArn", m.EventSourceArn}, {"SelfManagedEventSource", m.SelfManagedEventSource},
		{"Topics", m.Topics}, {"StartingPosition", m.StartingPosition},
		{"StartingPositionTimestamp", m.StartingPositionTimestamp},
	} {
		if fixed.value != nil && string(fixed.value) != "null" {
			f.refuse("%s can not be changed after creation; create another mapping", fixed.name)
		}
	}
	if m.Tags != nil && string(m.Tags) != "null" {
		f.refuse("Tags are changed by TagResource and UntagResource")
	}
}

// severalFaults refuses what can only be said of one function.
func (in *updateMappingInput) severalFaults(f *faults) {
	if !in.current.Several() {
		return
	}
	const several = "%s: this mapping has %d functions (%s), each with filters of its own; change functions: in the file that declares it"
	names := strings.Join(in.current.Names(), ", ")
	if in.FunctionName != nil {
		f.refuse(several, "FunctionName", len(in.current.Functions), names)
	}
	if in.FilterCriteria != nil {
		f.refuse(several, "FilterCriteria", len(in.current.Functions), names)
	}
}

func (in *updateMappingInput) groupFaults(f *faults) {
	for _, c := range []*kafkaSourceConfig{in.SelfManagedKafkaEventSourceConfig, in.AmazonManagedKafkaEventSourceConfig} {
		if c.named() && *c.ConsumerGroupID != in.current.GroupID {
			f.refuse("ConsumerGroupId can not be changed after creation: it is %s", in.current.GroupID)
		}
	}
}

// sourceFaults checks what was given against the source the mapping has.
func (in *updateMappingInput) sourceFaults(s *Server, f *faults) {
	if d := in.DestinationConfig; d != nil {
		loopFaults(d.onFailure(), in.current.Source.Topics, f)
	}
	source := in.current.Source
	if in.SourceAccessConfigurations != nil && source.ARN == "" && source.Cluster == "" && !source.AllowPlaintext {
		s.plaintextFaults(source, in.SourceAccessConfigurations, f)
	}
}

// updateEventSourceMapping stores what was given over what is there; the engine moves
// what runs without leaving the consumer group.
func (s *Server) updateEventSourceMapping(ctx context.Context, in *updateMappingInput) (accepted[*mappingShape], error) {
	const operation = "UpdateEventSourceMapping"
	status := s.statusOf(&in.current, in.version)
	next := in.edited(s)
	to := stateAfter(in.current.Enabled, next.Enabled)
	if err := mayMove(in.uuid, status.State, to); err != nil {
		return accepted[*mappingShape]{}, err
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	if err := s.conflicts(ctx, &next); err != nil {
		return accepted[*mappingShape]{}, err
	}
	item := store.Item[mapping.Mapping]{ID: in.uuid, Version: in.version, Value: next}
	if _, err := s.mappings().Put(ctx, item, s.write(ctx, operation)); err != nil {
		return accepted[*mappingShape]{}, err
	}
	s.audit(ctx, changed{operation: operation, kind: store.Mappings, id: in.uuid, before: in.current, after: next})
	status.State = to
	return accepted[*mappingShape]{s.shapeOf(&next, status)}, nil
}

// edited is the mapping as the request wants it; the current one stays untouched.
func (in *updateMappingInput) edited(s *Server) mapping.Mapping {
	next := in.current
	next.Functions = slices.Clone(in.current.Functions)
	if in.FunctionName != nil && len(next.Functions) > 0 {
		next.Functions[0].Function, next.Functions[0].Qualifier = in.consumer.name, in.consumer.qualifier
	}
	in.putInto(&next)
	next.LastModified = s.cfg.Now()
	return next
}

func stateAfter(was, is bool) mapping.State {
	switch {
	case is && !was:
		return mapping.Enabling
	case was && !is:
		return mapping.Disabling
	}
	return mapping.Updating
}
