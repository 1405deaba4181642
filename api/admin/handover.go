package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"time"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate/handover"
	"gantry/store"
)

// handOverOrder asks for a hand-over to a mapping in AWS.
type handOverOrder struct {
	AWSMapping  string `json:"awsMapping"`  // UUID
	AWSEndpoint string `json:"awsEndpoint"` // of Lambda's API; "" = as gantry is configured
	Within      string `json:"within"`      // a duration; "" = five minutes
	DryRun      bool   `json:"dryRun"`
	Reason      string `json:"reason"`
}

// handovers holds which mappings are being handed over: one hand-over at a time for each.
type handovers struct {
	mu    sync.Mutex
	going map[string]bool
}

func (h *handovers) begin(uuid string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.going == nil {
		h.going = map[string]bool{}
	}
	was := h.going[uuid]
	h.going[uuid] = true
	return !was
}

func (h *handovers) end(uuid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.going, uuid)
}

func (s *Server) handOver() endpoint {
	e := stream(s, s.openHandOver)
	e.in = reflect.TypeFor[handOverOrder]()
	return e
}

// openHandOver begins a hand-over. It goes on when the caller is gone, because half of one
// is worse than either end; the request ends with it, and it with gantry.
func (s *Server) openHandOver(r *http.Request) (following[handover.Step], error) {
	none := following[handover.Step]{}
	var in handOverOrder
	if err := decode(r.Body, &in); err != nil {
		return none, badInput(fmt.Sprintf("the body can't be read: %v", err))
	}
	m, err := s.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return none, err
	}
	cfg, err := s.handOverOf(r.Context(), m, in)
	if err != nil {
		return none, err
	}
	if !s.handovers.begin(m.UUID) {
		return none, &apiError{http.StatusConflict, "ResourceConflictException", "mapping " + m.UUID + " is being handed over already"}
	}
	return s.goHandOver(r.Context(), m, in, cfg), nil
}

// goHandOver begins a hand-over and gives its steps.
func (s *Server) goHandOver(request context.Context, m mapping.Mapping, in handOverOrder, cfg handover.Config) following[handover.Step] {
	steps, over := make(chan handover.Step, 1024), make(chan struct{})
	var last handover.Step // of the goroutine below alone
	cfg.Say = func(step handover.Step) {
		last = step
		s.cfg.Log.Info("hand-over", "mapping", m.UUID, "step", step.Name, "result", string(step.Result), "detail", step.Detail)
		select {
		case steps <- step:
		default: // nobody reads any more; the log has it
		}
	}
	ctx, stop := s.untilStopping(context.WithoutCancel(request))
	go func() {
		defer close(over)
		defer close(steps)
		defer s.handovers.end(m.UUID)
		defer stop()
		_ = handover.Run(ctx, cfg) // its last step says how it ended
		if !in.DryRun {
			by := s.by(ctx, "hand-over to AWS: "+in.Reason)
			s.cfg.Audit.Record(context.WithoutCancel(ctx), store.Change{By: by, Action: "handover", Kind: store.Mappings, ID: m.UUID,
				After: map[string]string{"awsMapping": in.AWSMapping, "result": string(last.Result), "detail": last.Detail}})
		}
	}()
	next := func(ctx context.Context) (handover.Step, bool) {
		select {
		case step, more := <-steps:
			return step, more
		case <-ctx.Done():
			return handover.Step{}, false
		}
	}
	return following[handover.Step]{next, func() { <-over }}
}

// checkHandOver names all that is wrong with an order.
func (s *Server) checkHandOver(ctx context.Context, in handOverOrder) (within time.Duration, by store.Write, err error) {
	var errs []error
	within = handover.DefaultWithin
	if in.Within != "" {
		if within, err = time.ParseDuration(in.Within); err != nil || within < time.Second || within > time.Hour {
			errs = append(errs, fmt.Errorf("within: %q is no time within 1s..1h", in.Within))
		}
	}
	if len(in.AWSMapping) != 36 {
		errs = append(errs, fmt.Errorf("awsMapping: %q is no UUID of an event source mapping in AWS", in.AWSMapping))
	}
	if u, err := url.Parse(in.AWSEndpoint); in.AWSEndpoint != "" && (err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme)) {
		errs = append(errs, fmt.Errorf("awsEndpoint: %q is no URL", in.AWSEndpoint))
	}
	by, err = s.because(ctx, "hand-over to AWS", in.Reason)
	if err != nil && !in.DryRun {
		errs = append(errs, err)
	}
	if s.cfg.AWS == nil {
		errs = append(errs, errNoAWS)
	}
	return within, by, errors.Join(errs...)
}

