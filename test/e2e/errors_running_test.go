package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// part is a mapping with a topic of its own.
type part struct{ topic, uuid string }

// part maps a new topic to a function; edit has the last word on how.
func (l *errorLab) part(t *testing.T, function string, edit func(in *creation)) part {
	t.Helper()
	topic := kafkatest.Topic(t)
	topic = "t-" + topic[len(topic)-8:] // the long name would be in the document
	l.c.CreateTopic(t, topic, 1, map[string]string{"max.message.bytes": "8000000"})
	in := l.wish("@PLAIN", topic)
	in.FunctionName, in.MaximumBatchingWindowInSeconds = &function, aws.Int32(0)
	if edit != nil {
		edit(in)
	}
	made, err := l.aws.CreateEventSourceMapping(t.Context(), in)
	require.NoError(t, err)
	return part{topic, aws.ToString(made.UUID)}
}

// works waits until the mapping has invoked its function.
func (l *errorLab) works(t *testing.T, p part) {
	t.Helper()
	kafkatest.ProduceValues(t, l.c, p.topic, 0, "fine")
	require.Eventually(t, func() bool {
		return l.c.Committed(t, p.uuid, p.topic)[0] == 1
	}, 60*time.Second, 50*time.Millisecond, "the mapping does not work before anything is broken")
}

// broken is a mapping that works until something changes.
func broken(section, did, want string, edit func(l *errorLab, in *creation), harm func(t *testing.T, l *errorLab, p part)) errorCase {
	return errorCase{section: section, did: did, door: whileRunning, want: want, show: func(t *testing.T, l *errorLab) shown {
		p := l.part(t, "rewritten", func(in *creation) {
			if edit != nil {
				edit(l, in)
			}
		})
		l.works(t, p)
		harm(t, l, p)
		return l.problem(t, p.uuid, want).about(p)
	}}
}

// as logs a mapping in as a user of its own, who may do what reading takes.
func as(user, mechanism string) func(l *errorLab, in *creation) {
	return func(l *errorLab, in *creation) {
		in.SelfManagedEventSource.Endpoints["KAFKA_BOOTSTRAP_SERVERS"] = l.c.SASLBrokers()
		in.SourceAccessConfigurations = l.access(caOnly, mechanism+"="+user+".json")
	}
}

// Topics, passwords and permissions change under a mapping that worked.
func runningCases() []errorCase {
	const s = "While a mapping runs"
	deny := func(a func(p part) kafkatest.ACL) func(t *testing.T, l *errorLab, p part) {
		return func(t *testing.T, l *errorLab, p part) { l.c.Deny(t, kafkatest.UserName, a(p)) }
	}
	read := []kadm.ACLOperation{kadm.OpRead}
	return []errorCase{
		broken(s, "the password is changed", mapping.ProblemSASL, as("rotating", "SASL_SCRAM_256_AUTH"),
			func(t *testing.T, l *errorLab, _ part) { l.c.AddUser(t, "rotating", "another") }),
		broken(s, "Read on the topic is denied", mapping.ProblemAuthorize, as("login", "SASL_SCRAM_512_AUTH"),
			deny(func(p part) kafkatest.ACL { return kafkatest.ACL{Topics: []string{p.topic}, Operations: read} })),
		broken(s, "Read on the group is denied", mapping.ProblemAuthorize, as("login", "SASL_SCRAM_512_AUTH"),
			deny(func(p part) kafkatest.ACL { return kafkatest.ACL{Groups: []string{p.uuid}, Operations: read} })),
		broken(s, "the topic is deleted", mapping.ProblemConnection, nil,
			func(t *testing.T, l *errorLab, p part) { l.c.DeleteTopic(t, p.topic) }),
		broken(s, "the topic is deleted and created again", mapping.ProblemSourceLoss, nil,
			func(t *testing.T, l *errorLab, p part) { l.c.Recreate(t, p.topic, 1) }),
		functionDeleted(s),
	}
}

func functionDeleted(section string) errorCase {
	return errorCase{section: section, did: "the function is deleted", door: whileRunning, want: mapping.ProblemFunction,
		show: func(t *testing.T, l *errorLab) shown {
			p := l.part(t, "doomed", nil)
			l.works(t, p)
			_, err := l.aws.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("doomed")})
			require.NoError(t, err)
			return l.problem(t, p.uuid, mapping.ProblemFunction)
		}}
}

// sourceCases: what stands still and waits for its owner.
func sourceCases() []errorCase {
	const s = "Records that stand still"
	return []errorCase{
		{section: s, did: "retention removed records before they were read", door: whileRunning, want: mapping.ProblemSourceLoss,
			show: func(t *testing.T, l *errorLab) shown {
				p := l.part(t, "rewritten", func(in *creation) { in.Enabled = aws.Bool(false) })
				kafkatest.ProduceValues(t, l.c, p.topic, 0, "a", "b", "c", "d")
				l.c.Retain(t, p.topic, 0, 3)
				_, err := l.aws.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &p.uuid, Enabled: aws.Bool(true)})
				require.NoError(t, err)
				return l.problem(t, p.uuid, mapping.ProblemSourceLoss).about(p)
			}},
		{section: s, did: "a record over 6 MB, no destination", door: whileRunning, want: mapping.ProblemOversize,
			show: func(t *testing.T, l *errorLab) shown {
				p := l.part(t, "rewritten", nil)
				cl := l.c.Client(t, kgo.ProducerBatchMaxBytes(7_000_000))
				require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: p.topic, Value: make([]byte, 4_800_000)}).FirstErr())
				return l.problem(t, p.uuid, mapping.ProblemOversize).about(p)
			}},
		{section: s, did: "a dead letter to a topic that does not exist", door: whileRunning, want: mapping.ProblemDestination,
			show: func(t *testing.T, l *errorLab) shown {
				p := l.part(t, functionName("it fails"), func(in *creation) {
					in.MaximumRetryAttempts = aws.Int32(0)
					in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("kafka://absent.dead")}}
				})
				kafkatest.ProduceValues(t, l.c, p.topic, 0, "x")
				return l.problem(t, p.uuid, mapping.ProblemDestination).about(p)
			}},
	}
}

// about gives the topic of a case the name it has in the document.
func (s shown) about(p part) shown {
	s.text, s.try = strings.ReplaceAll(s.text, p.topic, ordersTopic), strings.ReplaceAll(s.try, p.topic, ordersTopic)
	return s
}
