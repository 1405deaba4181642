package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"gantry/migrate"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/store"
)

// migrationView is where a migration stands.
type migrationView struct {
	Name    string      `json:"name"`
	State   plan.State  `json:"state"`
	Owner   string      `json:"owner"` // of the service's records
	Group   string      `json:"group"`
	Topics  []string    `json:"topics"`
	Mapping string      `json:"mapping"` // that takes the service over
	Running migrate.Act `json:"running,omitempty"`
	Plan    *plan.Plan  `json:"plan,omitempty"`
	Last    *plan.Line  `json:"last,omitempty"` // of the ledger
	Lines   int         `json:"lines,omitempty"`
}

func (s *Server) migrationOf(m migrate.Stored) migrationView {
	v := migrationView{
		Name: m.Plan.Name, State: m.State, Owner: m.State.Owner(), Group: m.Plan.Service.Group, Topics: m.Plan.Service.Topics,
		Mapping: migrate.MappingName(m.Plan.Name),
	}
	if r := s.cfg.Migrations.Running(m.Plan.Name); r != nil && !r.Ended() {
		v.Running = r.Act
	}
	return v
}

type migrationList struct {
	Migrations []migrationView `json:"migrations"`
}

func (s *Server) listMigrations(ctx context.Context, _ call[none]) (migrationList, error) {
	all, err := s.cfg.Migrations.List(ctx)
	list := migrationList{Migrations: []migrationView{}}
	for _, m := range all {
		list.Migrations = append(list.Migrations, s.migrationOf(m))
	}
	return list, err
}

func (s *Server) getMigration(ctx context.Context, c call[none]) (migrationView, error) {
	m, err := s.cfg.Migrations.Get(ctx, c.path("name"))
	if err != nil {
		return migrationView{}, err
	}
	v := s.migrationOf(m)
	shown := withoutValues(m.Plan)
	v.Plan = &shown
	lines, err := s.cfg.Migrations.Lines(ctx, m.Plan.Name)
	if n := len(lines); n > 0 {
		v.Last, v.Lines = withoutPlan(&lines[n-1]), n
	}
	return v, err
}

// putMigration keeps a plan: what it names, functions and groups, decides whose code runs.
func (s *Server) putMigration(ctx context.Context, c call[plan.Plan]) (migrationView, error) {
	if c.In.Name != c.path("name") {
		return migrationView{}, badInput(fmt.Sprintf("name: %q is not the name in the path", c.In.Name))
	}
	if len(c.In.Functions) == 0 || len(c.In.Service.Topics) == 0 || c.In.Service.Group == "" || c.In.Fence == "" {
		return migrationView{}, badInput("the plan is not whole; gantry migrate put reads and checks a plan file")
	}
	by := s.by(ctx, "put migration")
	m, err := s.cfg.Migrations.Put(ctx, c.In, by)
	if err != nil {
		return migrationView{}, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "putMigration", Kind: store.Plans, ID: m.Plan.Name, After: m.Plan})
	return s.migrationOf(m), nil
}

func (s *Server) deleteMigration(ctx context.Context, c call[none]) (none, error) {
	by := s.by(ctx, "delete migration")
	if err := s.cfg.Migrations.Delete(ctx, c.path("name"), by); err != nil {
		return none{}, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "deleteMigration", Kind: store.Plans, ID: c.path("name")})
	return none{}, nil
}

// ledgerLine is one line as it was written, with its hash.
type ledgerLine struct {
	Hash string          `json:"sha256"`
	Line json.RawMessage `json:"line"`
}

type ledgerLines struct {
	Lines []ledgerLine `json:"lines"`
}

func (s *Server) getLedger(ctx context.Context, c call[none]) (ledgerLines, error) {
	lines, err := s.cfg.Migrations.Lines(ctx, c.path("name"))
	out := ledgerLines{Lines: []ledgerLine{}}
	for _, l := range lines {
		out.Lines = append(out.Lines, ledgerLine{l.Hash, l.Written})
	}
	return out, err
}

type recovery struct {
	Cluster string `json:"cluster"`
	Name    string `json:"name"` // "" = only list what is there
	Reason  string `json:"reason"`
}

type recovered struct {
	Names []string `json:"names"`
}

func (s *Server) recoverMigration(ctx context.Context, c call[recovery]) (recovered, error) {
	by := s.by(ctx, "recover migration")
	if c.In.Name != "" {
		var err error
		if by, err = s.because(ctx, "recover migration", c.In.Reason); err != nil {
			return recovered{}, err
		}
	}
	names, err := s.cfg.Migrations.Recover(ctx, c.In.Cluster, c.In.Name, by)
	if err == nil && c.In.Name != "" {
		s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "recoverMigration", Kind: store.Plans, ID: c.In.Name})
	}
	return recovered{append([]string{}, names...)}, err
}

// act is a step that somebody asks for.
type act struct {
	Act       migrate.Act `json:"act"` // shadow, end, cutover, rollback, rehearse, resume, release, abort
	Reason    string      `json:"reason"`
	SkipTail  bool        `json:"skipTail"`
	KeepFence bool        `json:"keepFence"`
	Waive     bool        `json:"withoutShadow"`   // of a cutover or a rehearsal
	Accept    bool        `json:"acceptRetention"` // of a cutover or a rehearsal
	ApproveBy string      `json:"approveBy"`       // of a cutover or a rehearsal: a key id; "" = the plan's
	For       string      `json:"for"`             // of a shadow run: a duration such as 24h; "" = until it is ended
}

