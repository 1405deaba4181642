package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gantry/mapping"
	"gantry/pipeline"
)

// mappingAnswer is a mapping whole: as declared, as observed, and its lanes here.
type mappingAnswer struct {
	Mapping     mappingView      `json:"mapping"`
	Status      statusView       `json:"status"`
	Functions   []functionState  `json:"functions,omitempty"` // each one here, where there are several
	Lanes       []laneView       `json:"lanes"`
	Counts      map[string]int64 `json:"counts"` // by AWS's metric names, since this process runs it
	Lag         *lagView         `json:"lag,omitempty"`
	RecentError string           `json:"recentError,omitempty"`
}

// lagView is how far the partitions held here are behind: AWS's MaxOffsetLag and
// SumOffsetLag.
type lagView struct {
	Max int64     `json:"max"`
	Sum int64     `json:"sum"`
	At  time.Time `json:"at"`
}

// mappingView is a mapping as its owner declared it, under the names that a file has
// for its members. What was never said is absent.
type mappingView struct {
	UUID     string `json:"uuid"`
	Name     string `json:"name,omitempty"`
	Declared bool   `json:"declared"`
	Deleting bool   `json:"deleting,omitempty"`
	Enabled  bool   `json:"enabled"`

	HandedOver *handedOverView `json:"handedOver,omitempty"` // it stays off until it is resumed

	Function  string         `json:"function,omitempty"`
	Functions []consumerView `json:"functions,omitempty"` // where there are several
	Cluster   string         `json:"cluster,omitempty"`
	ARN       string         `json:"arn,omitempty"`
	Brokers   []string       `json:"brokers,omitempty"`
	Topic     string         `json:"topic,omitempty"`
	Topics    []string       `json:"topics,omitempty"` // where there are several
	Access    []accessView   `json:"sourceAccessConfigurations,omitempty"`
	Plaintext bool           `json:"allowPlaintext,omitempty"`

	GroupID        string     `json:"consumerGroupId"`
	Start          string     `json:"startingPosition"`
	StartTime      *time.Time `json:"startingPositionTimestamp,omitempty"`
	BatchSize      int        `json:"batchSize"`
	Window         string     `json:"maximumBatchingWindow,omitempty"`
	Filters        []string   `json:"filters,omitempty"`
	RetryAttempts  int        `json:"maximumRetryAttempts"` // -1 = endless
	RecordAge      string     `json:"maximumRecordAge"`     // "-1" = no limit
	Bisect         bool       `json:"bisectBatchOnFunctionError"`
	PartialAnswers bool       `json:"reportBatchItemFailures"`

	OnFailure          string       `json:"onFailure,omitempty"`
	Output             *outputView  `json:"output,omitempty"`
	Pollers            *pollersView `json:"pollers,omitempty"`
	Oversize           string       `json:"oversize,omitempty"`
	DestinationFailure string       `json:"onDestinationFailure,omitempty"`
	Isolation          string       `json:"isolation,omitempty"`
	SessionTimeout     string       `json:"sessionTimeout,omitempty"`
	LogLevel           string       `json:"logLevel,omitempty"`
	Lanes              *lanesView   `json:"lanes,omitempty"`

	Tags         map[string]string          `json:"tags,omitempty"`
	Positions    map[string]map[int32]int64 `json:"positions,omitempty"` // where each partition began
	LastModified *time.Time                 `json:"lastModified,omitempty"`
}

// consumerView is one of several functions of a mapping.
type consumerView struct {
	Name    string   `json:"name"`
	Filters []string `json:"filters,omitempty"`
}

// consumersOf fills in the functions as a file has them.
func (v *mappingView) consumersOf(m mapping.Mapping) {
	if !m.Several() {
		v.Function, v.Filters = m.Functions[0].Function, m.Functions[0].Filters
		return
	}
	for _, c := range m.Functions {
		v.Functions = append(v.Functions, consumerView{c.Function, c.Filters})
	}
}

// topicsOf fills in the topics as a file has them.
func (v *mappingView) topicsOf(m mapping.Mapping) {
	if len(m.Source.Topics) == 1 {
		v.Topic = m.Source.Topics[0]
		return
	}
	v.Topics = m.Source.Topics
}

type accessView struct {
	Type string `json:"type"`
	URI  string `json:"uri"` // where the secret is, never the secret
}

type pollersView struct {
	Minimum int `json:"minimum"`
	Maximum int `json:"maximum"`
}

