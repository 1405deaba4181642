package aws_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
)

// noting notes in a file, for each event, which secrets and which keys it has.
const noting = `package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) error {
		text := os.Getenv("BY_ARN") + " " + os.Getenv("BY_NAME") + " " + os.Getenv("BY_PART") + " " + os.Getenv("AWS_ACCESS_KEY_ID")
		return os.WriteFile(os.Getenv("NOTE"), []byte(text), 0o600)
	})
}
`

// uses has a mapping for each kind of thing in AWS, but logins to a cluster: functions
// there that fail, one here with a role and secrets, a ready-made one, and letters to
// each kind of place. GATE, CODE, NOTE and SECRET are filled in.
const uses = `
secrets: [{prefix: "arn:aws:secretsmanager:", from: aws}, {prefix: "vault:", from: aws}, {prefix: "secret:", from: {dir: .}}]
aws: {region: eu-west-1, endpoint: "GATE"}
roles: {"arn:aws:iam::123456789012:role/orders": {assume: true}}
clusters: {local: {embedded: true}}
functions:
  score: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:score:live"}
  rate: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:rate"}
  ready: {integration: sqs, settings: {queueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/kept"}}
  note:
    runtime: provided.al2023
    handler: bootstrap
    code: "CODE"
    timeout: 20s
    role: "arn:aws:iam::123456789012:role/orders"
    environment: {NOTE: NOTE}
    secrets: {BY_ARN: "SECRET#password", BY_NAME: "vault:plant/name", BY_PART: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:plant/part"}
mappings:
`

// proof is a mapping of a kind: its functions, and where its letters go.
type proof struct{ functions, letters string }

func proofs() map[string]proof {
	return map[string]proof{
		"all":    {"score, rate, note, ready", "arn:aws:sqs:eu-west-1:" + account + ":dead"},
		"to SNS": {"score", topicARN},
		"to S3":  {"score", "s3://orders-dead"},
	}
}

// notRun are the statements that are in no proof, because only MSK holds its own actions.
func notRun() []string {
	return []string{"ConnectToTheCluster", "ReadTheTopic", "BeAMemberOfTheGroup", "WriteEachDeadLetterOnce", "WriteAnswers", "WriteEachAnswerOnce", "WriteInTransactions"}
}

// printed is the document that gantry iam prints for the mapping of a file.
func printed(t *testing.T, config string) document {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gantry.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	out, err := exec.Command(gantrytest.Binary(t), "iam", "orders", "-c", file, "-o", "json").Output()
	require.NoError(t, err)
	var d document
	require.NoError(t, json.Unmarshal(out, &d), string(out))
	return d
}

// proving is the world of a proof: AWS behind a gate.
type proving struct {
	guarded
	*gate
	lambda *fakelambda.Server
	secret string // ARN of the one with fields
}

