// Package ledger keeps what a migration did, line by line, in a topic of the cluster the
// service reads from and in a file beside gantry's data. The topic is the truth: another
// host recovers the migration from it. Lines are chained by hashes, and whoever opens a
// ledger fences the one who had it open before, by Kafka's transactional ids.
//
// In the topic a line is one record: the key is the plan's name, the value the line as JSON,
// and the header sha256 the SHA-256 of the value in hex; the member prev of a line is the
// hash of the line before. The file holds "HASH JSON" a line. So a script that knows nothing
// of gantry can check either.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// DefaultTopic is where ledgers are kept unless the configuration names another topic.
const DefaultTopic = "gantry.ledger"

// IDPrefix begins the transactional id of a ledger's writer; the plan's name follows.
const IDPrefix = "gantry.ledger."

const hashHeader = "sha256"

// ErrFenced says that somebody else has the ledger now: on another host, or a later command.
var ErrFenced = errors.New("somebody else has taken the migration over")

// Config says where a ledger is.
type Config struct {
	Cluster kafka.Cluster
	Topic   string // "" = DefaultTopic
	Like    string // a topic whose replicas the ledger's topic gets when it is made
	Plan    string
	File    string           // the copy; "" = none
	Now     func() time.Time // nil = the clock
}

func (c *Config) topic() string {
	if c.Topic == "" {
		return DefaultTopic
	}
	return c.Topic
}

// Ledger is an open ledger: this process is its only writer. Safe for use by many
// goroutines.
type Ledger struct {
	cfg Config

	mu     sync.Mutex
	admin  *kafka.Admin
	writer *kafka.Atomic // nil after a write whose end is not known
	lines  []plan.Line
	epoch  int64
	lost   error
}

// Open takes a ledger over and reads it. Whoever had it open can't write it any more.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	admin, err := kafka.Open(cfg.Cluster)
	if err != nil {
		return nil, err
	}
	l := &Ledger{cfg: cfg, admin: admin}
	if err := l.open(ctx); err != nil {
		l.Close()
		return nil, fmt.Errorf("open the ledger of %s: %w", cfg.Plan, err)
	}
	return l, nil
}

func (l *Ledger) open(ctx context.Context) error {
	if err := l.admin.MakeKept(ctx, l.cfg.topic(), l.cfg.Like); err != nil {
		return err
	}
	if err := l.take(ctx); err != nil {
		return err
	}
	l.epoch = last(l.lines).Epoch + 1
	return l.copyAll()
}

// take fences every other writer and reads what there is. Nobody writes after it.
func (l *Ledger) take(ctx context.Context) error {
	writer, err := kafka.NewAtomic(ctx, l.cfg.Cluster, IDPrefix+l.cfg.Plan)
	if err != nil {
		return err
	}
	l.writer = writer
	l.lines, err = read(ctx, l.admin, l.cfg.topic(), l.cfg.Plan)
	return err
}

// Close lets go of the ledger. Twice is harmless.
func (l *Ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writer != nil {
		l.writer.Close()
		l.writer = nil
	}
	l.admin.Close()
	l.lost = errors.Join(l.lost, errors.New("the ledger is closed"))
}

// Lines gives what is in the ledger.
func (l *Ledger) Lines() []plan.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// Epoch counts the openings of the ledger: this one's number.
func (l *Ledger) Epoch() int64 { return l.epoch }

// Append writes a line and returns when every replica that is in sync has it. Plan,
// sequence, epoch, time and hashes are set here. After an error nothing is known of the
// line but what the next Append finds: it looks before it writes.
func (l *Ledger) Append(ctx context.Context, line plan.Line) (plan.Line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return line, l.lost
	}
	if l.writer == nil {
		if err := l.retake(ctx); err != nil {
			return line, fmt.Errorf("take the ledger of %s up again: %w", l.cfg.Plan, err)
		}
	}
	before := last(l.lines)
	line.Plan, line.Sequence, line.Epoch, line.Previous = l.cfg.Plan, before.Sequence+1, l.epoch, before.Hash
	line.At = l.cfg.Now().UTC()
	body, err := json.Marshal(line)
	if err != nil {
		return line, fmt.Errorf("line %d of the ledger of %s: %w", line.Sequence, l.cfg.Plan, err)
	}
	kept := seal(body)
	line.Hash, line.Written = kept.hash, kept.body
	if err := l.write(ctx, kept); err != nil {
		return line, fmt.Errorf("write line %d of the ledger of %s (%s %s): %w", line.Sequence, l.cfg.Plan, line.Phase, line.Step, err)
	}
	l.lines = append(l.lines, line)
	return line, l.copyOne(kept)
}

// write brings a line into the topic. Where the end of the write is not known it looks.
func (l *Ledger) write(ctx context.Context, kept sealed) error {
	err := l.writer.Write(ctx, []kafka.Addressed{{Topic: l.cfg.topic(), Message: kafka.Message{
		Key: []byte(l.cfg.Plan), Value: kept.body, Headers: []record.Header{{Key: hashHeader, Value: []byte(kept.hash)}},
	}}})
	if err == nil {
		return nil
	}
	l.writer.Close()
	l.writer = nil
	if errors.Is(err, kafka.ErrFenced) {
		l.lost = fmt.Errorf("%w (%w)", ErrFenced, err)
		return l.lost
	}
	if again := l.retake(ctx); again != nil {
		return errors.Join(err, again)
	}
	if at := len(l.lines) - 1; at >= 0 && l.lines[at].Hash == kept.hash {
		l.lines = l.lines[:at] // the caller adds it
		return nil
	}
	return err
}

// retake opens the writer again after a write whose end is not known. Somebody who took the
// ledger meanwhile has left lines of a later epoch, and keeps it.
func (l *Ledger) retake(ctx context.Context) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	if found := last(l.lines); found.Epoch > l.epoch {
		l.lost = fmt.Errorf("%w: line %d is by %s", ErrFenced, found.Sequence, found.Actor)
		return l.lost
	}
	return nil
}

func last(lines []plan.Line) plan.Line {
	if len(lines) == 0 {
		return plan.Line{}
	}
	return lines[len(lines)-1]
}
