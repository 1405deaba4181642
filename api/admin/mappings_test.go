package admin_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/engine"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
	"gantry/store"
)

func requireJSON(t *testing.T, want string, got any) {
	t.Helper()
	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
}

func TestAMappingIsShownInTheWordsOfAFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "orders-to-f"))
	window := 1500 * time.Millisecond
	b.put(mapping.Mapping{
		UUID: two, Declared: true, Deleting: true,
		Source: mapping.Source{
			Cluster: "onprem", ARN: "arn:x", Bootstrap: []string{"b:9093"}, Topics: []string{"payments"}, AllowPlaintext: true,
			Access: []mapping.Access{{Type: mapping.ScramSHA512, URI: "secret:user"}},
		},
		Functions: []mapping.Consumer{{Function: "settle", Filters: []string{`{"value":{"a":[1]}}`}}},
		GroupID:   "g2", Start: mapping.AtTimestamp, StartTime: started, BatchSize: 7, Window: &window,
		RetryAttempts: 3, RecordAge: 90 * time.Second, Bisect: true, PartialAnswers: true, OnFailure: "kafka://dead",
		Pollers: &mapping.Pollers{Minimum: 1, Maximum: 4}, OversizeDrop: true, DestinationFailureDrop: true, ReadUncommitted: true,
		SessionTimeout: 6 * time.Second, Tags: map[string]string{"team": "a"},
		Positions: map[string]map[int32]int64{"payments": {0: 12}}, LastModified: started,
	})
	requireJSON(t, `{"uuid":"00000000-0000-4000-8000-000000000001","name":"orders-to-f","declared":false,"enabled":true,
		"function":"f","brokers":["b:9092"],"topic":"orders","consumerGroupId":"g-00000000-0000-4000-8000-000000000001",
		"startingPosition":"TRIM_HORIZON","batchSize":100,"maximumRetryAttempts":-1,"maximumRecordAge":"-1",
		"bisectBatchOnFunctionError":false,"reportBatchItemFailures":false,"lastModified":"2026-11-23T12:00:00Z"}`,
		b.fine("GET", "/gantry/v1/mappings/orders-to-f", "")["mapping"])
	requireJSON(t, `{"uuid":"00000000-0000-4000-8000-000000000002","declared":true,"deleting":true,"enabled":false,
		"function":"settle","filters":["{\"value\":{\"a\":[1]}}"],"cluster":"onprem","arn":"arn:x","brokers":["b:9093"],
		"topic":"payments","allowPlaintext":true,"sourceAccessConfigurations":[{"type":"SASL_SCRAM_512_AUTH","uri":"secret:user"}],
		"consumerGroupId":"g2","startingPosition":"AT_TIMESTAMP","startingPositionTimestamp":"2026-11-23T12:00:00Z",
		"batchSize":7,"maximumBatchingWindow":"1.5s","maximumRetryAttempts":3,"maximumRecordAge":"1m30s",
		"bisectBatchOnFunctionError":true,"reportBatchItemFailures":true,"onFailure":"kafka://dead",
		"pollers":{"minimum":1,"maximum":4},"oversize":"drop","onDestinationFailure":"drop","isolation":"read_uncommitted",
		"sessionTimeout":"6s","tags":{"team":"a"},"positions":{"payments":{"0":12}},"lastModified":"2026-11-23T12:00:00Z"}`,
		b.fine("GET", "/gantry/v1/mappings/"+two, "")["mapping"])
}

func TestAMappingIsShownWithWhatThisProcessSees(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, ""))
	idle := b.fine("GET", "/gantry/v1/mappings/"+one, "")
	requireJSON(t, `{"state":"Creating","processingResult":"No records processed"}`, idle["status"])
	requireJSON(t, `[]`, idle["lanes"])
	requireJSON(t, `{}`, idle["counts"])

	counts := &pipeline.Counts{}
	counts.Polled.Store(9)
	b.engine.running = []engine.Running{{UUID: one, Mapping: plain(one, ""), Counts: counts, Snapshot: pipeline.Snapshot{
		Cause: errors.New("the broker is away"),
		Lanes: []pipeline.LaneSnapshot{
			{Partition: record.Partition{Topic: "orders", Index: 11}, Committed: 5, Resume: 5, Tail: 9, Waiting: 3, Attempts: 2, Since: started, Retry: started.Add(time.Second), Blocked: "PROBLEM", Detail: "why"},
			{Partition: record.Partition{Topic: "orders", Index: 2}, Committed: 1, Resume: 1, Tail: 1, InFlight: true, Paused: true},
		},
	}}}
	b.engine.status[one] = mapping.Status{
		State: mapping.Enabled, Reason: mapping.UserInitiated, ProcessingResult: mapping.ProblemSourceLoss, Detail: "d", Since: started,
		Lost: []mapping.Loss{{Topic: "orders", Partition: 2, First: 1, Last: 3, Count: 3, Resume: 4, Reason: "out of range", Since: started}},
	}
	busy := b.fine("GET", "/gantry/v1/mappings/"+one, "")
	requireJSON(t, `{"state":"Enabled","reason":"USER_INITIATED","processingResult":"PROBLEM: Records were lost at the source before they were read.",
		"detail":"d","since":"2026-11-23T12:00:00Z","lost":[{"topic":"orders","partition":2,"first":1,"last":3,"count":3,"resume":4,
		"reason":"out of range","since":"2026-11-23T12:00:00Z"}]}`, busy["status"])
	requireJSON(t, `[{"topic":"orders","partition":2,"committed":1,"resume":1,"tail":1,"waiting":0,"inFlight":true,"paused":true,"attempts":0},
		{"topic":"orders","partition":11,"committed":5,"resume":5,"tail":9,"waiting":3,"inFlight":false,"paused":false,"attempts":2,
		"since":"2026-11-23T12:00:00Z","retry":"2026-11-23T12:00:01Z","blocked":"PROBLEM","detail":"why"}]`, busy["lanes"])
	require.EqualValues(t, 9, busy["counts"].(map[string]any)["PolledEventCount"])
	require.Equal(t, "the broker is away", busy["recentError"])
}

func TestTheWorstMappingComesFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const three, four = "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004"
	for uuid, name := range map[string]string{one: "fine", two: "paused", three: "failing", four: "standing"} {
		b.put(plain(uuid, name))
		b.engine.status[uuid] = mapping.Status{State: mapping.Enabled, ProcessingResult: mapping.OK}
	}
	b.engine.status[two] = mapping.Status{State: mapping.Disabled, ProcessingResult: mapping.OK}
	b.engine.status[three] = mapping.Status{State: mapping.Enabled, ProcessingResult: mapping.ProblemFunction, Detail: "it fails"}
	counts := &pipeline.Counts{}
	counts.Polled.Store(4)
	counts.Committed.Store(3)
	b.engine.running = []engine.Running{{UUID: four, Mapping: plain(four, ""), Counts: counts, Snapshot: pipeline.Snapshot{
		Flying: 2, Losses: []mapping.Loss{{}}, Lanes: []pipeline.LaneSnapshot{{Waiting: 5, Since: started}, {Waiting: 1}},
	}}}
	s := b.fine("GET", "/gantry/v1/status", "")
	require.Equal(t, "1.2.3 p1 127.0.0.1:9400 2026-11-23T12:00:00Z", s["version"].(string)+" "+s["process"].(string)+" "+s["listen"].(string)+" "+s["startedAt"].(string))
	var names []any
	for _, m := range s["mappings"].([]any) {
		names = append(names, m.(map[string]any)["name"])
	}
	require.Equal(t, []any{"standing", "failing", "paused", "fine"}, names)
	require.Equal(t, s["mappings"], b.fine("GET", "/gantry/v1/mappings", "")["mappings"])
	requireJSON(t, `{"uuid":"00000000-0000-4000-8000-000000000004","name":"standing","function":"f","topic":"orders","topics":["orders"],
		"group":"g-00000000-0000-4000-8000-000000000004","state":"Enabled","result":"OK","waiting":6,"inFlight":2,"blocked":2,"deadLetters":0,
		"polled":4,"committed":3,"declared":false,"lastModified":"2026-11-23T12:00:00Z"}`, s["mappings"].([]any)[0])
}

func TestAMappingIsPausedResumedAndDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "orders-to-f"))
	const path = "/gantry/v1/mappings/orders-to-f"
	b.fine("POST", path+"/pause", "")
	require.False(t, b.mapping(one).Enabled)
	require.True(t, b.mapping(one).LastModified.After(started))
	b.fine("POST", path+"/resume", "{}")
	require.True(t, b.mapping(one).Enabled)
	require.Equal(t, []string{
		"AKIDTEST: pause mapping " + one + " (pause)", "AKIDTEST: resume mapping " + one + " (resume)",
	}, b.audit.lines())

	b.fine("DELETE", path, "")
	require.True(t, b.mapping(one).Deleting, "the engine stops it, then removes it")
	require.Equal(t, []string{"AKIDTEST: delete mapping " + one + " (delete)"}, b.audit.lines())
	for _, operation := range []string{"/pause", "/resume"} {
		b.refused(409, "ResourceConflictException", "mapping "+one+" is being deleted", "POST", path+operation, "")
	}
	require.Empty(t, b.audit.lines(), "a change that was not made is not audited")
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct{ method, path, text string }{
		{"GET", "/gantry/v1/mappings/nope", `mapping "nope"`},
		{"DELETE", "/gantry/v1/mappings/nope", `mapping "nope"`},
		{"POST", "/gantry/v1/mappings/nope/pause", `mapping "nope"`},
		{"POST", "/gantry/v1/mappings/nope/resume", `mapping "nope"`},
		{"GET", "/gantry/v1/mappings/nope/offsets", `mapping "nope"`},
		{"GET", "/gantry/v1/mappings/nope/losses", `mapping "nope"`},
		{"POST", "/gantry/v1/mappings/nope/accept-loss", `mapping "nope"`},
		{"GET", "/gantry/v1/mappings/nope/tail", `mapping "nope"`},
		{"GET", "/gantry/v1/functions/nope", `function "nope"`},
		{"DELETE", "/gantry/v1/functions/nope", `function "nope"`},
		{"GET", "/gantry/v1/functions/nope/logs", `function "nope"`},
	} {
		b.refused(404, "ResourceNotFoundException", c.text, c.method, c.path, "")
	}
	b.refused(404, "UnknownOperationException", "GET /gantry/v1/nothing is no operation", "GET", "/gantry/v1/nothing", "")
	b.refused(404, "UnknownOperationException", "PUT /gantry/v1/status is no operation", "PUT", "/gantry/v1/status", "")
	require.Empty(t, b.audit.lines())
}

func TestBodiesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "m"))
	for _, c := range []struct{ path, body, text string }{
		{"/gantry/v1/apply", `{"nam":"x"}`, `unknown field "nam"`},
		{"/gantry/v1/apply", `{`, "unexpected EOF"},
		{"/gantry/v1/apply", `{} {}`, "something behind the JSON value"},
		{"/gantry/v1/apply", `{"dryRun":"yes"}`, "dryRun"},
		{"/gantry/v1/mappings/m/pause", `{"force":true}`, `unknown field "force"`},
		{"/gantry/v1/mappings/m/accept-loss", `{"partition":3}`, `unknown field "partition"`},
		{"/gantry/v1/topics/t/records", `{"records":[{"valeu":"x"}]}`, `unknown field "valeu"`},
	} {
		b.refused(400, "InvalidParameterValueException", c.text, "POST", c.path, c.body)
	}
	require.True(t, b.mapping(one).Enabled)
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "m"))
	b.engine.offsets = []engine.Partition{
		{Topic: "orders", Partition: 0, Start: 2, End: 10, Committed: 4, Here: true, Resume: 5, Tail: 7, InFlight: true},
		{Topic: "orders", Partition: 1, Start: 2, End: 10, Committed: -1},
	}
	requireJSON(t, `{"uuid":"`+one+`","group":"g-`+one+`","partitions":[
		{"topic":"orders","partition":0,"start":2,"end":10,"committed":4,"lag":6,"here":true,"resume":5,"tail":7,"inFlight":true},
		{"topic":"orders","partition":1,"start":2,"end":10,"committed":-1,"lag":8,"here":false,"resume":0,"tail":0,"inFlight":false}]}`,
		b.fine("GET", "/gantry/v1/mappings/m/offsets", ""))
	cause := errors.New("no route")
	b.engine.err = &engine.DiagnosedError{Diagnosis: kafka.Diagnosis{Problem: mapping.ProblemConnection, Cause: "it is away", Try: "look"}, Err: cause}
	b.refused(502, "ClusterException", "it is away. Try: look", "GET", "/gantry/v1/mappings/m/offsets", "")
	b.engine.err = cause
	b.refused(500, "ServiceException", "no route", "GET", "/gantry/v1/mappings/m/offsets", "")
}

func TestALossIsPreviewedAndAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "m"))
	const accept = "/gantry/v1/mappings/m/accept-loss"
	requireJSON(t, `[]`, b.fine("GET", "/gantry/v1/mappings/m/losses", "")["losses"])
	b.refused(409, "ResourceConflictException", "no loss waits to be accepted", "POST", accept, `{"reason":"x"}`)
	require.Empty(t, b.audit.lines())

	b.engine.losses = []mapping.Loss{{Topic: "orders", Partition: 3, First: 1, Last: 9, Count: 9, Resume: 10, Reason: "out of range", Since: started}}
	const want = `[{"topic":"orders","partition":3,"first":1,"last":9,"count":9,"resume":10,"reason":"out of range","since":"2026-11-23T12:00:00Z"}]`
	requireJSON(t, want, b.fine("GET", "/gantry/v1/mappings/m/losses", "")["losses"])
	require.Empty(t, b.audit.lines(), "a preview changes nothing")
	requireJSON(t, want, b.fine("POST", accept, `{"reason":"without a token it is a preview"}`)["losses"])
	require.Empty(t, b.audit.lines(), "a preview changes nothing")
	b.refused(400, "InvalidParameterValueException", "reason: is missing", "POST", accept, `{"token":"seen"}`)
	b.refused(409, "ResourceConflictException", "look again", "POST", accept, `{"token":"other","reason":"x"}`)
	requireJSON(t, want, b.fine("POST", accept, `{"partitions":[{"partition":3}],"reason":"retention was too short","token":"seen"}`)["accepted"])
	require.Equal(t, []record.Partition{{Topic: "orders", Index: 3}}, b.engine.accepted)
	require.Equal(t, []string{"AKIDTEST: accept-loss mapping " + one + " (accept-loss: retention was too short)"}, b.audit.lines())
}

func TestAStoreThatFailsIsToldAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.store.Close())
	b.refused(500, "ServiceException", store.ErrClosed.Error(), "GET", "/gantry/v1/mappings", "")
}
