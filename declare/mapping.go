package declare

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/google/uuid"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/secret"
)

// place remembers where a mapping stands, for faults found between mappings.
type place struct {
	node ast.Node
	path string
}

var (
	topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	groupName = regexp.MustCompile(`^[a-zA-Z0-9\-/*:_+=.@]{1,200}$`)
)

// UUID is the identity of a mapping declared in a file: the same in every process that
// reads the file, so that they share its group.
func UUID(account, region, name string) string {
	namespace := uuid.NewSHA1(uuid.NameSpaceURL, []byte("gantry"))
	return uuid.NewSHA1(namespace, []byte(account+"/"+region+"/"+name)).String()
}

// draft is a mapping as its entry says it, before it is checked as a whole.
type draft struct {
	mapping.Mapping
	function  string
	functions []*consumer // nil = functions is not given
	topics    []string    // the members that name topics
	filters   []string
	window    time.Duration
	start     string
	at        string
	oversize  string
	failure   string
	isolation string
	pollers   mapping.Pollers
}

// mapping reads one entry of `mappings:`.
func (r *reader) mapping(name string, n ast.Node, path string) {
	d := &draft{window: -1}
	d.Name, d.UUID = name, UUID(r.file.AccountID, r.file.Region, name)
	d.GroupID, d.Enabled, d.Declared, d.File = "gantry."+name, true, true, r.file.Name
	d.BatchSize, d.RetryAttempts, d.RecordAge = mapping.DefaultBatchSize, mapping.Endless, mapping.Endless
	d.Tags = map[string]string{}
	r.object(n, path, r.mappingMembers(d))
	r.consumer(n, path, d)
	r.source(n, path, d)
	r.start(n, path, d)
	r.controls(d)
	r.outputFaults(n, path, d)
	if !groupName.MatchString(d.GroupID) {
		r.fault(n, join(path, "consumerGroupId"), "%q is no consumer group id", d.GroupID)
	}
	r.file.Mappings = append(r.file.Mappings, d.Mapping)
	r.places = append(r.places, place{n, path})
	r.file.lines[path] = lineOf(n)
}

func (r *reader) mappingMembers(d *draft) members {
	window := r.duration(&d.window, 0, mapping.MaxWindow)
	age := r.age(&d.RecordAge)
	attempts := r.number(&d.RetryAttempts, mapping.Endless, mapping.MaxRetryAttempts)
	batch := r.number(&d.BatchSize, 1, mapping.MaxBatchSize)
	pollers := r.pollers(&d.pollers)
	access := r.list(func(n ast.Node, path string) { r.access(n, path, d) })
	failure := r.onFailure(&d.OnFailure)
	return members{
		"function": r.text(&d.function), "FunctionName": r.text(&d.function), "functions": r.consumers(d),
		"cluster": r.text(&d.Source.Cluster), "brokers": r.texts(&d.Source.Bootstrap), "allowPlaintext": r.flag(&d.Source.AllowPlaintext),
		"topic": r.topic(d), "topics": r.topics(d), "Topics": r.topics(d),
		"sourceAccessConfigurations": access, "SourceAccessConfigurations": access,
		"enabled": r.flag(&d.Enabled), "Enabled": r.flag(&d.Enabled),
		"consumerGroupId": r.text(&d.GroupID), "ConsumerGroupId": r.text(&d.GroupID),
		"startingPosition": r.text(&d.start), "StartingPosition": r.text(&d.start),
		"startingPositionTimestamp": r.text(&d.at), "StartingPositionTimestamp": r.text(&d.at),
		"batchSize": batch, "BatchSize": batch,
		"maximumBatchingWindow": window, "MaximumBatchingWindowInSeconds": window,
		"filters": r.filters(&d.filters), "maximumRetryAttempts": attempts, "MaximumRetryAttempts": attempts,
		"maximumRecordAge": age, "MaximumRecordAgeInSeconds": age,
		"bisectBatchOnFunctionError": r.flag(&d.Bisect), "BisectBatchOnFunctionError": r.flag(&d.Bisect),
		"functionResponseTypes": r.responses(d), "FunctionResponseTypes": r.responses(d),
		"reportBatchItemFailures": r.flag(&d.PartialAnswers),
		"onFailure":               failure, "pollers": pollers, "ProvisionedPollerConfig": pollers,
		"oversize": r.oneOf(&d.oversize, "hold", "drop"), "onDestinationFailure": r.oneOf(&d.failure, "retry", "drop"),
		"isolation":      r.oneOf(&d.isolation, "read_committed", "read_uncommitted"),
		"sessionTimeout": r.duration(&d.SessionTimeout, time.Second, 30*time.Minute),
		"logLevel":       r.oneOf(&d.SystemLogLevel, mapping.LogDebug, mapping.LogInfo, mapping.LogWarn),
		"tags":           r.tags(d.Tags), "Tags": r.tags(d.Tags),
		"output": r.output(d), "lanes": r.lanes(&d.Lanes), "consumptionMode": r.later, "schemaRegistry": r.later, "network": r.networkNames(&d.Source.Networks),
	}
}

// age is -1 for none, or within AWS's limits.
func (r *reader) age(to *time.Duration) read {
	return func(n ast.Node, path string) {
		if s, ok := plain(n).(*ast.IntegerNode); ok && s.GetToken().Value == "-1" {
			*to = mapping.Endless
			return
		}
		r.duration(to, mapping.MinRecordAge, mapping.MaxRecordAge)(n, path)
	}
}

