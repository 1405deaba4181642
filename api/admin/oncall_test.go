package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/engine"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

func TestASkipIsPreviewedAndConfirmedByItsToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "m"))
	b.engine.skip = pipeline.SkipPreview{
		Token: "t", Function: "price", Resume: 7, After: 8, Records: []pipeline.SkipRecord{{Offset: 7, Timestamp: started, Attempts: 3, Bytes: 11}},
	}
	const path = "/gantry/v1/mappings/m/skip"
	const order = `"partition":3,"offsets":[{"first":7,"last":7}],"to":"drop"`
	b.refused(400, "InvalidParameterValueException", "to: want dead-letter or drop", "POST", path, `{}`)
	b.refused(400, "InvalidParameterValueException", "offsets: is missing", "POST", path, `{"to":"drop"}`)
	b.refused(400, "InvalidParameterValueException", "ends before it begins", "POST", path, `{"to":"drop","offsets":[{"first":7,"last":6}]}`)
	want := `{"token":"t","done":false,"topic":"orders","partition":3,"function":"price","to":"drop","resume":7,"after":8,"inFlight":false,
		"records":[{"offset":7,"timestamp":"2026-11-23T12:00:00Z","attempts":3,"bytes":11}]}`
	requireJSON(t, want, b.fine("POST", path, `{`+order+`}`))
	require.Equal(t, record.Partition{Topic: "orders", Index: 3}, b.engine.skipped.Partition)
	require.True(t, b.engine.skipped.Drop)
	b.fine("POST", path, `{"function":"price",`+order+`}`)
	require.Equal(t, "price", b.engine.skipped.Function)
	b.refused(400, "InvalidParameterValueException", "reason: is missing", "POST", path, `{`+order+`,"token":"t"}`)
	b.refused(409, "ResourceConflictException", "look again", "POST", path, `{`+order+`,"token":"old","reason":"x"}`)
	require.Empty(t, b.audit.lines(), "nothing was changed")
	require.Equal(t, true, b.fine("POST", path, `{`+order+`,"token":"t","reason":"broken JSON"}`)["done"])
	require.Equal(t, "AKIDTEST: broken JSON", b.engine.skipped.By)
	require.Equal(t, []string{"AKIDTEST: skip mapping " + one + " (skip to drop: broken JSON)"}, b.audit.lines())
}

func TestAResetIsPreviewedAndConfirmedByItsToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "m"))
	b.engine.plan = engine.ResetPlan{Token: "t", Group: "g", Moves: []engine.Move{
		{Topic: "orders", Committed: 9, Old: 9, New: 4, Start: 2, End: 12}, {Topic: "orders", Partition: 1, Committed: -1, Old: 2, New: 4, Start: 2, End: 12},
	}}
	const path = "/gantry/v1/mappings/m/offsets/reset"
	b.refused(400, "InvalidParameterValueException", "to.kind: want", "POST", path, `{}`)
	b.refused(400, "InvalidParameterValueException", "to.time: is missing", "POST", path, `{"to":{"kind":"time"}}`)
	requireJSON(t, `{"token":"t","done":false,"group":"g","partitions":[
		{"topic":"orders","partition":0,"committed":9,"old":9,"new":4,"start":2,"end":12,"replayed":5,"skipped":0},
		{"topic":"orders","partition":1,"committed":-1,"old":2,"new":4,"start":2,"end":12,"replayed":0,"skipped":2}]}`,
		b.fine("POST", path, `{"to":{"kind":"time","time":"2026-11-23T12:00:00Z"},"partitions":[{"partition":1}]}`))
	require.Equal(t, engine.ResetTo{Kind: engine.ToTime, At: started}, b.engine.resetTo)
	require.Equal(t, []record.Partition{{Topic: "orders", Index: 1}}, b.engine.accepted)
	b.refused(400, "InvalidParameterValueException", "reason: is missing", "POST", path, `{"token":"t"}`)
	b.refused(409, "ResourceConflictException", "look again", "POST", path, `{"token":"old","reason":"x"}`)
	require.Empty(t, b.audit.lines())
	require.Equal(t, true, b.fine("POST", path, `{"token":"t","reason":"replay"}`)["done"])
	require.Equal(t, []string{"AKIDTEST: offsets-reset mapping " + one + " (offsets reset: replay)"}, b.audit.lines())
}

func TestRecordsAreShownMasked(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *admin.Config) {
		c.Mask = func(_ string, r *record.Record) { r.Value = []byte("***") }
	})
	b.put(plain(one, "m"))
	b.engine.records = []record.Record{{
		Offset: 8, Timestamp: started.UnixMilli(), Key: []byte{0xff}, Value: []byte("secret"), Headers: []record.Header{{Key: "h", Value: []byte("x")}},
	}}
	const path = "/gantry/v1/mappings/m/records"
	for query, want := range map[string]string{
		"": "partition: want", "?partition=3": "offset: want", "?partition=3&offset=7&count=101": "count: want 1 to 100",
		"?partition=3&offset=7&topic=other": "the mapping reads orders only",
	} {
		b.refused(400, "InvalidParameterValueException", want, "GET", path+query, "")
	}
	requireJSON(t, `{"uuid":"`+one+`","topic":"orders","partition":3,"asked":7,"masked":true,"records":[{"offset":8,"timestamp":"2026-11-23T12:00:00Z",
		"timestampType":"CREATE_TIME","key":"/w==","value":"Kioq","valueText":"***","headers":[{"key":"h","value":"eA==","valueText":"x"}]}]}`,
		b.fine("GET", path+"?partition=3&offset=7", ""))
	require.Equal(t, 1, b.engine.reading.Count)
}

func TestStatusNamesWhatStandsAndWhatToType(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := plain(one, "m")
	left := time.Hour
	b.engine.standing = []engine.Standing{
		{Mapping: m, Partition: record.Partition{Topic: "orders", Index: 1}, Lag: -1, Loss: &mapping.Loss{Topic: "orders", Partition: 1, First: 3, Last: 5, Count: 3, Resume: 6, Reason: "gone", Since: started}},
		{Mapping: m, Partition: record.Partition{Topic: "orders", Index: 3}, Lag: 5, Left: &left,
			Lane: &pipeline.LaneSnapshot{Resume: 7, At: 7, Since: started, Attempts: 4, Detail: "told to fail"}},
	}
	requireJSON(t, `[
		{"uuid":"`+one+`","mapping":"m","function":"f","topic":"orders","partition":1,"offset":3,"since":"2026-11-23T12:00:00Z","attempts":0,"problem":"lost",
		 "error":"gone; offsets 3 to 5 are missing","lag":-1,"commands":["gantry offsets accept-loss m"]},
		{"uuid":"`+one+`","mapping":"m","function":"f","topic":"orders","partition":3,"offset":7,"since":"2026-11-23T12:00:00Z","attempts":4,"problem":"failing",
		 "error":"told to fail","lag":5,"leftSeconds":3600,"commands":["gantry records show m --partition 3 --offset 7","gantry logs f",
		 "gantry doctor mapping m","gantry skip m --partition 3 --offset 7 --to drop --reason \"…\""]}]`,
		b.fine("GET", "/gantry/v1/status", "")["standing"])
}