// lanesView is what is in force where a partition has more than one lane.
type lanesView struct {
	PerPartition int    `json:"perPartition"`
	Order        string `json:"order"`
}

// outputView says what becomes of the function's answers.
type outputView struct {
	Topic         string            `json:"topic,omitempty"`
	Topics        []string          `json:"topics,omitempty"` // further topics an answer may name
	Cluster       string            `json:"cluster,omitempty"`
	Schema        *outputSchemaView `json:"schema,omitempty"`
	Transactional bool              `json:"transactional,omitempty"`
	Interval      string            `json:"interval,omitempty"` // least time between two transactions
	Size          int64             `json:"size,omitempty"`     // bytes of answers that are not kept waiting for it
	Timeout       string            `json:"timeout,omitempty"`  // when the broker aborts what was left open
}

func outputOf(o *mapping.Output) *outputView {
	if o == nil {
		return nil
	}
	v := &outputView{Topic: o.Topic, Topics: o.Topics, Cluster: o.Cluster, Schema: outputSchemaOf(o.Schema), Transactional: o.Transactional}
	if o.Transactional {
		v.Interval, v.Size, v.Timeout = o.Every().String(), o.Enough(), o.Expires().String()
	}
	return v
}

// handedOverView is to whom a mapping gave its group.
type handedOverView struct {
	AWSMapping string    `json:"awsMapping"`
	At         time.Time `json:"at"`
}

func viewOf(m mapping.Mapping) mappingView {
	v := mappingView{
		UUID: m.UUID, Name: m.Name, Declared: m.Declared, Deleting: m.Deleting, Enabled: m.Enabled,
		Cluster: m.Source.Cluster, ARN: m.Source.ARN, Brokers: m.Source.Bootstrap,
		Plaintext: m.Source.AllowPlaintext, GroupID: m.GroupID, Start: string(m.Start), StartTime: known(m.StartTime),
		BatchSize: m.BatchSize, RetryAttempts: m.RetryAttempts, RecordAge: "-1",
		Bisect: m.Bisect, PartialAnswers: m.PartialAnswers, OnFailure: m.OnFailure,
		LogLevel: m.SystemLogLevel, Tags: m.Tags, Positions: m.Positions, LastModified: known(m.LastModified),
	}
	v.topicsOf(m)
	v.consumersOf(m)
	if h := m.HandedOver; h != nil {
		v.HandedOver = &handedOverView{h.To, h.At}
	}
	for _, a := range m.Source.Access {
		v.Access = append(v.Access, accessView{a.Type, a.URI})
	}
	if m.Window != nil {
		v.Window = m.Window.String()
	}
	if m.RecordAge != mapping.Endless {
		v.RecordAge = m.RecordAge.String()
	}
	if m.Pollers != nil {
		v.Pollers = &pollersView{m.Pollers.Minimum, m.Pollers.Maximum}
	}
	beyondAWS(&v, m)
	return v
}

// beyondAWS fills what differs from the defaults, in the words of a file.
func beyondAWS(v *mappingView, m mapping.Mapping) {
	v.Output = outputOf(m.Output)
	if m.OversizeDrop {
		v.Oversize = "drop"
	}
	if m.DestinationFailureDrop {
		v.DestinationFailure = "drop"
	}
	if m.ReadUncommitted {
		v.Isolation = "read_uncommitted"
	}
	if m.SessionTimeout != 0 {
		v.SessionTimeout = m.SessionTimeout.String()
	}
	if l := m.Lanes.InForce(); l.PerPartition > 1 {
		v.Lanes = &lanesView{l.PerPartition, string(l.Order)}
	}
}

// known leaves a time that never was out of an answer.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// statusView is what this process observes of a mapping.
type statusView struct {
	State  string     `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Result string     `json:"processingResult"`
	Detail string     `json:"detail,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Lost   []lossView `json:"lost,omitempty"`
}

func statusOf(s mapping.Status, masked func(string) string) statusView {
	return statusView{
		State: string(cmp.Or(s.State, mapping.Creating)), Reason: s.Reason, Result: cmp.Or(s.ProcessingResult, mapping.NoRecords),
		Detail: masked(s.Detail), Since: known(s.Since), Lost: lossesOf(s.Lost),
	}
}

