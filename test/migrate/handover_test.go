package migrate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// witness is a function behind HTTP on either side. It notes what each side has done.
type witness struct {
	url   string
	fails atomic.Bool // AWS's function does

	mu   sync.Mutex
	done map[string]map[string]int // side → topic-partition@offset → how often
	had  map[string]int            // AWS's invocations that failed
}

func newWitness(t *testing.T) *witness {
	w := &witness{done: map[string]map[string]int{"here": {}, "aws": {}, "other": {}}, had: map[string]int{}}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// ServeHTTP implements http.Handler.
func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var e struct {
		Records map[string][]struct{ Offset int64 }
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &e) != nil {
		http.Error(out, "no event", http.StatusBadRequest)
		return
	}
	side := strings.Trim(r.URL.Path, "/")
	failing := side == "aws" && w.fails.Load()
	w.mu.Lock()
	for partition, records := range e.Records {
		for _, record := range records {
			at := fmt.Sprintf("%s@%d", partition, record.Offset)
			if failing {
				w.had[at]++
			} else {
				w.done[side][at]++
			}
		}
	}
	w.mu.Unlock()
	if failing {
		http.Error(out, "told to fail", http.StatusInternalServerError)
		return
	}
}

func (w *witness) count(side string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.done[side])
}

// two are two gantrys on one topic: the one that hands over, and the one that is AWS.
type two struct {
	t       *testing.T
	c       *kafkatest.Cluster
	w       *witness
	topic   string
	group   string
	here    *gantrytest.Gantry
	aws     *gantrytest.Gantry
	mapping string // here
	uuid    string // in AWS
}

const partitions = 4

func start(t *testing.T) *two {
	t.Helper()
	x := &two{t: t, c: kafkatest.Shared(t), w: newWitness(t), topic: kafkatest.Topic(t)}
	x.group = "service-" + x.topic
	x.c.CreateTopic(t, x.topic, partitions, nil)
	for p := range int32(partitions) {
		kafkatest.ProduceValues(t, x.c, x.topic, p, "first", "second")
	}
	config := `clusters: {main: {brokers: [%q]}}
functions: {work: {http: %q}, other: {http: %q}}
`
	x.aws = gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(config, x.c.Brokers()[0], x.w.url+"/aws", x.w.url+"/other")})
	x.here = gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(config, x.c.Brokers()[0], x.w.url+"/here", x.w.url+"/other"), Env: x.aws.Env()})
	x.mapping, x.uuid = x.create(x.here, "work", x.group, true), x.create(x.aws, "work", x.group, false)
	require.Eventually(t, func() bool { return x.w.count("here") == 2*partitions }, 60*time.Second, 50*time.Millisecond, "it runs here")
	return x
}

func (x *two) create(g *gantrytest.Gantry, function, group string, enabled bool) string {
	x.t.Helper()
	require.Eventually(x.t, func() bool {
		_, err := g.Lambda().GetFunctionConfiguration(x.t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &function})
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "the file is applied")
	out, err := g.Lambda().CreateEventSourceMapping(x.t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: &function, Topics: []string{x.topic}, StartingPosition: types.EventSourcePositionTrimHorizon, Enabled: &enabled,
		SelfManagedEventSource:            &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {x.c.Brokers()[0]}}},
		SelfManagedKafkaEventSourceConfig: &types.SelfManagedKafkaEventSourceConfig{ConsumerGroupId: &group},
		MaximumBatchingWindowInSeconds:    aws.Int32(0),
	})
	require.NoError(x.t, err)
	return *out.UUID
}

func state(t *testing.T, g *gantrytest.Gantry, uuid string) string {
	t.Helper()
	out, err := g.Lambda().GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuid})
	require.NoError(t, err)
	return *out.State
}

