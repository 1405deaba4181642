// Package poll is the member of a consumer group: it joins, fetches, turns fetched
// records into lanes' records and commits what it is told. It decides nothing about a
// record but whether a filter keeps it.
//
// The flow: Run polls while the receiver is ready, converts what came into chunks and
// hands them over; only then does it let the group rebalance again. Assigned, Revoked
// and Lost reach the receiver from the group's own goroutine. Offsets never move by
// themselves: where the client would reset one, the partition stops and the receiver
// is told what is missing (Loss).
package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

// Receiver is what polled records and assignments go to. Ready, Records and Trouble
// are called by Run, Assigned, Revoked and Lost by the group, never two of a kind at once.
type Receiver interface {
	// Ready returns when another poll is wanted, or the error of ctx.
	Ready(ctx context.Context) error
	// Assigned opens lanes: where each partition begins. It replaces a lane of the same
	// partition.
	Assigned(begin map[record.Partition]record.Offset)
	// Revoked returns when the lanes have drained and their offsets are committed, or
	// when the deadline for that has passed and their invocations are cut.
	Revoked(partitions []record.Partition)
	// Lost returns when nothing of the lanes runs any more. Nothing is committed.
	Lost(partitions []record.Partition)
	// Records takes the chunks of one poll.
	Records(chunks []Chunk)
	// SourceLoss stops a partition until its owner accepts the loss.
	SourceLoss(loss mapping.Loss)
	// Trouble reports a failing poll, or nil when polls succeed again.
	Trouble(err error)
}

// Config is what a poller needs. Options are the connection (kafka.Cluster.Options).
type Config struct {
	Options         []kgo.Opt
	Dial            kafka.Dialer // opens ready connections (kafka.Cluster.Connect); nil = as Options says, and idle fetches wait no longer
	Group           string
	Topics          []string
	Membership      Membership
	ReadUncommitted bool
	Positions       map[string]map[int32]int64        // the starting position, resolved at creation
	TopicIDs        map[string]string                 // the topics the mapping was made for
	Accepted        map[record.Partition]mapping.Loss // accepted losses: begin where they say
	Log             *slog.Logger
}

// Poller is one member of one group. Run it once.
type Poller struct {
	cfg    Config
	to     Receiver
	keep   filter
	waits  *longPoll
	client *kgo.Client
	admin  *kadm.Client
	made   chan struct{} // closed when the fields above are set: the group begins before NewClient returns

	mu    sync.Mutex // guards parts; never held while a receiver or the client is called
	parts map[record.Partition]*part

	troubled bool // Run only
}

// part is what the poller knows of an assigned partition.
type part struct {
	next record.Offset // behind the last record seen
	high int64         // last known high watermark
	lost bool
}

// New connects lazily: the first request is made by Run. Close it even if Run never ran.
func New(cfg Config, to Receiver) (*Poller, error) {
	if !cfg.Membership.Known() {
		return nil, fmt.Errorf("join group %s: its protocol %q is not known here; these are: %s", cfg.Group, cfg.Membership.Protocol, strings.Join(protocols(), ", "))
	}
	p := &Poller{cfg: cfg, to: to, waits: newLongPoll(), parts: map[record.Partition]*part{}, made: make(chan struct{})}
	opts := append([]kgo.Opt(nil), cfg.Options...)
	if cfg.Dial != nil {
		opts = append(opts, p.waits.dialer(cfg.Dial))
	}
	opts = append(opts, fetchOptions(cfg)...)
	opts = append(opts, cfg.Membership.options()...)
	opts = append(opts,
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.Topics...),
		kgo.AdjustFetchOffsetsFn(p.adjust),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { p.revoked(m) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { p.lost(m) }),
	)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("make a consumer of group %s: %w", cfg.Group, err)
	}
	p.client, p.admin = client, kadm.NewClient(client)
	close(p.made)
	return p, nil
}

const metadataAge = time.Minute

// fetchOptions bound what a fetch brings and forbid every silent move of an offset.
func fetchOptions(cfg Config) []kgo.Opt {
	isolation := kgo.ReadCommitted()
	if cfg.ReadUncommitted {
		isolation = kgo.ReadUncommitted()
	}
	return []kgo.Opt{
		kgo.FetchMaxBytes(8 << 20),
		kgo.FetchMaxPartitionBytes(1 << 20),
		kgo.FetchMaxWait(movingWait),
		kgo.FetchIsolationLevel(isolation),
		kgo.KeepControlRecords(), // an idle lane commits past them, so lag reaches 0
		kgo.ConsumeStartOffset(kgo.NoResetOffset()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.MetadataMaxAge(metadataAge), // new partitions and a recreated topic show within it
		kgo.ConnIdleTimeout(connIdle),
		kgo.DisableClientMetrics(),
		kgo.WithPools(new(recordPool)),
	}
}

// Run polls until ctx ends. Errors of a poll go to the receiver; Run itself fails never.
func (p *Poller) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if p.to.Ready(ctx) != nil {
			return
		}
		fetches := p.client.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return
		}
		suspects, came := p.take(fetches)
		p.client.AllowRebalance()
		p.investigate(ctx, suspects)
		if !came && p.troubled {
			rest(ctx)
		}
	}
}