// laneView is one partition that this process holds. Offsets are next-to-read.
type laneView struct {
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition"`
	Committed int64      `json:"committed"`
	Resume    int64      `json:"resume"` // the first unresolved offset
	Tail      int64      `json:"tail"`   // behind the last record polled
	Waiting   int        `json:"waiting"`
	InFlight  bool       `json:"inFlight"`
	Paused    bool       `json:"paused"`
	Attempts  int        `json:"attempts"`        // failed attempts of the records in hand
	Since     *time.Time `json:"since,omitempty"` // when they failed first
	Retry     *time.Time `json:"retry,omitempty"` // when they are tried again
	Head      *time.Time `json:"head,omitempty"`  // timestamp of the first unresolved record
	Blocked   string     `json:"blocked,omitempty"`
	Detail    string     `json:"detail,omitempty"`

	Lanes    int         `json:"lanes,omitempty"`    // where there are several
	Flying   int         `json:"flying,omitempty"`   // of them with an invocation or a delivery under way
	Changing bool        `json:"changing,omitempty"` // other lanes begin when what is in hand is resolved
	Span     *spanView   `json:"span,omitempty"`
	Stands   []standView `json:"stands,omitempty"` // each lane that does not get on

	Readers []readerView `json:"readers,omitempty"` // where each of several functions stands
}

// spanView is the uncommitted span of a partition with several lanes: what a crash would
// repeat.
type spanView struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	Full    bool  `json:"full"` // nothing more is taken before the first record is resolved
}

// standView is one of several lanes that does not get on.
type standView struct {
	Lane     int32      `json:"lane"`
	Function string     `json:"function"`
	Offset   int64      `json:"offset"`
	Attempts int        `json:"attempts"`
	Since    *time.Time `json:"since,omitempty"`
	Retry    *time.Time `json:"retry,omitempty"`
	Blocked  string     `json:"blocked,omitempty"`
	Detail   string     `json:"detail,omitempty"`
}

func lanesOf(lanes []pipeline.LaneSnapshot, masked func(string) string) []laneView {
	views := make([]laneView, 0, len(lanes))
	for _, l := range lanes {
		v := laneView{
			Topic: l.Partition.Topic, Partition: l.Partition.Index, Committed: l.Committed, Resume: l.Resume, Tail: l.Tail,
			Waiting: l.Waiting, InFlight: l.InFlight, Paused: l.Paused, Attempts: l.Attempts,
			Since: known(l.Since), Retry: known(l.Retry), Head: known(l.Head), Blocked: l.Blocked, Detail: masked(l.Detail),
			Changing: l.Changing,
		}
		if l.Lanes > 1 || len(l.Readers) > 0 {
			v.several(l, masked)
		}
		views = append(views, v)
	}
	slices.SortFunc(views, func(a, b laneView) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return views
}

// several adds what only a partition with several lanes has.
func (v *laneView) several(l pipeline.LaneSnapshot, masked func(string) string) {
	v.Lanes, v.Flying = l.Lanes, l.Flying
	for _, r := range l.Readers {
		v.Readers = append(v.Readers, readerView(r))
	}
	v.Span = &spanView{l.Span.Records, l.Span.Bytes, l.Span.Full}
	for _, st := range l.Stands {
		v.Stands = append(v.Stands, standView{st.Slot, st.Function, st.At, st.Attempts, known(st.Since), known(st.Retry), st.Blocked, masked(st.Detail)})
	}
}

func (s *Server) getMapping(ctx context.Context, c call[none]) (mappingAnswer, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return mappingAnswer{}, err
	}
	out := mappingAnswer{Mapping: viewOf(m), Status: statusOf(s.cfg.Engine.Status(m.UUID), s.cfg.MaskText), Lanes: []laneView{}, Counts: map[string]int64{}}
	run, err := s.cfg.Engine.One(m.UUID)
	if err != nil {
		return out, nil //nolint:nilerr // it does not run here: there are no lanes to show
	}
	out.Lanes = lanesOf(run.Snapshot.Lanes, s.cfg.MaskText)
	out.Functions = s.functionStates(run.Snapshot.Functions)
	for _, m := range mappingCounters {
		out.Counts[cmp.Or(m.aws, "Invocations")] = int64(m.read(run.Counts))
	}
	if lag, ok := s.cfg.Engine.Lag(ctx, m.UUID); ok {
		out.Lag = &lagView{lag.Max, lag.Sum, lag.At}
	}
	if run.Snapshot.Cause != nil {
		out.RecentError = s.cfg.MaskText(run.Snapshot.Cause.Error())
	}
	return out, nil
}
