package deadletter

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

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/cloud/places"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
)

// Errors a caller branches on.
var (
	ErrNoLetter  = errors.New("there is no such dead letter")
	ErrNoPlace   = errors.New("the mapping has no destination for dead letters: name the place with --from")
	ErrSNS       = errors.New("an SNS topic keeps nothing: name a queue that is subscribed to it, with --from arn:aws:sqs:…")
	ErrBusy      = errors.New("these dead letters are being redriven already")
	ErrChanged   = errors.New("the dead letters are not any more what the preview saw; look again")
	ErrNoPreview = errors.New("there is no such preview, or it is older than 15 minutes; look again")
	ErrBadOrder  = errors.New("the order can't be carried out")
)

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// Sources find out how to reach a cluster (kafka.Resolver).
type Sources interface {
	Resolve(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
}

// Config is what letters need of the rest of gantry. All but AWS and Log are required.
type Config struct {
	Sources Sources
	AWS     func(ctx context.Context) (aws.Config, error)
	// Invoke runs a function once, as a mapping would (engine.Engine).
	Invoke func(ctx context.Context, name string, in function.Invocation) (function.Outcome, error)
	// Known says whether there is a mapping of this UUID.
	Known func(ctx context.Context, uuid string) bool
	Log   *slog.Logger
}

// Letters opens the places where dead letters lie. Safe for use by many goroutines.
type Letters struct {
	cfg Config

	mu       sync.Mutex
	busy     map[string]bool // ledgers that are written by this process
	previews map[string]preview
}

// New makes Letters.
func New(cfg Config) *Letters {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Letters{cfg: cfg, busy: map[string]bool{}, previews: map[string]preview{}}
}

// source is a place with letters.
type source interface {
	// walk hands over each letter; an error of each ends it and is given back.
	walk(ctx context.Context, w Walk, each func(*Letter) error) error
	find(ctx context.Context, id string) (Letter, error)
	// done takes a letter away of which every record is noted in the ledger.
	done(ctx context.Context, l *Letter) error
	// release shows to others again what a walk has hidden from them.
	release(ctx context.Context)
}

// Walk is how letters are gone through.
type Walk struct {
	Since, Until time.Time // what is outside need not be handed over
	After        string    // behind this letter, where the place has an order
	Taking       bool      // to redrive: letters of SQS stay hidden until they are done or given back
	Progress     func(done, total int64)
}

func (w Walk) progress(done, total int64) {
	if w.Progress != nil {
		w.Progress(done, total)
	}
}

// Box is the letters of one mapping at one place. Close it.
type Box struct {
	Place   string
	letters *Letters
	mapping mapping.Mapping
	cluster kafka.Cluster
	admin   *kafka.Admin
	source  source
	ledger  *ledger
	others  map[string]bool // UUID → it is another mapping's
	bounds  map[string]bounds
}

// bounds are the oldest offset and the end of each partition.
type bounds struct{ start, end map[int32]int64 }

// Open finds the letters of a mapping: at its destination, or at from, which is written
// as a destination is; a bucket may have a prefix, s3://BUCKET/PREFIX.
func (x *Letters) Open(ctx context.Context, m mapping.Mapping, from string) (*Box, error) {
	prefix := letterPrefix(m)
	if from == "" {
		from = m.OnFailure
	} else if name, below, ok := strings.Cut(strings.TrimPrefix(from, mapping.S3Scheme), "/"); ok && strings.HasPrefix(from, mapping.S3Scheme) {
		from, prefix = mapping.S3Scheme+name, below
	} else {
		prefix = ""
	}
	to, err := mapping.ParseDestination(mapping.BucketARN(from))
	switch {
	case err != nil:
		return nil, fmt.Errorf("from: %w: %w", ErrBadOrder, err)
	case to.Kind == "":
		return nil, ErrNoPlace
	case to.Kind == mapping.ToSNS:
		return nil, ErrSNS
	case to.Kind != mapping.ToTopic && x.cfg.AWS == nil:
		return nil, fmt.Errorf("reach %s: AWS is not configured", from)
	}
	cluster, err := x.cfg.Sources.Resolve(ctx, m.Source)
	if err != nil {
		return nil, err
	}
	admin, err := kafka.Open(cluster)
	if err != nil {
		return nil, err
	}
	b := &Box{Place: from, letters: x, mapping: m, cluster: cluster, admin: admin, others: map[string]bool{}, bounds: map[string]bounds{}}
	if err := b.open(ctx, to, prefix); err != nil {
		admin.Close()
		return nil, err
	}
	return b, nil
}

func (b *Box) open(ctx context.Context, to mapping.Destination, prefix string) (err error) {
	beside, others := kafka.RedriveLedgers(b.mapping.Source)
	client := places.Client{Config: b.letters.cfg.AWS}
	switch to.Kind {
	case mapping.ToTopic:
		beside, others = to.Name, nil
		if b.source, err = openTopic(ctx, b.admin, to.Name); err != nil {
			return err
		}
	case mapping.ToQueue:
		place := places.Queue{Client: client, Name: to.Name, Region: to.Region, Account: to.Account, Partition: to.Partition}
		b.source = &queue{Queue: place, held: map[string]string{}}
	default:
		b.source = bucket{places.Bucket{Client: client, Name: to.Name, Partition: to.Partition}, prefix}
	}
	b.ledger = &ledger{admin: b.admin, topic: beside + kafka.RedriveLedgerSuffix, like: beside, also: others}
	return b.ledger.load(ctx)
}

// Close gives back what is hidden from others, and ends the connections.
func (b *Box) Close() {
	b.source.release(context.Background())
	b.admin.Close()
}

// mine says whether a letter is of the box's mapping: it says so, or it is of the same
// topic and of no other mapping that there is.
func (b *Box) mine(ctx context.Context, l *Letter) bool {
	if l.Mapping == b.mapping.UUID {
		return true
	}
	topic := func(s Span) bool { return slices.Contains(b.mapping.Source.Topics, s.Topic) }
	if !slices.ContainsFunc(l.Spans, topic) {
		return false
	}
	if l.Mapping == "" {
		return true
	}
	other, asked := b.others[l.Mapping]
	if !asked {
		other = b.letters.cfg.Known(ctx, l.Mapping)
		b.others[l.Mapping] = other
	}
	return !other
}

// State is what became of the records of a letter.
type State struct {
	State    string `json:"state"` // of the letter: redriven when all records are
	Redriven int    `json:"redriven"`
	Failed   int    `json:"failed"`
	Count    int    `json:"count"` // redrives of the record that had most
	Last     *Mark  `json:"last,omitempty"`
}

// state looks a letter up in the ledger.
func (b *Box) state(l *Letter) State {
	s := State{State: Pending}
	for _, r := range l.Records {
		s.Count = max(s.Count, countOf(r.Headers))
	}
	for _, p := range l.positions() {
		m, ok := b.ledger.marks[l.unitID(p)]
		if !ok {
			continue
		}
		if s.Last == nil || m.At.After(s.Last.At) {
			s.Last = &m
		}
		s.Count = max(s.Count, m.Count)
		if m.State == Redriven {
			s.Redriven++
		} else {
			s.Failed++
		}
	}
	switch {
	case s.Redriven > 0 && s.Redriven >= l.Count:
		s.State = Redriven
	case s.Failed > 0:
		s.State = Failed
	}
	return s
}

// Found is a letter with what became of it.
type Found struct {
	Letter
	State State
}

// Seen is what a walk went past.
type Seen struct {
	Letters int64 // of the mapping
	Others  int64 // of other mappings
	Matched int64
}

// Walk hands over the letters that are meant. With expand it reads the records of letters
// that have positions only. It ends early when each gives ErrStop.
func (b *Box) Walk(ctx context.Context, s Selection, w Walk, expand bool, each func(Found) error) (Seen, error) {
	var seen Seen
	m, err := s.matcher()
	if err != nil {
		return seen, fmt.Errorf("%w: %w", ErrBadOrder, err)
	}
	if s.Since != nil {
		w.Since = *s.Since
	}
	if s.Until != nil {
		w.Until = *s.Until
	}
	err = b.source.walk(ctx, w, func(l *Letter) error {
		if !b.mine(ctx, l) {
			seen.Others++
			if !s.All {
				return nil
			}
		}
		seen.Letters++
		state := b.state(l)
		if !m.letter(l) || s.State != "" && s.State != state.State {
			return nil
		}
		if len(l.Records) == 0 && (expand || m.Key != nil) {
			if l.Records, _, err = b.read(ctx, l); err != nil {
				return err
			}
		}
		if !m.whole(l) {
			return nil
		}
		seen.Matched++
		return each(Found{*l, state})
	})
	if errors.Is(err, ErrStop) {
		err = nil
	}
	return seen, err
}

// ErrStop ends a walk from inside; it is no failure.
var ErrStop = fmt.Errorf("stop: %w", errEnough)

// Find gives one letter whole.
func (b *Box) Find(ctx context.Context, id string) (Found, error) {
	l, err := b.source.find(ctx, id)
	if err != nil {
		return Found{}, err
	}
	state := b.state(&l)
	if len(l.Records) == 0 {
		if l.Records, _, err = b.read(ctx, &l); err != nil {
			return Found{}, err
		}
	}
	return Found{l, state}, nil
}

func sortedKeys[V any](m map[int32]V) []int32 { return slices.Sorted(maps.Keys(m)) }
