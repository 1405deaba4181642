// Package s3 is the integration that writes records to Amazon S3, or to what speaks its
// API: one object for the records of each partition in a batch.
//
// The flow: the records of a partition are grouped by the prefix that each fills (by
// event time, say), a group becomes the rows of one object (rows.go), is encoded
// (encode.go) and put under a name of its offsets.
//
// Invariants: an object's name and bytes depend on its records alone, so a batch that
// comes again overwrites what it wrote with the same; a group is written whole or not
// at all.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"gantry/cloud/places"
	"gantry/sink"
)

// Spec is the catalogue's entry.
func Spec() sink.Spec {
	return sink.Spec{
		Name: "s3", Title: "Amazon S3",
		About:    "Writes the records of each partition in a batch as one object: JSON lines, Avro or Parquet.",
		Settings: settings(),
		Policy: func(s sink.Settings) []sink.Statement {
			list := []sink.Statement{sink.Allow("arn:aws:s3:::"+s["bucket"]+"/*", "s3:PutObject")}
			if key := s["kmsKey"]; key != "" {
				list = append(list, sink.Allow(key, "kms:GenerateDataKey"))
			}
			return list
		},
		Limits: "One PUT for each group of a batch, 6 MB at most, so no multipart upload; S3 takes 3,500 of them a second for each prefix. Objects get larger with the mapping's maximumBatchingWindow and batchSize.",
		Repeats: "Idempotent for a batch: an object is named by topic, partition, first and last offset (and a digest where not all between the two are in it), and a batch that comes again overwrites it with the same bytes. " +
			"After a restart or a rebalance the same records may come in batches cut otherwise, and then stand in two objects; the columns topic, partition and offset tell.",
		Example: example,
		Valid:   valid,
		New:     open,
	}
}

const example = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  order-archive:
    integration: s3
    settings:
      bucket: archive
      prefix: '{{ .topic }}/date={{ .time.Format "2006-01-02" }}/'
      format: parquet
      columns: topic string, partition int, offset long, timestamp timestamp, key string, order_id string value.id, total double value.total
    timeout: 1m
mappings:
  orders-to-archive: { function: order-archive, cluster: onprem, topic: orders, startingPosition: TRIM_HORIZON, batchSize: 10000, maximumBatchingWindow: 1m, maximumRetryAttempts: 10, onFailure: "kafka://orders.dead" }
