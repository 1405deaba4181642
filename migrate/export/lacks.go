package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/function"
	"gantry/mapping"
)

// Feature is something a mapping uses here that it can't have in AWS.
type Feature struct {
	Name  string `json:"name"` // as --accept takes it
	Of    string `json:"of"`   // the mapping or function
	Here  string `json:"here"`
	There string `json:"there"` // what the template has in its place

	part  string // the resource of the template, see builder
	place string // the property of it, "" = the resource
}

// Known is a feature there may be, for the command's help.
type Known struct{ Name, About string }

// Catalogue is every feature that can be missing in AWS, by name.
func Catalogue() []Known {
	return []Known{
		{"async-destination", "events of asynchronous invocations go to a Kafka topic"},
		{"broker-address", "brokers that AWS's list can't hold"},
		{"client-certificate", "a client certificate beside a SASL login"},
		{"delegation-token", "a login with a delegation token"},
		{"destination-failure", "a dead letter that can't be delivered is tried again, not dropped"},
		{"event-source", "events say SelfManagedKafka for a cluster that AWS knows by its ARN"},
		{"filter-count", "more filters than AWS's quota of five"},
		{"filter-fields", "filters on something else than the value"},
		{"filter-operators", "filters with operators that AWS's guide does not have"},
		{"functions", "several functions behind one consumer group"},
		{"http", "a function behind HTTP"},
		{"integration", "a ready-made function"},
		{"isolation", "isolation: read_uncommitted"},
		{"kerberos", "a login with Kerberos"},
		{"lanes", "several lanes a partition"},
		{"loopback", "brokers that only this machine reaches"},
		{"networks", "networks: proxies, jump hosts, name servers on the way to the brokers"},
		{"function-networks", "networks: on the way of the function"},
		{"oauth", "a token of a kind or with extensions that AWS has no words for"},
		{"output", "the function's answers become records"},
		{"oversize", "a partition stands at a record over the payload limit"},
		{"plaintext-login", "a SASL login without TLS"},
		{"processes", "a largest number of processes"},
		{"produce", "the function writes to Kafka through gantry in the middle of its work"},
		{"roles", "the function's role stands for other credentials here"},
		{"session-timeout", "a session timeout of one's own"},
		{"timeout", "a timeout over AWS's 14 minutes for functions behind Kafka"},
		{"tls-options", "options of TLS: any host name, protocols, cipher suites"},
		{"topic-name", "a topic whose name AWS's API refuses"},
		{"topics", "several topics"},
		{"transactional", "answers and offsets in one transaction"},
		{"user", "the function runs as a user of this machine"},
	}
}

func knownNames() []string {
	var names []string
	for _, f := range Catalogue() {
		names = append(names, f.Name)
	}
	return names
}

// lack notes a feature. part and place say where its comment goes.
func (b *builder) lack(part, place string, f Feature) {
	f.part, f.place = part, place
	b.lacks = append(b.lacks, f)
}

// mappingLacks are what AWS lacks of a mapping beside its source.
func (b *builder) mappingLacks(part string, m mapping.Mapping) {
	of := "mapping " + cmp.Or(m.Name, m.UUID)
	say := func(name, place, here, there string) {
		b.lack(part, place, Feature{Name: name, Of: of, Here: here, There: there})
	}
	if o := m.Output; o != nil {
		say("output", "", "answers become records of "+strings.Join(topicsOf(o), ", "), "answers are thrown away; let the function write them itself")
		if o.Transactional {
			say("transactional", "", "answers and offsets are one transaction", "at least once; what the function writes may be there twice")
		}
	}
	if l := m.Lanes.InForce(); l.PerPartition > 1 {
		say("lanes", "", fmt.Sprintf("%d lanes a partition, order by %s", l.PerPartition, l.Order), "one invocation at a time for each partition: give the topic more partitions")
	}
	if m.OnFailure == "" && !m.OversizeDrop {
		say("oversize", "", "a partition stands at a record of over 6 MB until somebody decides (oversize: hold)", "the record is dropped; with onFailure its place is told")
	}
	if m.OnFailure != "" && !m.DestinationFailureDrop {
		say("destination-failure", "DestinationConfig", "a dead letter that can't be delivered is tried again (onDestinationFailure: retry)", "counted in DestinationDeliveryFailures, and the records are dropped")
	}
	if m.ReadUncommitted {
		say("isolation", "", "reads records of open transactions (isolation: read_uncommitted)", "no such setting")
	}
	if m.SessionTimeout != 0 {
		say("session-timeout", "", fmt.Sprintf("a session timeout of %s", m.SessionTimeout), "AWS's own")
	}
	b.topicLacks(part, of, m.Source.Topics)
}

func (b *builder) topicLacks(part, of string, topics []string) {
	if len(topics) > 1 {
		b.lack(part, "Topics", Feature{Name: "topics", Of: of, Here: "reads " + strings.Join(topics, ", "), There: "one topic a mapping: only " + topics[0] + "; the others need mappings and groups of their own"})
	}
	for _, topic := range topics {
		if len(topic) < 2 || strings.HasPrefix(topic, ".") {
			b.lack(part, "Topics", Feature{Name: "topic-name", Of: of, Here: "reads topic " + topic, There: "AWS's API wants two characters or more and no dot in front: the template will be refused until the topic has another name"})
		}
	}
}

func topicsOf(o *mapping.Output) []string {
	return slices.DeleteFunc(append([]string{o.Topic}, o.Topics...), func(t string) bool { return t == "" })
}

// functionLacks are what AWS lacks of a function that runs here.
func (b *builder) functionLacks(part string, fn function.Function, c Case) {
	of := "function " + fn.Name
	say := func(name, place, here, there string) {
		b.lack(part, place, Feature{Name: name, Of: of, Here: here, There: there})
	}
	if fn.Timeout > function.MaxTimeout {
		say("timeout", "Timeout", fmt.Sprintf("a timeout of %s", fn.Timeout), "14 minutes")
	}
	if fn.Produce != nil {
		say("produce", "", "writes to "+strings.Join(fn.Produce.Topics, ", ")+" through gantry", "its own Kafka client, or this gantry over the network with a key of its own (docs/produce.md)")
	}
	if fn.User != "" {
		say("user", "", "runs as "+fn.User, "AWS isolates functions itself")
	}
	if len(fn.Networks) > 0 {
		say("function-networks", "", "goes through "+strings.Join(fn.Networks, ", "), "outside of a VPC; give it a VpcConfig where it must reach private addresses")
	}
	if fn.Processes > 0 && fn.Concurrency == nil {
		say("processes", "", fmt.Sprintf("at most %d processes", fn.Processes), "as many as there are partitions at work; reserve concurrency to bound it")
	}
	if role, ok := c.Roles[fn.Role]; fn.Role != "" && (!ok || !role.Assume) {
		say("roles", "Role", c.Roles.Grants(fn.Role)+" ("+fn.Role+")", "the role itself, with what it is granted there")
	}
	b.asyncLacks(part, of, fn)
}

func (b *builder) asyncLacks(part, of string, fn function.Function) {
	a := fn.Async
	if a == nil || a.OnSuccess == "" && a.OnFailure == "" {
		return
	}
	to := slices.DeleteFunc([]string{a.OnSuccess, a.OnFailure}, func(s string) bool { return s == "" })
	b.lack(part, "", Feature{Name: "async-destination", Of: of, Here: "asynchronous events go to " + strings.Join(to, ", "), There: "no destination; AWS has SQS, SNS, Lambda, S3 and EventBridge"})
}

// seconds is a time as AWS's members count it.
func seconds(d time.Duration) int { return int(d / time.Second) }