// writes produces to every partition until the function it gives is called, which waits
// for the last record.
func (x *two) writes() (stop func() int64) {
	x.t.Helper()
	ctx, cancel := context.WithCancel(x.t.Context())
	client := x.c.Client(x.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var n atomic.Int64
	var writing sync.WaitGroup
	writing.Go(func() {
		every := time.NewTicker(2 * time.Millisecond)
		defer every.Stop()
		for ctx.Err() == nil {
			record := &kgo.Record{Topic: x.topic, Partition: int32(n.Load() % partitions), Value: []byte("v")}
			if client.ProduceSync(context.WithoutCancel(ctx), record).FirstErr() == nil {
				n.Add(1)
			}
			<-every.C
		}
	})
	return func() int64 { cancel(); writing.Wait(); return n.Load() + 2*partitions }
}

// each holds that all n records were done, each once on one side, and gives how many here.
func (x *two) each(n int64) (here int) {
	x.t.Helper()
	total := func() int64 {
		var sum int64
		for _, at := range x.c.Committed(x.t, x.group, x.topic) {
			sum += at
		}
		return sum
	}
	require.Eventually(x.t, func() bool { return total() == n }, 60*time.Second, 100*time.Millisecond, "everything is committed")
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	seen := map[string]int{}
	for _, side := range []string{"here", "aws"} {
		for at, times := range x.w.done[side] {
			seen[at] += times
		}
	}
	require.Len(x.t, seen, int(n), "nothing is lost")
	for at, times := range seen {
		require.Equal(x.t, 1, times, "%s comes once", at)
	}
	return len(x.w.done["here"])
}

func (x *two) handOver(more ...string) (out string, code int) {
	return x.here.CLI(append([]string{"export", "handover", x.mapping, "--aws-mapping", x.uuid, "--aws-endpoint", x.aws.URL}, more...)...)
}

// A group is handed over under load: nothing is lost, nothing comes twice, and the audit
// log says who and why. What can't take over is refused with every reason. A dry run
// changes nothing. What is done is not done again.
func TestHandOver(t *testing.T) {
	t.Parallel()
	x := start(t)
	stop := x.writes()

	other := x.create(x.aws, "other", "another-"+x.topic, true)
	out, code := x.here.CLI("export", "handover", x.mapping, "--aws-mapping", other, "--aws-endpoint", x.aws.URL, "--reason", "test")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "its ConsumerGroupId is")
	require.Contains(t, out, "Disable it first")
	out, code = x.handOver("--dry-run")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "UpdateEventSourceMapping Enabled=true")
	require.Equal(t, "Enabled", state(t, x.here, x.mapping))
	require.Equal(t, "Disabled", state(t, x.aws, x.uuid))

	out, code = x.handOver("--within", "2m", "--reason", "wave 2, CHG-118")
	require.Equal(t, 0, code, out)
	for _, step := range []string{"has stopped", "has no member", "the last commits", "AWS has joined", "has committed"} {
		require.Contains(t, out, step)
	}
	require.Equal(t, "Disabled", state(t, x.here, x.mapping))
	require.Equal(t, "Enabled", state(t, x.aws, x.uuid))
	before := x.w.count("aws")
	require.Eventually(t, func() bool { return x.w.count("aws") > before+20 }, 30*time.Second, 50*time.Millisecond, "AWS goes on")
	n := stop()
	here := x.each(n)
	require.Positive(t, here)
	require.Less(t, int64(here), n, "both sides have worked")
	t.Logf("%d records: %d here, %d in AWS; all once\n%s", n, here, x.w.count("aws"), out)

	audit := readFile(t, filepath.Join(x.here.DataDir, "audit.log"))
	for _, action := range []string{"handover-pause", "handover-aws"} {
		require.Regexp(t, `"action":"`+action+`".*wave 2, CHG-118|wave 2, CHG-118.*"action":"`+action+`"`, audit)
	}
	out, code = x.handOver("--reason", "again")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "was done before")
	require.Contains(t, out, "nothing to read")
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// AWS takes the group and gets nothing done: when time is up its mapping is disabled, the
// group is waited for until it is empty, and gantry goes on where it was.
func TestHandOverIsGivenBack(t *testing.T) {
	t.Parallel()
	x := start(t)
	x.w.fails.Store(true)
	stop := x.writes()
	out, code := x.handOver("--within", "10s", "--reason", "CHG-119")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "nothing was committed")
	require.Contains(t, out, "goes on here")
	require.Equal(t, "Disabled", state(t, x.aws, x.uuid))
	require.Eventually(t, func() bool { return state(t, x.here, x.mapping) == "Enabled" }, 30*time.Second, 50*time.Millisecond)
	n := stop()
	require.Equal(t, n, int64(x.each(n)), "all of it was done here")
	x.w.mu.Lock()
	require.NotEmpty(t, x.w.had, "AWS had tried")
	x.w.mu.Unlock()
	audit := readFile(t, filepath.Join(x.here.DataDir, "audit.log"))
	require.Contains(t, audit, "handover-resume")
	require.Contains(t, audit, "Enabled=false")
}