// runMigration begins a step and follows it; it goes on when the caller is gone.
func (s *Server) runMigration() endpoint {
	e := stream(s, func(r *http.Request) (following[migrate.Event], error) {
		var in act
		if err := decode(r.Body, &in); err != nil {
			return following[migrate.Event]{}, badInput(fmt.Sprintf("the body can't be read: %v", err))
		}
		run, err := s.begin(r.Context(), r.PathValue("name"), in)
		if err != nil {
			return following[migrate.Event]{}, err
		}
		return follow(run), nil
	})
	e.in = reflect.TypeFor[act]()
	return e
}

func (s *Server) begin(ctx context.Context, name string, in act) (*migrate.Run, error) {
	known := []migrate.Act{migrate.ActCutover, migrate.ActRollback, migrate.ActRehearse, migrate.ActResume, migrate.ActRelease, migrate.ActAbort, migrate.ActShadow, migrate.ActEnd}
	if !slices.Contains(known, in.Act) {
		return nil, badInput(fmt.Sprintf("act: %q is not known; want one of %v", in.Act, known))
	}
	lasts, err := lasting(in.For)
	if err != nil {
		return nil, err
	}
	by, err := s.because(ctx, "migrate "+string(in.Act), in.Reason)
	if err != nil {
		return nil, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "migrate-" + string(in.Act), Kind: store.Plans, ID: name, Before: in})
	order := migrate.Order{Plan: name, SkipTail: in.SkipTail, KeepFence: in.KeepFence, Waive: in.Waive, AcceptRetention: in.Accept, ApproveBy: in.ApproveBy, For: lasts, By: store.Write{Actor: by.Actor, Reason: in.Reason}}
	switch in.Act {
	case migrate.ActAbort:
		return s.cfg.Migrations.Abort(ctx, order)
	case migrate.ActEnd:
		return s.cfg.Migrations.End(order)
	}
	return s.cfg.Migrations.Start(ctx, in.Act, order)
}

func lasting(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second {
		return 0, badInput(fmt.Sprintf("for: %q is no duration of a second or more, such as 24h", text))
	}
	return d, nil
}

// showShadow is what the shadow run of a plan shows, or showed.
func (s *Server) showShadow(ctx context.Context, c call[none]) (plan.Shadow, error) {
	return s.cfg.Migrations.Result(ctx, c.path("name"))
}

// withoutValues is a plan whose variables show their names only.
func withoutValues(p plan.Plan) plan.Plan {
	p.Effects = slices.Clone(p.Effects)
	for i := range p.Effects {
		p.Effects[i].Environment = masked(p.Effects[i].Environment)
	}
	return p
}

// withoutPlan is a line of the ledger without the values of variables that a plan has.
func withoutPlan(l *plan.Line) *plan.Line {
	if l == nil || l.Step != plan.StepPlan {
		return l
	}
	shown := *l
	shown.Facts, shown.Written = nil, nil
	return &shown
}

func follow(run *migrate.Run) following[migrate.Event] {
	n := 0
	return following[migrate.Event]{next: func(ctx context.Context) (migrate.Event, bool) {
		e, more := run.Follow(ctx, n)
		e.Line = withoutPlan(e.Line)
		n++
		return e, more
	}, end: func() {}}
}

func (s *Server) watchMigration() endpoint {
	return stream(s, func(r *http.Request) (following[migrate.Event], error) {
		name := r.PathValue("name")
		if _, err := s.cfg.Migrations.Get(r.Context(), name); err != nil {
			return following[migrate.Event]{}, err
		}
		run := s.cfg.Migrations.Running(name)
		if run == nil {
			return following[migrate.Event]{}, fmt.Errorf("watch plan %s: nothing was begun since gantry started: %w", name, migrate.ErrState)
		}
		return follow(run), nil
	})
}

func (s *Server) approveMigration(ctx context.Context, c call[act]) (none, error) {
	by, err := s.because(ctx, "approve migration", c.In.Reason)
	if err != nil {
		return none{}, err
	}
	if err := s.cfg.Migrations.Answer(ctx, c.path("name"), by); err != nil {
		return none{}, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "approveMigration", Kind: store.Plans, ID: c.path("name")})
	return none{}, nil
}

// predictionView is what a cutover would meet and cost.
type predictionView struct {
	Preflight  cutover.Preflight  `json:"preflight"`
	Prediction cutover.Prediction `json:"prediction"`
	Steps      []string           `json:"steps"` // what it would ask of Kafka and of people, in order
}

// asking is how a prediction is asked for.
type asking struct {
	Waive  bool `json:"withoutShadow"`   // as if the gates were passed
	Accept bool `json:"acceptRetention"` // as if it were no fault that retention may remove records meanwhile
}

func (s *Server) predictMigration(ctx context.Context, c call[asking]) (predictionView, error) {
	name := c.path("name")
	m, err := s.cfg.Migrations.Get(ctx, name)
	if err != nil {
		return predictionView{}, err
	}
	pre, said, err := s.cfg.Migrations.Look(ctx, migrate.Order{Plan: name, Waive: c.In.Waive, AcceptRetention: c.In.Accept})
	return predictionView{pre, said, migrate.Calls(migrate.ActCutover, m.Plan, m.State)}, err
}