// handOverOf is the hand-over that an order asks for.
func (s *Server) handOverOf(ctx context.Context, m mapping.Mapping, in handOverOrder) (handover.Config, error) {
	within, by, err := s.checkHandOver(ctx, in)
	if err != nil {
		return handover.Config{}, badInput(err.Error())
	}
	cfg, err := s.cfg.AWS(ctx)
	if err != nil {
		return handover.Config{}, err
	}
	if cfg.Region == "" {
		cfg.Region = s.cfg.Region
	}
	src := m.Source
	if len(src.Bootstrap) == 0 {
		src.Bootstrap = s.entryOf(m).Brokers
	}
	return handover.Config{
		Here: &handedOver{s, m.UUID, in.AWSMapping, by}, There: handover.NewLambda(cfg, in.AWSMapping, in.AWSEndpoint),
		Want:   handover.Wanted{Group: m.GroupID, Topics: src.Topics, ARN: cmp.Or(src.ARN, s.entryOf(m).ARN), Brokers: src.Bootstrap},
		Within: within, DryRun: in.DryRun, Name: nameOf(m), File: m.File,
		Audit: func(what, how string) {
			s.cfg.Audit.Record(context.WithoutCancel(ctx), store.Change{By: by, Action: "handover-aws", Kind: store.Mappings, ID: m.UUID,
				After: map[string]string{"awsMapping": in.AWSMapping, "call": what, "change": how}})
		},
	}, nil
}

func nameOf(m mapping.Mapping) string {
	if m.Name != "" {
		return m.Name
	}
	return m.UUID
}

// handedOver is this gantry's side of a hand-over.
type handedOver struct {
	s    *Server
	uuid string
	to   string // the mapping in AWS
	by   store.Write
}

// Pause implements handover.Here.
func (h *handedOver) Pause(ctx context.Context) error {
	m, _, err := h.s.mappings.Get(ctx, h.uuid)
	if err != nil || !m.Enabled && m.HandedOver != nil && m.HandedOver.To == h.to {
		return err
	}
	return h.turn(ctx, "handover-pause", &mapping.HandedOver{To: h.to, At: time.Now().UTC()})
}

// Resume implements handover.Here.
func (h *handedOver) Resume(ctx context.Context) error {
	return h.turn(ctx, "handover-resume", nil)
}

// turn stops the mapping for somebody else, or lets it go on.
func (h *handedOver) turn(ctx context.Context, action string, to *mapping.HandedOver) error {
	before, _, err := h.s.mappings.Get(ctx, h.uuid)
	if err != nil {
		return err
	}
	after, _, err := h.s.mappings.Change(ctx, h.uuid, h.by, func(m *mapping.Mapping) error {
		m.Enabled, m.HandedOver, m.LastModified = to == nil, to, time.Now().UTC()
		return notDeleting(m)
	})
	if err == nil {
		h.s.cfg.Audit.Record(ctx, store.Change{By: h.by, Action: action, Kind: store.Mappings, ID: h.uuid, Before: before, After: after})
	}
	return err
}

// Paused implements handover.Here. It has stopped when the engine says so of the mapping
// as it is stored now.
func (h *handedOver) Paused(ctx context.Context) (asked, stopped bool, err error) {
	m, version, err := h.s.mappings.Get(ctx, h.uuid)
	status := h.s.cfg.Engine.Status(h.uuid)
	return !m.Enabled, !m.Enabled && status.State == mapping.Disabled && (status.Version == 0 || status.Version >= version), err
}

// Group implements handover.Here.
func (h *handedOver) Group(ctx context.Context) (handover.Group, error) {
	g, err := h.s.cfg.Engine.Group(ctx, h.uuid)
	out := handover.Group{State: g.State}
	for _, m := range g.Members {
		out.Members = append(out.Members, memberOf(m))
	}
	return out, err
}

func memberOf(m kafka.Member) string { return fmt.Sprintf("client %s on %s", m.ClientID, m.Host) }

// Offsets implements handover.Here.
func (h *handedOver) Offsets(ctx context.Context) ([]handover.Partition, error) {
	list, err := h.s.cfg.Engine.Offsets(ctx, h.uuid)
	var out []handover.Partition
	for _, p := range list {
		out = append(out, handover.Partition{Topic: p.Topic, Index: p.Partition, Start: p.Start, End: p.End, Committed: p.Committed})
	}
	return out, err
}