// A stranger in the group keeps it from being empty: AWS is never enabled, and gantry goes
// on.
func TestHandOverToAGroupThatIsNotEmpty(t *testing.T) {
	t.Parallel()
	x := start(t)
	stranger := x.c.Client(t, kgo.ConsumerGroup(x.group), kgo.ConsumeTopics(x.topic), kgo.DisableAutoCommit(), kgo.ClientID("stranger"),
		kgo.Balancers(kgo.CooperativeStickyBalancer()))
	ctx, leave := context.WithCancel(t.Context())
	var polling sync.WaitGroup
	polling.Go(func() {
		for ctx.Err() == nil {
			stranger.PollFetches(ctx)
		}
	})
	joined := func() bool {
		all, err := x.c.Admin(t).DescribeGroups(t.Context(), x.group)
		return err == nil && len(all[x.group].Members) == 2 && all[x.group].State == "Stable"
	}
	require.Eventually(t, joined, 60*time.Second, 100*time.Millisecond)
	out, code := x.handOver("--within", "5s", "--reason", "CHG-120")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "client stranger on")
	require.Equal(t, "Disabled", state(t, x.aws, x.uuid))
	require.Contains(t, out, "goes on here", "beside the stranger, as before")
	leave()
	polling.Wait()
	stranger.Close()
	require.Eventually(t, func() bool { return state(t, x.here, x.mapping) == "Enabled" }, 30*time.Second, 50*time.Millisecond)
	out, code = x.handOver("--within", "1m", "--reason", "CHG-120")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "nothing to read")
}

// The command is gone in the middle of a hand-over: gantry ends it all the same.
func TestHandOverGoesOnWithoutItsCaller(t *testing.T) {
	t.Parallel()
	x := start(t)
	stop := x.writes()
	caller := exec.CommandContext(t.Context(), gantrytest.Binary(t), "export", "handover", x.mapping, "--aws-mapping", x.uuid, "--aws-endpoint", x.aws.URL,
		"--reason", "CHG-122", "--endpoint", x.here.URL, "--data-dir", x.here.DataDir)
	require.NoError(t, caller.Start())
	require.Eventually(t, func() bool { return strings.Contains(x.here.Log(), "is to stop") }, 60*time.Second, 5*time.Millisecond)
	require.NoError(t, caller.Process.Kill())
	_ = caller.Wait()
	require.Eventually(t, func() bool { return strings.Contains(x.here.Log(), "AWS goes on with group") }, 60*time.Second, 50*time.Millisecond)
	require.Equal(t, "Enabled", state(t, x.aws, x.uuid))
	x.each(stop())
	require.Contains(t, readFile(t, filepath.Join(x.here.DataDir, "audit.log")), `"action":"handover"`, "how it ended")
}

// gantry is killed in the middle of a hand-over. The same command carries it on.
func TestHandOverIsCarriedOn(t *testing.T) {
	t.Parallel()
	x := start(t)
	stop := x.writes()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		for !strings.Contains(x.here.Log(), "has no member") {
			if t.Context().Err() != nil {
				return
			}
			time.Sleep(time.Millisecond) //gantry:sleep waits for the log of another process, to kill it there
		}
		x.here.Kill()
	}()
	out, code := x.handOver("--reason", "CHG-121")
	require.Equal(t, 1, code, out)
	<-watching
	x.here.Up()
	require.Equal(t, "Disabled", state(t, x.here, x.mapping), "it stays paused: nobody reads, nothing is lost")
	out, code = x.handOver("--within", "2m", "--reason", "CHG-121, carried on")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "AWS has joined")
	x.each(stop())
}