func newProving(t *testing.T) proving {
	p := proving{guarded: newGuarded(t), lambda: fakelambda.Start(t, fakelambda.Fail("Error", "told to fail"))}
	for _, queue := range []string{"dead", "told", "kept"} {
		p.ask("sqs", url.Values{"Action": {"CreateQueue"}, "QueueName": {queue}, "Version": {"2012-11-05"}})
	}
	p.ask("sns", url.Values{"Action": {"CreateTopic"}, "Name": {"dead"}, "Version": {"2010-03-31"}})
	p.ask("sns", url.Values{"Action": {"Subscribe"}, "TopicArn": {topicARN}, "Protocol": {"sqs"}, "Endpoint": {"arn:aws:sqs:eu-west-1:" + account + ":told"}, "Version": {"2010-03-31"}})
	p.ask("iam", url.Values{"Action": {"CreateRole"}, "RoleName": {"orders"}, "AssumeRolePolicyDocument": {
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`}, "Version": {"2010-05-08"}})
	p.bucket("orders-dead")
	arns := p.storeSecrets("plant/name", "plant/fields", "plant/part")
	p.secret = arns["plant/fields"]
	p.gate = newGate(t, func(id string) string { return arns[id] })
	p.to(p.url, "sqs", "sns", "s3", "secretsmanager", "sts")
	p.to(p.lambda.URL, "lambda")
	return p
}

const topicARN = "arn:aws:sns:eu-west-1:" + account + ":dead"

// storeSecrets gives the whole ARNs of new secrets by each way they can be named: by name, by
// ARN, and by ARN without what Secrets Manager adds.
func (p proving) storeSecrets(names ...string) map[string]string {
	manager := secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(p.url), Credentials: credentials.NewStaticCredentialsProvider("ADMIN", "admin", ""),
	})
	arns := map[string]string{}
	for _, name := range names {
		out, err := manager.CreateSecret(p.guarded.t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String(`{"password":"of-` + name + `"}`)})
		require.NoError(p.guarded.t, err)
		whole := *out.ARN
		arns[name], arns[whole], arns[whole[:len(whole)-len("-AbCdEf")]] = whole, whole, whole
	}
	return arns
}

// run is one gantry whose identity has all that was printed, but for one thing.
type run struct {
	*testing.T
	proving
	config, note string
	user         string
	keys         []string
	whole        document
	lacks        lack // the zero value lacks nothing
}

// runs are one with the whole document, and one for each thing that can be lacking.
func (p proving) runs(t *testing.T, one proof) []run {
	config := p.filled(t, one)
	whole := printed(t, config)
	all := []run{p.run(config, whole, lack{}, whole)}
	for lacks, rest := range whole.less() {
		all = append(all, p.run(config, whole, lacks, rest))
	}
	return all
}

func (p proving) run(config string, whole document, lacks lack, may document) run {
	r := run{proving: p, user: fmt.Sprint("user", len(p.gate.keys)), note: filepath.Join(p.gate.t.TempDir(), "note"), whole: whole, lacks: lacks}
	r.config = strings.ReplaceAll(config, "{NOTE: NOTE}", "{NOTE: "+r.note+"}")
	id, secret := p.user(r.user)
	p.let(id, r.user, may)
	r.keys = []string{"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	return r
}

// filled is the configuration of a mapping of a kind.
func (p proving) filled(t *testing.T, one proof) string {
	fill := strings.NewReplacer("GATE", p.gate.URL, "CODE", gantrytest.GoFunction(t, noting), "SECRET", p.secret)
	return fill.Replace(fmt.Sprintf("%s  orders: {functions: [%s], cluster: local, topic: orders, startingPosition: TRIM_HORIZON, maximumRetryAttempts: 0, onFailure: %q}\n",
		uses, one.functions, one.letters))
}

// start starts it and gives it a record.
func (r run) start() *gantrytest.Gantry {
	g := gantrytest.Start(r.T, gantrytest.Options{Config: r.config, Env: r.keys})
	require.Eventually(r.T, func() bool { _, code := g.CLI("produce", "orders", "--cluster", "local", "x"); return code == 0 }, time.Minute, 50*time.Millisecond)
	return g
}

// enough: everything arrives, nothing is refused, and nothing was allowed for nothing.
func (r run) enough(g *gantrytest.Gantry) {
	g.MustCLI("wait", "orders", "--settled", "--timeout", "60s")
	allowed, refused := r.decisions(r.user)
	require.Empty(r.T, refused)
	for used := range r.whole.less() {
		require.True(r.T, used.in(allowed), "%v was never asked for", used)
	}
	if strings.Contains(r.config, "functions: [score, rate, note") {
		text, err := os.ReadFile(r.note)
		require.NoError(r.T, err)
		require.Regexp(r.T, `^of-plant/fields {"password":"of-plant/name"} {"password":"of-plant/part"} ASIA`, string(text), "secrets, keys of the role")
	}
}

// tooLittle: gantry names what was refused, that alone was refused, and the record stays.
func (r run) tooLittle(g *gantrytest.Gantry) {
	names := r.lacks.action
	if strings.HasSuffix(r.lacks.resource, ":kept") {
		names = "sqs SendMessageBatch: denied" // a ready-made function tells of calls
	}
	require.EventuallyWithT(r.T, func(c *assert.CollectT) { require.Contains(c, g.MustCLI("status"), names) }, time.Minute, 100*time.Millisecond)
	require.NotContains(r.T, g.MustCLI("offsets", "show", "orders", "-o", "json"), `"committed": 1`)
	allowed, refused := r.decisions(r.user)
	require.False(r.T, r.lacks.in(allowed))
	require.True(r.T, r.lacks.in(refused))
	require.Len(r.T, refused, 1)
	if strings.HasPrefix(r.lacks.action, "secretsmanager:") || strings.HasPrefix(r.lacks.action, "sts:") {
		require.NoFileExists(r.T, r.note, "the function ran")
	}
}

// forged: whoever has a key's id and not its secret gets nothing, so what arrives was signed
// well, too.
func (p proving) forged(t *testing.T, r run) {
	id, _ := strings.CutPrefix(r.keys[0], "AWS_ACCESS_KEY_ID=")
	thief := secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(p.gate.URL), Credentials: credentials.NewStaticCredentialsProvider(id, "guessed", ""), RetryMaxAttempts: 1,
	})
	_, err := thief.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &p.secret})
	require.ErrorContains(t, err, "StatusCode: 403", "the gate would say 400")
}

// The policy that gantry iam prints is enough, and nothing of it can go: with exactly it
// everything arrives, and each of its resources is used. With any one resource of any one
// action missing nothing is let through by it, and gantry names what was refused.
func TestThePrintedPolicyIsEnoughAndNoneCanGo(t *testing.T) {
	t.Parallel()
	p := newProving(t)
	all, named := map[string][]run{}, append(notRun(), byLogin()...)
	for name, one := range proofs() {
		all[name] = p.runs(t, one)
		named = append(named, all[name][0].whole.sids()...)
	}
	require.Subset(t, named, sids(), "a new statement needs a proof")
	p.guard(true)
	p.forged(t, all["all"][0])
	t.Run("with", func(t *testing.T) {
		for name, runs := range all {
			for _, r := range runs {
				t.Run(name+" but "+r.lacks.action+" on "+path.Base(r.lacks.resource), func(t *testing.T) {
					t.Parallel()
					r.T = t
					if g := r.start(); r.lacks == (lack{}) {
						r.enough(g)
					} else {
						r.tooLittle(g)
					}
				})
			}
		}
	})
	p.guard(false)
	sent, objects := p.sum(), 0
	for what, n := range sent {
		if what.action == "s3:PutObject" {
			objects += n
		}
	}
	require.Positive(t, objects)
	require.Equal(t, objects, p.objects("orders-dead"))
	for queue, by := range map[string]lack{
		"dead": {"sqs:SendMessage", "arn:aws:sqs:eu-west-1:" + account + ":dead"}, "kept": {"sqs:SendMessage", "arn:aws:sqs:eu-west-1:" + account + ":kept"}, "told": {"sns:Publish", topicARN},
	} {
		require.Equal(t, sent[by], p.count(queue), "messages in queue %s", queue)
		require.Positive(t, sent[by])
	}
	require.Equal(t, sent[lack{"lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:" + account + ":function:score:live"}]+
		sent[lack{"lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:" + account + ":function:rate"}], p.lambda.Runs())
}