func (r *reader) pollers(to *mapping.Pollers) read {
	return func(n ast.Node, path string) {
		*to = mapping.Pollers{Minimum: 1, Maximum: mapping.DefaultMaximumPollers}
		least, most := r.number(&to.Minimum, 1, mapping.MaxMinimumPollers), r.number(&to.Maximum, 1, mapping.MaxMaximumPollers)
		r.object(n, path, members{"minimum": least, "MinimumPollers": least, "maximum": most, "MaximumPollers": most, "PollerGroupName": r.later})
		if to.Maximum < to.Minimum {
			r.fault(n, path, "maximum %d is less than minimum %d", to.Maximum, to.Minimum)
		}
	}
}

func (r *reader) access(n ast.Node, path string, d *draft) {
	var a mapping.Access
	var literal string
	uri := func(n ast.Node, path string) {
		r.text(&literal)(n, path)
		a.URI = secret.Anchor(literal, r.id.Dir)
	}
	r.object(n, path, members{"type": r.text(&a.Type), "Type": r.text(&a.Type), "uri": uri, "URI": uri})
	_, network := a.Network()
	if !network && !slices.Contains(mapping.AccessTypes(), a.Type) {
		r.fault(n, join(path, "type"), "%q is not supported; want one of %s", a.Type, strings.Join(mapping.AccessTypes(), ", "))
		return
	}
	switch {
	case a.Bare() && literal != "":
		r.fault(n, path, "%s has no uri: AWS's credentials sign; leave it out", a.Type)
	case !a.Bare() && literal == "":
		r.fault(n, path, "%s: uri is missing", a.Type)
	case a.Literal():
		a.URI = literal
	}
	d.Source.Access = append(d.Source.Access, a)
}

func (r *reader) onFailure(to *string) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "kafka://TOPIC, s3://BUCKET or an ARN")
		s = mapping.BucketARN(s)
		if _, err := mapping.ParseDestination(s); err != nil && ok {
			r.fault(n, path, "%s", err)
			return
		}
		*to = s
	}
}

func (r *reader) responses(d *draft) read {
	return r.list(func(n ast.Node, path string) {
		var kind string
		r.oneOf(&kind, mapping.ReportBatchItemFailures)(n, path)
		d.PartialAnswers = d.PartialAnswers || kind != ""
	})
}

// source finds the cluster and holds the topics against the rest.
func (r *reader) source(n ast.Node, path string, d *draft) {
	r.topicFaults(n, path, d)
	for _, err := range mapping.AccessFaults(d.Source.Access) {
		r.fault(n, join(path, "sourceAccessConfigurations"), "%s", err)
	}
	cluster, known := r.file.Clusters[d.Source.Cluster]
	switch {
	case (d.Source.Cluster == "") == (len(d.Source.Bootstrap) == 0):
		r.fault(n, path, "want exactly one of cluster (a name in clusters:) and brokers")
	case d.Source.Cluster != "" && !known && !r.id.AnyCluster:
		r.fault(n, join(path, "cluster"), "%q is no name in clusters:", d.Source.Cluster)
	case known:
		d.Source.Bootstrap, d.Source.ARN = cluster.Brokers, cluster.ARN
	default:
		if err := (kafka.Config{Brokers: d.Source.Bootstrap}).Validate(); err != nil && len(d.Source.Bootstrap) > 0 {
			r.fault(n, path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

// start reads the starting position, which a file must say: what begins where is
// nothing to guess.
func (r *reader) start(n ast.Node, path string, d *draft) {
	d.Start = mapping.Start(d.start)
	switch d.Start {
	case mapping.TrimHorizon, mapping.Latest:
		if d.at != "" {
			r.fault(n, path, "startingPositionTimestamp goes with startingPosition: AT_TIMESTAMP only")
		}
	case mapping.AtTimestamp:
		r.timestamp(n, path, d)
	case "":
		r.fault(n, path, "startingPosition is missing: TRIM_HORIZON (the oldest record), LATEST (only new records) or AT_TIMESTAMP")
	default:
		r.fault(n, join(path, "startingPosition"), "%q is not known; want TRIM_HORIZON, LATEST or AT_TIMESTAMP", d.start)
	}
}

func (r *reader) timestamp(n ast.Node, path string, d *draft) {
	at, err := time.Parse(time.RFC3339, d.at)
	if seconds, bad := strconv.ParseFloat(d.at, 64); bad == nil {
		at, err = time.UnixMilli(int64(seconds*1000)), nil
	}
	if err != nil {
		r.fault(n, join(path, "startingPositionTimestamp"), "%q is no time; want 2026-01-31T12:00:00Z or Unix seconds", d.at)
		return
	}
	if at.After(time.Now()) {
		r.fault(n, join(path, "startingPositionTimestamp"), "%s lies in the future", cmp.Or(d.at, "the time"))
	}
	d.StartTime = at.UTC()
}

func (r *reader) controls(d *draft) {
	if d.window >= 0 {
		d.Window = &d.window
	}
	if d.pollers.Maximum > 0 {
		d.Pollers = &d.pollers
	}
	d.OversizeDrop, d.DestinationFailureDrop = d.oversize == "drop", d.failure == "drop"
	d.ReadUncommitted = d.isolation == "read_uncommitted"
}

// crossCheck finds what is wrong between mappings: a group may not be used twice.
func (r *reader) crossCheck() {
	groups := map[string]string{}
	for i, m := range r.file.Mappings {
		if other, taken := groups[m.GroupID]; taken {
			r.fault(r.places[i].node, r.places[i].path, "consumer group %q is used by mapping %s already", m.GroupID, other)
		}
		groups[m.GroupID] = m.Name
	}
}