`

func settings() []sink.Setting {
	return []sink.Setting{
		{Name: "bucket", Required: true, About: "the bucket's name", Example: "archive", Check: checkBucket},
		{Name: "prefix", About: "what begins the objects' names; a template, whose values divide a batch", Default: "{{ .topic }}/partition={{ .partition }}/", Check: sink.CheckTemplate},
		{Name: "format", About: "of the objects: JSON lines, also packed; Avro object container files; Parquet", Default: "jsonl", Values: []string{"jsonl", "jsonl.gz", "jsonl.zst", "avro", "parquet"}},
		{Name: "compression", About: "within Avro and Parquet; gzip is Avro's deflate", Default: "snappy", Values: []string{"none", "snappy", "gzip", "zstd"}},
		{Name: "columns", About: "what a row holds: NAME TYPE, or NAME TYPE PATH where PATH begins with key, value, headers, topic, partition, offset or timestamp; TYPE is one of bool, int, long, double, bytes, string, timestamp, json. What a record lacks is null; what does not fit refuses the record",
			Default: "", Example: "offset long, id string value.id", Check: checkColumns},
		{Name: "exists", About: "an object that is there already: overwrite it, or keep it (If-None-Match) and take the records for written", Default: "overwrite", Values: []string{"overwrite", "keep"}},
		{Name: "encryption", About: "server-side encryption asked for; empty leaves it to the bucket", Values: []string{"AES256", "aws:kms", "aws:kms:dsse"}},
		{Name: "kmsKey", About: "the KMS key of encryption aws:kms", Example: "arn:aws:kms:eu-west-1:123456789012:key/…"},
		{Name: "storageClass", About: "of the objects", Example: "STANDARD_IA"},
		{Name: "owner", About: "the account that the bucket must belong to", Example: "123456789012"},
		{Name: "region", About: "the bucket's, where it is not that of aws:"},
		{Name: "parallel", About: "objects that are put side by side", Default: "8", Check: sink.Number(1, 64)},
	}
}

func checkBucket(name string) error {
	if len(name) < 3 || len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return fmt.Errorf("%q is no bucket: 3 to 63 lower-case letters, digits, dots and hyphens", name)
	}
	return nil
}

func valid(s sink.Settings) []error {
	var errs []error
	if s["kmsKey"] != "" && !strings.HasPrefix(s["encryption"], "aws:kms") {
		errs = append(errs, errors.New("kmsKey: goes with encryption: aws:kms"))
	}
	if _, err := arn.Parse(s["kmsKey"]); s["kmsKey"] != "" && err != nil {
		errs = append(errs, errors.New("kmsKey: want the key's ARN"))
	}
	return errs
}

// bucket is the Sink.
type bucket struct {
	settings sink.Settings
	places   places.Bucket
	prefix   *sink.Template
	columns  []column
	encoding encoding
}

func open(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	b := &bucket{settings: s, places: places.Bucket{Client: places.Client{Config: d.AWS}, Name: s["bucket"], Region: s["region"]}}
	var err error
	if b.prefix, err = sink.ParseTemplate(s["prefix"]); err != nil {
		return nil, err
	}
	if b.columns, err = parseColumns(s["columns"]); err != nil {
		return nil, err
	}
	b.encoding, err = encodingOf(s["format"], s["compression"], b.columns)
	return b, err
}

// Close implements sink.Sink.
func (b *bucket) Close() error { return nil }

// group is what becomes one object.
type group struct {
	prefix string
	part   []int // the records, of one partition, in order
}

// Write implements sink.Sink.
func (b *bucket) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	groups, failed := b.groups(records)
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, b.settings.Int("parallel"))
	for _, g := range groups {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			lost := b.put(ctx, records, g)
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, lost...)
		})
	}
	all.Wait()
	// An object is whole whatever becomes of others, and where a record stands is told by
	// its columns: nothing has to come again because of another.
	return sink.Result{Failed: failed, Unordered: true}, nil
}

// groups divides records by partition and prefix.
func (b *bucket) groups(records []sink.Record) (groups []group, failed []sink.Failure) {
	for _, part := range sink.Parts(records) {
		at := map[string]int{}
		for _, i := range part {
			prefix, err := b.prefix.Fill(&records[i])
			if err != nil {
				failed = append(failed, sink.Failure{Index: i, Err: err})
				continue
			}
			n, known := at[prefix]
			if !known {
				n = len(groups)
				at[prefix] = n
				groups = append(groups, group{prefix: prefix})
			}
			groups[n].part = append(groups[n].part, i)
		}
	}
	return groups, failed
}

// put writes one object. Records that no row can be made of are refused, and are not in it.
func (b *bucket) put(ctx context.Context, records []sink.Record, g group) (failed []sink.Failure) {
	var rows [][]any
	var kept []int
	for _, i := range g.part {
		row, err := rowOf(b.columns, &records[i])
		if err != nil {
			failed = append(failed, sink.Failure{Index: i, Err: err})
			continue
		}
		rows, kept = append(rows, row), append(kept, i)
	}
	if len(kept) == 0 {
		return failed
	}
	body, err := b.encoding.encode(rows)
	if err == nil {
		err = b.send(ctx, b.name(records, g.prefix, kept), body, header(b.settings, b.encoding, records, kept))
	}
	if err != nil {
		for _, i := range kept {
			failed = append(failed, sink.Failure{Index: i, Err: err})
		}
	}
	return failed
}

// name is the same for the same records, and for no others. The folder is the owner's to
// choose; the rest keeps objects of other partitions apart whatever the folder is. Where
// the records are not all between the first and the last (several lanes, transactions, a
// prefix by value), a batch cut otherwise may have the same ends: a digest keeps the two
// apart, or the one would overwrite records of the other.
func (b *bucket) name(records []sink.Record, prefix string, kept []int) string {
	first, last := &records[kept[0]], &records[kept[len(kept)-1]]
	file := fmt.Sprintf("%s-%d-%020d-%020d", first.Topic, first.Partition, first.Offset, last.Offset)
	if !sink.Gapless(records, kept) {
		file += "-" + sink.Digest(records, kept)
	}
	return strings.TrimLeft(prefix, "/") + file + "." + b.encoding.extension
}

func header(s sink.Settings, e encoding, records []sink.Record, kept []int) map[string]string {
	first, last := &records[kept[0]], &records[kept[len(kept)-1]]
	h := map[string]string{
		"Content-Type":              e.contentType,
		places.MetaPrefix + "Topic": first.Topic, places.MetaPrefix + "Partition": fmt.Sprint(first.Partition),
		places.MetaPrefix + "First": fmt.Sprint(first.Offset), places.MetaPrefix + "Last": fmt.Sprint(last.Offset),
		places.MetaPrefix + "Count":    fmt.Sprint(len(kept)),
		"X-Amz-Server-Side-Encryption": s["encryption"], "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": s["kmsKey"],
		"X-Amz-Storage-Class": s["storageClass"], "X-Amz-Expected-Bucket-Owner": s["owner"],
	}
	if s["exists"] == "keep" {
		h["If-None-Match"] = "*"
	}
	return h
}

// send puts an object, and says how what went wrong is to be taken.
func (b *bucket) send(ctx context.Context, key string, body []byte, header map[string]string) error {
	err := b.places.PutWith(ctx, key, body, header)
	var refused *places.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		cause := sink.Failed
		if sink.NotSent(err) {
			cause = sink.Busy
		}
		return &sink.Fault{Cause: cause, Err: fmt.Errorf("put s3://%s/%s: %w", b.settings["bucket"], key, err)}
	case refused.Status == http.StatusPreconditionFailed && b.settings["exists"] == "keep":
		return nil // it is there
	}
	return &sink.Fault{Cause: causeOf(refused), Err: fmt.Errorf("put s3://%s/%s: %w%s", b.settings["bucket"], key, err, advice(refused))}
}

// causeOf reads S3's errors (API reference, "Error responses").
func causeOf(e *places.Error) sink.Cause {
	switch {
	case e.Code == "SlowDown", e.Status == http.StatusServiceUnavailable, e.Status == http.StatusTooManyRequests, e.Code == "OperationAborted", e.Status == http.StatusConflict:
		return sink.Busy
	case e.Code == "EntityTooLarge":
		return sink.Refused
	case e.Status >= 500 || e.Code == "RequestTimeout" || e.Code == "RequestTimeTooSkewed":
		return sink.Failed
	}
	return sink.Misconfigured // no such bucket, not allowed, bad key
}

func advice(e *places.Error) string {
	switch e.Code {
	case "AccessDenied":
		return "; allow s3:PutObject on the bucket (gantry integrations show s3)"
	case "NoSuchBucket":
		return "; make the bucket, or correct the setting bucket"
	}
	return ""
}
