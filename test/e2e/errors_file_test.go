package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// faultyFile has one fault on each line that has a fault; the comment is what was done.
const faultyFile = `listen: 127.0.0.1:0
datadir: ./data # unknown YAML key
networks: {onward: {proxy: "ftp://jump:21"}}
clusters:
  noBrokers: {}
  badBroker: {brokers: ["kafka://broker:9092"]}
  digest: {brokers: ["broker:9092"], tls: {}, sasl: {mechanism: DIGEST-MD5, secret: "env:A"}}
  oauth: {brokers: ["broker:9092"], tls: {}, sasl: {mechanism: OAUTHBEARER, oauth: {tokenEndpoint: "http://idp/token", clientId: gantry, clientSecret: "env:A"}}}
  kerberos: {brokers: ["broker:9092"], tls: {}, sasl: {mechanism: GSSAPI, secret: "env:A"}}
  ticket: {brokers: ["broker:9092"], tls: {}, sasl: {mechanism: GSSAPI, kerberos: {principal: gantry@, keytab: gantry.keytab, cache: cache}}}
  iam: {brokers: ["broker:9092"], sasl: {mechanism: AWS_MSK_IAM, iam: {role: kafka}}}
  twice: {brokers: ["broker:9092"], tls: {}, sasl: {mechanism: PLAIN, secret: "env:A", password: "env:B"}}
  halfPair: {brokers: ["broker:9092"], tls: {cert: "file:client.pem"}}
  kafka: {brokers: ["127.0.0.1:9092"]}
secrets:
  - {prefix: vault, from: {dir: ./secrets}}
functions:
  "not a name": {http: "http://function"}
  nowhere: {timeout: 3s}
  everywhere: {http: "http://function", arn: "arn:aws:lambda:eu-west-1:123456789012:function:f"}
  noCode: {runtime: python3.12, handler: app.handler}
  slow: {http: "http://function", timeout: 841s}
  hasty: {http: "http://function", timeout: 0s}
  small: {http: "http://function", memory: 127MB}
  large: {http: "http://function", memory: 11GB}
  many: {runtime: provided.al2023, handler: h, code: ./f, processes: 1001}
  none: {runtime: provided.al2023, handler: h, code: ./f, processes: 0}
  minus: {http: "http://function", concurrency: -1}
  crowd: {http: "http://function", concurrency: 100001}
  events: {http: "http://function", async: {retries: 3, maxAge: 59s}}
  aged: {http: "http://function", async: {retries: -1, maxAge: 7h}}
  typo: {http: "http://function", timout: 3s}
mappings:
  a: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, batchSize: 0}
  b: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, batchSize: 10001}
  c: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumBatchingWindow: 301s}
  d: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumBatchingWindow: soon}
  e: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumRetryAttempts: -2}
  g: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumRetryAttempts: 10001}
  h: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumRecordAge: 59s}
  i: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumRecordAge: 169h}
  j: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, pollers: {minimum: 0}}
  k: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, pollers: {maximum: 2001}}
  l: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, pollers: {minimum: 3, maximum: 2}}
  m: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, sessionTimeout: 31m}
  n: {function: f, cluster: kafka, topic: t}
  o: {function: f, cluster: kafka, topic: t, startingPosition: YESTERDAY}
  q: {function: f, topic: t, startingPosition: LATEST}
  r: {function: f, cluster: kafka, topic: "a topic", startingPosition: LATEST}
  s: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, onFailure: "sqs://dead"}
  t: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, onFailure: "kafka://t"}
  u: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, filters: [{value: {total: [{more-than: 1}]}}]}
  v: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, enabled: sure}
  w: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, consumerGroupId: gantry.v}
  x: {function: f, cluster: kafka, topic: t, startingPosition: AT_TIMESTAMP, startingPositionTimestamp: "2999-01-01T00:00:00Z"}
  y: {functions: [f, f], cluster: kafka, topic: t, startingPosition: LATEST}
  z: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, output: t}
  aa: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumBatchingWindow: -1s}
  ab: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, maximumRecordAge: -2s}
  ac: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, pollers: {minimum: 201, maximum: 0}}
  ad: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, sessionTimeout: 999ms}
  ae: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, lanes: {perPartition: 0}}
  af: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, lanes: {perPartition: 257}}
  ag: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, output: {topic: o, transactional: true, interval: -1ms, timeout: 1ms}}
  ah: {function: f, cluster: kafka, topic: t, startingPosition: LATEST, output: {topic: o, transactional: true, interval: 1h, timeout: 1h}}
`

// fileCases are the lines of the faulty file that have a fault. All of them come in one
// answer, and nothing of the file is applied.
func fileCases() []errorCase {
	var all []errorCase
	said := &once[map[int][]string]{}
	for i, line := range strings.Split(faultyFile, "\n") {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasSuffix(text, ":") || strings.HasPrefix(text, "listen:") || text == `kafka: {brokers: ["127.0.0.1:9092"]}` {
			continue
		}
		all = append(all, errorCase{section: "A configuration file", did: "`" + text + "`", door: "file", show: func(t *testing.T, l *errorLab) shown {
			said.Do(func() { said.value = l.faults(t) })
			return shown{text: strings.Join(said.value[i+1], "\n")}
		}})
	}
	return append(all, unfilled("a cluster that is nowhere", "functions: {f: {http: \"http://function\"}}\nmappings:\n  m: {function: f, cluster: absent, topic: t, startingPosition: LATEST}\n"),
		unfilled("a file that is no YAML", "mappings: [\n"), unfilled("a function that is nowhere",
			"mappings:\n  m: {function: absent, brokers: [\"127.0.0.1:9092\"], topic: t, startingPosition: LATEST}\n"))
}

var faultLine = regexp.MustCompile(`(?m)^(?:gantry: )?\S*faulty\.yaml:(\d+): (.*)$`)

// faults gives what gantry apply says to the faulty file, by line, and holds serve to the
// same words.
func (l *errorLab) faults(t *testing.T) map[int][]string {
	path := filepath.Join(t.TempDir(), "faulty.yaml")
	require.NoError(t, os.WriteFile(path, []byte(faultyFile), 0o600))
	out, code := l.g.CLI("apply", "-f", path)
	require.Equal(t, 2, code, out)
	served, code := l.g.CLI("serve", "-c", path, "--listen", "127.0.0.1:0")
	require.NotZero(t, code)
	by := map[int][]string{}
	for _, m := range faultLine.FindAllStringSubmatch(out, -1) {
		line, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		by[line] = append(by[line], m[2])
		require.Contains(t, served, m[2])
	}
	return by
}

// unfilled is a whole file with one fault.
func unfilled(did, text string) errorCase {
	return errorCase{section: "A configuration file", did: did, door: "file", show: func(t *testing.T, l *errorLab) shown {
		path := filepath.Join(t.TempDir(), "bad.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		out, code := l.g.CLI("apply", "-f", path)
		require.NotZero(t, code, out)
		return shown{text: strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(out), "gantry: "), path, "bad.yaml")}
	}}
}
