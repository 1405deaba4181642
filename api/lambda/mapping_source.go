package lambda

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"gantry/mapping"
)

// AWS's patterns of the members that name a source.
var (
	sourceARNPattern = whole(`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`)
	brokerPattern    = whole(`(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9]):[0-9]{1,5}`)
	topicPattern     = whole(`[^.]([a-zA-Z0-9\-_.]+)`)
	uriPattern       = whole(`[ a-zA-Z0-9-\/*:_+=.@-]*`)
)

// accessTypes are AWS's, in its order.
var accessTypes = []string{
	mapping.BasicAuth, mapping.VPCSubnet, mapping.VPCSecurityGroup, mapping.ScramSHA512, mapping.ScramSHA256, virtualHost,
	mapping.ClientTLS, mapping.ServerRootCA, mapping.OAuth, mapping.OAuthScope, mapping.OAuthAudience, mapping.OAuthCluster, mapping.OAuthPool,
	mapping.IAM, mapping.IAMOAuth,
}

// virtualHost is for RabbitMQ.
const virtualHost = "VIRTUAL_HOST"

// mappingSource is what a creation says about the cluster it reads.
type mappingSource struct {
	EventSourceArn                      *string            `json:"EventSourceArn"`
	SelfManagedEventSource              *selfManagedSource `json:"SelfManagedEventSource"`
	SelfManagedKafkaEventSourceConfig   *kafkaSourceConfig `json:"SelfManagedKafkaEventSourceConfig"`
	AmazonManagedKafkaEventSourceConfig *kafkaSourceConfig `json:"AmazonManagedKafkaEventSourceConfig"`
	Topics                              *[]string          `json:"Topics"`
}

