package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// job is what a program under measurement is told.
type job struct {
	Brokers   []string
	Topic     string
	Group     string
	URL       string
	BatchSize int
	Records   int64
	Lanes     int    // a partition, of gantry; 0 = one
	Window    string // of gantry; empty = 500ms. The floor has none: it sends what it has
	Output    string // of gantry's mapping; empty = none
}

func (j job) window() string {
	if j.Window == "" {
		return "500ms"
	}
	return j.Window
}

// runRaw is the client alone: it fetches everything and does nothing with it.
func runRaw(ctx context.Context, j job) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(j.Brokers...), kgo.ConsumeTopics(j.Topic), kgo.DisableClientMetrics())
	if err != nil {
		return err
	}
	defer cl.Close()
	for n := int64(0); n < j.Records; {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			return err
		}
		n += int64(fs.NumRecords())
	}
	return nil
}

// runFloor is the loop one writes by hand to do gantry's work: fetch, encode AWS's
// event, POST, wait, commit. One lane for each partition, one commit in flight, bounded
// fetches. It does no more than that: no retry, no window, no rebalance, no status.
func runFloor(ctx context.Context, j job) error {
	f := &floor{job: j, lanes: map[int32]chan []*kgo.Record{}, done: map[int32]kgo.EpochOffset{}, wake: make(chan struct{}, 1)}
	f.http = &http.Client{Transport: &http.Transport{MaxIdleConns: 100, MaxIdleConnsPerHost: 100}}
	var err error
	f.cl, err = kgo.NewClient(
		kgo.SeedBrokers(j.Brokers...), kgo.ConsumeTopics(j.Topic), kgo.ConsumerGroup(j.Group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.DisableClientMetrics(),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return err
	}
	defer f.cl.Close()
	go f.commit(ctx)
	return f.poll(ctx)
}

type floor struct {
	job   job
	cl    *kgo.Client
	http  *http.Client
	lanes map[int32]chan []*kgo.Record

	mu   sync.Mutex
	done map[int32]kgo.EpochOffset
	wake chan struct{}
}

func (f *floor) poll(ctx context.Context) error {
	for {
		fs := f.cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of a run is told by its ctx
		}
		if err := fs.Err(); err != nil {
			return err
		}
		fs.EachPartition(func(p kgo.FetchTopicPartition) {
			lane := f.lanes[p.Partition]
			if lane == nil {
				lane = make(chan []*kgo.Record) // what waits is what the client holds
				f.lanes[p.Partition] = lane
				go f.lane(ctx, p.Partition, lane)
			}
			lane <- p.Records
		})
	}
}

func (f *floor) lane(ctx context.Context, partition int32, in chan []*kgo.Record) {
	var buf []byte
	prefix := fmt.Sprintf(`{"topic":%q,"partition":%d,"offset":`, f.job.Topic, partition)
	for records := range in {
		for len(records) > 0 {
			n := min(f.job.BatchSize, len(records))
			buf = f.encode(buf[:0], prefix, partition, records[:n])
			f.post(ctx, buf)
			f.settle(records[n-1])
			records = records[n:]
		}
	}
}

func (f *floor) encode(b []byte, prefix string, partition int32, records []*kgo.Record) []byte {
	b = append(b, `{"eventSource":"SelfManagedKafka","bootstrapServers":"b:9092","records":{"`...)
	b = append(b, f.job.Topic...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(partition), 10)
	b = append(b, `":[`...)
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, prefix...)
		b = strconv.AppendInt(b, r.Offset, 10)
		b = append(b, `,"timestamp":`...)
		b = strconv.AppendInt(b, r.Timestamp.UnixMilli(), 10)
		b = append(b, `,"timestampType":"CREATE_TIME"`...)
		if r.Key != nil {
			b = append(b, `,"key":"`...)
			b = base64.StdEncoding.AppendEncode(b, r.Key)
			b = append(b, '"')
		}
		b = append(b, `,"value":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.Value)
		b = append(b, `","headers":[]}`...)
	}
	return append(b, `]}}`...)
}

func (f *floor) post(ctx context.Context, body []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.job.URL, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.http.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			panic(err)
		}
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

func (f *floor) settle(last *kgo.Record) {
	f.mu.Lock()
	f.done[last.Partition] = kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// commit keeps one commit in flight; the next carries the newest offsets.
func (f *floor) commit(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		f.mu.Lock()
		offsets := map[string]map[int32]kgo.EpochOffset{f.job.Topic: f.done}
		f.done = map[int32]kgo.EpochOffset{}
		f.mu.Unlock()
		f.cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
			if err != nil && ctx.Err() == nil {
				panic(err)
			}
		})
	}
}