// troublePause is how long Run rests after a poll that brought nothing but errors: the
// client asks a broker that refuses again at once.
const troublePause = 100 * time.Millisecond

func rest(ctx context.Context) {
	timer := time.NewTimer(troublePause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take hands over what a poll brought and lists the partitions whose fetch failed in a
// way that may be a loss. came says that there were records.
func (p *Poller) take(fetches kgo.Fetches) (suspects []suspect, came bool) {
	healthy := true
	var chunks []Chunk
	fetches.EachPartition(func(tp kgo.FetchTopicPartition) {
		id := record.Partition{Topic: tp.Topic, Index: tp.Partition}
		if err := tp.Err; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			healthy = false
			if s, ok := suspectOf(id, err); ok {
				suspects = append(suspects, s)
			} else {
				p.trouble(fmt.Errorf("fetch %s: %w", name(id), err))
			}
			return
		}
		if c, ok := p.chunk(id, tp.FetchPartition); ok {
			chunks = append(chunks, c)
		}
	})
	if len(chunks) > 0 {
		p.waits.note()
		p.to.Records(chunks)
	}
	if healthy {
		p.trouble(nil)
	}
	return suspects, len(chunks) > 0
}

// trouble passes on a failing poll, and the first healthy one after it.
func (p *Poller) trouble(err error) {
	if err != nil || p.troubled {
		p.troubled = err != nil
		// The client's refusals carry no names; who reads them needs those to allow it.
		err = kafka.Deny(err, "Describe and Read", "group", p.cfg.Group)
		err = kafka.Deny(err, "Describe and Read", "topic", strings.Join(p.cfg.Topics, ","))
		p.to.Trouble(err)
	}
}

// name keeps the client's own errors readable: they carry no topic.
func name(p record.Partition) string {
	if p.Topic == "" {
		return "from the cluster"
	}
	return p.String()
}

// Pause stops the fetching of a partition, Resume starts it again. What the client had
// buffered of it is fetched again.
func (p *Poller) Pause(id record.Partition) {
	p.client.PauseFetchPartitions(map[string][]int32{id.Topic: {id.Index}})
}

// Resume undoes Pause.
func (p *Poller) Resume(id record.Partition) {
	p.client.ResumeFetchPartitions(map[string][]int32{id.Topic: {id.Index}})
	p.waits.hurry()
}

// Close leaves the group: Revoked runs for what is still assigned, and a static member
// is taken out of the group by its instance id, which the client does not do itself.
func (p *Poller) Close(ctx context.Context) error {
	defer p.client.AllowRebalance() // closing polls once more: a leave cut short by ctx would wait for that poll for ever
	defer p.client.CloseAllowingRebalance()
	p.client.AllowRebalance()
	p.drain()
	if err := p.client.LeaveGroupContext(ctx); err != nil {
		return fmt.Errorf("leave group %s: %w", p.cfg.Group, err)
	}
	if p.cfg.Membership.Instance == "" {
		return nil
	}
	return p.leaveStatic(ctx)
}

// drain empties the lanes while this is still a member: once it leaves, the client sends
// no heartbeats, and a drain longer than the session would end in a commit refused.
func (p *Poller) drain() {
	p.mu.Lock()
	ids := slices.Collect(maps.Keys(p.parts))
	p.mu.Unlock()
	if len(ids) > 0 {
		p.to.Revoked(ids)
		p.forget(ids)
	}
}

func (p *Poller) leaveStatic(ctx context.Context) error {
	leave := kadm.LeaveGroup(p.cfg.Group).InstanceIDs(p.cfg.Membership.Instance).Reason("stopped by its owner")
	answers, err := p.admin.LeaveGroup(ctx, leave)
	if err == nil {
		err = answers.Error()
	}
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		// Who may not join may not leave, and has nothing to leave; a member of whom the
		// permission was taken is put out by the broker when its session ends.
		p.cfg.Log.Warn("not allowed to leave the group, the broker ends the membership if there is one", "group", p.cfg.Group)
		return nil
	}
	if err != nil && !errors.Is(err, kerr.UnknownMemberID) { // one that is not there has left
		return fmt.Errorf("leave group %s as %s: %w", p.cfg.Group, p.cfg.Membership.Instance, err)
	}
	return nil
}