func (s *Server) sourceFaults(in *mappingSource, access *[]accessShape, f *faults) {
	topicFaults(in.Topics, f)
	groupFaults("selfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig, f)
	groupFaults("amazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig, f)
	switch {
	case in.EventSourceArn != nil && in.SelfManagedEventSource != nil:
		f.refuse("EventSourceArn and SelfManagedEventSource are both given; a mapping has one source")
	case in.EventSourceArn != nil:
		s.arnFaults(in, f)
	case in.SelfManagedEventSource != nil:
		s.selfManagedFaults(in, access, f)
	default:
		f.refuse("Unrecognized event source.")
	}
}

func topicFaults(topics *[]string, f *faults) {
	if topics == nil {
		f.refuse("Topics is required for a Kafka event source: one topic")
		return
	}
	f.count("topics", *topics, len(*topics), 1, 1)
	for i, topic := range *topics {
		f.text(member("topics", i), &topic, length(1, 249), pattern(topicPattern))
	}
}

func groupFaults(field string, c *kafkaSourceConfig, f *faults) {
	if c != nil {
		f.text(field+".consumerGroupId", c.ConsumerGroupID, length(1, mapping.MaxGroupIDLen), pattern(uriPattern))
	}
}

func (s *Server) arnFaults(in *mappingSource, f *faults) {
	arn := *in.EventSourceArn
	f.text("eventSourceArn", &arn, length(0, 10_000), pattern(sourceARNPattern))
	switch parts := strings.SplitN(arn, ":", 4); {
	case len(parts) < 4:
	case parts[2] != "kafka":
		f.refuse("EventSourceArn: %s is a source of service %s; gantry reads Kafka only", shorten(arn), parts[2])
	case s.cfg.Cluster(mapping.Source{ARN: arn}) == "":
		f.refuse("EventSourceArn: %s is not a name in clusters: of the configuration; add it there with its brokers", shorten(arn))
	}
	if in.SelfManagedKafkaEventSourceConfig.named() {
		f.refuse("SelfManagedKafkaEventSourceConfig does not apply to an EventSourceArn; use AmazonManagedKafkaEventSourceConfig")
	}
}

func (c *kafkaSourceConfig) named() bool { return c != nil && c.ConsumerGroupID != nil }

func (s *Server) selfManagedFaults(in *mappingSource, access *[]accessShape, f *faults) {
	if in.AmazonManagedKafkaEventSourceConfig.named() {
		f.refuse("AmazonManagedKafkaEventSourceConfig does not apply to a SelfManagedEventSource; use SelfManagedKafkaEventSourceConfig")
	}
	const field = "selfManagedEventSource.endpoints"
	endpoints := in.SelfManagedEventSource.Endpoints
	f.count(field, endpoints, len(endpoints), 1, 2)
	for _, key := range slices.Sorted(maps.Keys(endpoints)) {
		f.text(field, &key, oneOf(bootstrapKey))
	}
	brokers, given := endpoints[bootstrapKey]
	if !given {
		return
	}
	f.count(field+"."+bootstrapKey, brokers, len(brokers), 1, 10)
	for i, broker := range brokers {
		f.text(member(field+"."+bootstrapKey, i), &broker, length(1, 300), pattern(brokerPattern))
	}
	s.plaintextFaults(mapping.Source{Bootstrap: brokers}, access, f)
}

// plaintextFaults demands access for brokers that are neither on loopback nor in the
// configuration: without it the connection could only be plaintext.
func (s *Server) plaintextFaults(source mapping.Source, access *[]accessShape, f *faults) {
	if access != nil {
		source.Access = accessOf(*access)
	}
	private := s.cfg.Networks.Plaintext(source.NetworkNames()...)
	if len(source.Identity()) > 0 || private || onLoopback(source.Bootstrap) || s.cfg.Cluster(source) != "" {
		return
	}
	f.refuse("Required 'sourceAccessConfigurations' parameter is missing.")
}

func onLoopback(brokers []string) bool {
	return !slices.ContainsFunc(brokers, func(broker string) bool {
		host, _, err := net.SplitHostPort(broker)
		ip := net.ParseIP(host)
		return err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback())
	})
}

// accessFaults checks how a mapping says who it is and which networks it goes through.
// What a secret holds is found out when the mapping connects.
func (s *Server) accessFaults(access []accessShape, f *faults) {
	f.count("sourceAccessConfigurations", fmt.Sprintf("(%d entries)", len(access)), len(access), 0, 23)
	for i, a := range access {
		f.text(member("sourceAccessConfigurations", i, "type"), a.Type, oneOf(accessTypes...))
		f.text(member("sourceAccessConfigurations", i, "uRI"), a.URI, length(1, 200), pattern(uriPattern))
		if a.Type == nil {
			f.refuse("SourceAccessConfigurations: entry %d has no Type", i+1)
			continue
		}
		uriFaults(i, a, f)
	}
	for _, err := range mapping.AccessFaults(accessOf(access)) {
		f.refuse("SourceAccessConfigurations: %s", err)
	}
	source := mapping.Source{Access: accessOf(access)}
	if err := s.cfg.Networks.Check(source.NetworkNames()...); err != nil {
		f.refuse("SourceAccessConfigurations: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// uriFaults checks whether an entry has what its type wants.
func uriFaults(i int, a accessShape, f *faults) {
	known := mapping.Access{Type: *a.Type}
	switch {
	case *a.Type == virtualHost:
		f.refuse("SourceAccessConfigurations: %s does not apply to a Kafka event source", virtualHost)
	case !slices.Contains(accessTypes, *a.Type): // told already
	case known.Bare() && a.URI != nil:
		f.refuse("SourceAccessConfigurations: entry %d (%s) has a URI; AWS's credentials sign, so there is none", i+1, *a.Type)
	case known.Literal() && a.URI == nil:
		f.refuse("SourceAccessConfigurations: entry %d (%s) has no URI, which is its text", i+1, *a.Type)
	case !known.Bare() && a.URI == nil:
		f.refuse("SourceAccessConfigurations: entry %d (%s) has no URI, which names its secret or network", i+1, *a.Type)
	}
}

func accessOf(shapes []accessShape) []mapping.Access {
	access := make([]mapping.Access, 0, len(shapes))
	for _, a := range shapes {
		if a.Type == nil {
			continue // accessFaults refuses it
		}
		var uri string
		if a.URI != nil {
			uri = *a.URI
		}
		access = append(access, mapping.Access{Type: *a.Type, URI: uri})
	}
	return access
}

// member names an element of a list as AWS's errors do.
func member(list string, i int, inner ...string) string {
	name := fmt.Sprintf("%s.%d.member", list, i+1)
	for _, part := range inner {
		name += "." + part
	}
	return name
}

// source is the source in gantry's model. It has no faults by now.
func (s *Server) source(in *mappingSource) mapping.Source {
	source := mapping.Source{Topics: *in.Topics}
	if in.EventSourceArn != nil {
		source.ARN = *in.EventSourceArn
		source.Cluster = s.cfg.Cluster(mapping.Source{ARN: source.ARN})
		return source
	}
	source.Bootstrap = in.SelfManagedEventSource.Endpoints[bootstrapKey]
	return source
}

func (in *mappingSource) groupID() string {
	for _, c := range []*kafkaSourceConfig{in.SelfManagedKafkaEventSourceConfig, in.AmazonManagedKafkaEventSourceConfig} {
		if c.named() {
			return *c.ConsumerGroupID
		}
	}
	return ""
}
