package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
	"gantry/store"
)

// Why a reset is refused. A refusal has changed nothing.
var (
	ErrEnabled   = errors.New("the mapping is not paused")
	ErrStale     = errors.New("the offsets are not any more where the preview saw them; look again")
	ErrNoPreview = errors.New("there is no such preview, or it is older than 15 minutes; look again")
	ErrRecreated = errors.New("the topic was deleted and made again under its name: decide that first, with gantry offsets accept-loss")
)

// ResetKind is a way to say where a group shall read on.
type ResetKind string

// The ways.
const (
	ToEarliest ResetKind = "earliest" // the oldest record kept
	ToLatest   ResetKind = "latest"   // behind the newest record a consumer may read
	ToTime     ResetKind = "time"     // the first record at or after At, or the end
	ToOffset   ResetKind = "offset"   // N
	ToShift    ResetKind = "shift"    // N records on, or back where it is negative
)

// ResetTo is where a group shall read on. An offset or a shift outside of the log is
// moved to its nearest end.
type ResetTo struct {
	Kind ResetKind
	At   time.Time
	N    int64
}

// Move is what a reset does to one partition. Offsets are next-to-read.
type Move struct {
	Topic     string
	Partition int32
	Committed int64 // of the group; -1 = nothing
	Old       int64 // where reading would go on: Committed, or where the mapping begins
	New       int64
	Start     int64 // oldest record kept
	End       int64
	Moved     bool // the wish was outside of the log
}

// Replayed is how many records come again, at most: offsets have holes.
func (m Move) Replayed() int64 { return max(0, m.Old-m.New) }

// Skipped is how many records are not read, at most.
func (m Move) Skipped() int64 { return max(0, m.New-m.Old) }

// ResetPlan is a preview: what a reset that carries its token does, or nothing.
type ResetPlan struct {
	Token    string
	Group    string
	Moves    []Move
	Refusals []string // what stands in the way now
}

// resets keeps the previews that may be confirmed.
type resets struct {
	mu    sync.Mutex
	plans map[string]heldPlan
}

type heldPlan struct {
	uuid  string
	moves []Move
	until time.Time
}

const (
	previewLife  = 15 * time.Minute
	previewsHeld = 256
)

func (h *resets) keep(uuid string, moves []Move) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(h.plans, func(_ string, p heldPlan) bool { return p.until.Before(now) })
	if h.plans == nil || len(h.plans) >= previewsHeld {
		h.plans = map[string]heldPlan{}
	}
	token := rand.Text()
	h.plans[token] = heldPlan{uuid, moves, now.Add(previewLife)}
	return token
}

// take gives a plan once.
func (h *resets) take(uuid, token string) ([]Move, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.plans[token]
	if !ok || p.uuid != uuid || p.until.Before(time.Now()) {
		return nil, false
	}
	delete(h.plans, token)
	return p.moves, true
}

// PreviewReset says what a reset would do, and what stands in its way. It changes nothing.
func (e *Engine) PreviewReset(ctx context.Context, uuid string, to ResetTo, only []record.Partition) (ResetPlan, error) {
	m, _, err := e.mappings.Get(ctx, uuid)
	if err != nil {
		return ResetPlan{}, fmt.Errorf("mapping %s: %w", uuid, err)
	}
	plan := ResetPlan{Group: m.GroupID}
	err = e.admin(ctx, m.Source, func(a *kafka.Admin) error {
		if plan.Moves, err = e.moves(ctx, a, m, to, only); err != nil {
			return err
		}
		plan.Refusals, err = e.refusals(ctx, a, m)
		return err
	})
	if err != nil {
		return ResetPlan{}, diagnosed(err)
	}
	plan.Token = e.resets.keep(uuid, plan.Moves)
	return plan, nil
}

// refusals are what keeps the group's offsets from being set now.
func (e *Engine) refusals(ctx context.Context, a *kafka.Admin, m mapping.Mapping) ([]string, error) {
	var out []string
	if err := e.paused(m); err != nil {
		out = append(out, err.Error())
	}
	group, err := a.GroupState(ctx, m.GroupID)
	for _, member := range group.Members {
		out = append(out, fmt.Sprintf("group %s has a member: client %s on %s", m.GroupID, member.ClientID, member.Host))
	}
	return out, err
}

// paused holds that a mapping does not run here.
func (e *Engine) paused(m mapping.Mapping) error {
	if m.Enabled {
		return fmt.Errorf("%w: gantry pause %s", ErrEnabled, cmp.Or(m.Name, m.UUID))
	}
	if s := e.Status(m.UUID); s.State != mapping.Disabled {
		return fmt.Errorf("%w: it is still %s", ErrEnabled, s.State)
	}
	return nil
}

func (e *Engine) moves(ctx context.Context, a *kafka.Admin, m mapping.Mapping, to ResetTo, only []record.Partition) ([]Move, error) {
	committed, err := a.Committed(ctx, m.GroupID)
	if err != nil {
		return nil, err
	}
	var out []Move
	for _, topic := range m.Source.Topics {
		id, err := a.TopicID(ctx, topic)
		if err != nil {
			return nil, err
		}
		if known := m.TopicIDs[topic]; id != known && id != "" && known != "" {
			return nil, fmt.Errorf("topic %s: %w", topic, ErrRecreated)
		}
		start, end, err := a.Bounds(ctx, topic, m.ReadUncommitted)
		if err != nil {
			return nil, err
		}
		wanted, err := wishes(ctx, a, topic, to)
		if err != nil {
			return nil, err
		}
		for _, index := range sorted(maps.Keys(end)) {
			if len(only) > 0 && !slices.Contains(only, record.Partition{Topic: topic, Index: index}) {
				continue
			}
			move := Move{Topic: topic, Partition: index, Committed: -1, Start: start[index], End: end[index]}
			move.Old = oldOf(m, committed, &move)
			move.aim(to, wanted[index])
			out = append(out, move)
		}
	}
	for _, id := range only {
		if !slices.ContainsFunc(out, func(m Move) bool { return m.Topic == id.Topic && m.Partition == id.Index }) {
			return nil, fmt.Errorf("reset %s: %w", id, kafka.ErrUnknownTopic)
		}
	}
	return out, nil
}

// oldOf is where reading would go on: a commit wins, then where the mapping begins, then
// the oldest record, as for a partition that is new.
func oldOf(m mapping.Mapping, committed kafka.Offsets, move *Move) int64 {
	if at, ok := committed[move.Topic][move.Partition]; ok {
		move.Committed = at.At
		return at.At
	}
	if at, ok := m.Positions[move.Topic][move.Partition]; ok {
		return at
	}
	return move.Start
}

// wishes resolves what only the cluster knows: the first record at or after a time.
func wishes(ctx context.Context, a *kafka.Admin, topic string, to ResetTo) (map[int32]int64, error) {
	if to.Kind != ToTime {
		return nil, nil
	}
	at, _, err := a.Positions(ctx, kafka.Origin{Topic: topic, Start: mapping.AtTimestamp, At: to.At})
	return at, err
}

func (m *Move) aim(to ResetTo, timed int64) {
	wish := m.Start
	switch to.Kind {
	case ToEarliest:
	case ToLatest:
		wish = m.End
	case ToTime:
		wish = timed
	case ToOffset:
		wish = to.N
	case ToShift:
		wish = m.Old + to.N
	}
	m.New = min(max(wish, m.Start), m.End)
	m.Moved = m.New != wish && to.Kind != ToTime
}

// Reset sets the group's offsets to what the preview of a token announced, or refuses.
// The mapping must be paused, and the broker itself refuses a group that has members.
func (e *Engine) Reset(ctx context.Context, uuid, token string, by store.Write) (ResetPlan, error) {
	r, err := e.find(uuid)
	if err != nil {
		return ResetPlan{}, err
	}
	var plan ResetPlan
	err = r.do(ctx, func(ctx context.Context) error {
		m, _, err := e.mappings.Get(ctx, uuid)
		if err != nil {
			return err
		}
		if err := e.paused(m); err != nil {
			return err
		}
		moves, ok := e.resets.take(uuid, token)
		if !ok {
			return ErrNoPreview
		}
		plan = ResetPlan{Group: m.GroupID, Moves: moves}
		return e.reset(ctx, m, moves, by)
	})
	return plan, err
}

// reset runs in the mapping's runner: nothing of this process can start it meanwhile.
func (e *Engine) reset(ctx context.Context, m mapping.Mapping, moves []Move, by store.Write) error {
	err := e.admin(ctx, m.Source, func(a *kafka.Admin) error {
		now, err := e.moves(ctx, a, m, ResetTo{Kind: ToEarliest}, partitionsOf(moves))
		if err != nil {
			return err
		}
		offsets := kafka.Offsets{}
		for i, was := range moves {
			if now[i].Old != was.Old || now[i].Committed != was.Committed || was.New < now[i].Start || was.New > now[i].End {
				return fmt.Errorf("reset %s-%d: %w", was.Topic, was.Partition, ErrStale)
			}
			if offsets[was.Topic] == nil {
				offsets[was.Topic] = map[int32]record.Offset{}
			}
			offsets[was.Topic][was.Partition] = record.Offset{At: was.New, Epoch: -1}
		}
		return a.Commit(ctx, m.GroupID, offsets)
	})
	switch {
	case errors.Is(err, ErrStale), errors.Is(err, ErrRecreated), errors.Is(err, kafka.ErrGroupBusy):
		return err
	case err != nil:
		return diagnosed(err)
	}
	return e.rememberReset(ctx, m.UUID, moves, by)
}

// rememberReset lets the mapping begin where it was set, should the group's commits
// expire while it is paused.
func (e *Engine) rememberReset(ctx context.Context, uuid string, moves []Move, by store.Write) error {
	_, _, err := e.mappings.Change(ctx, uuid, by, func(m *mapping.Mapping) error {
		for _, move := range moves {
			if m.Positions == nil {
				m.Positions = map[string]map[int32]int64{}
			}
			if m.Positions[move.Topic] == nil {
				m.Positions[move.Topic] = map[int32]int64{}
			}
			m.Positions[move.Topic][move.Partition] = move.New
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the offsets are set, but writing down where the mapping begins failed: %w", err)
	}
	return nil
}

func partitionsOf(moves []Move) []record.Partition {
	var out []record.Partition
	for _, m := range moves {
		out = append(out, record.Partition{Topic: m.Topic, Index: m.Partition})
	}
	return out
}
