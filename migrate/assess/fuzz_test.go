package assess_test

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/surveytest"
	"gantry/migrate/assess"
	"gantry/migrate/assess/report"
	"gantry/workload"
)

// FuzzMake: any survey that a file may hold is judged, and the result can be written.
func FuzzMake(f *testing.F) {
	small := surveytest.Make(2, []surveytest.Topic{{Name: "t", Shape: surveytest.Office(2), Partitions: 2}},
		[]surveytest.Group{{ID: "g", Reads: []string{"t"}, Members: 1, Lag: 7, Drain: 9}, {ID: "k", Reads: []string{"t"}, Class: workload.Streams}})
	text, err := json.Marshal(small)
	require.NoError(f, err)
	f.Add(text)
	for _, seed := range []string{
		`{}`, `{"groups":[{"id":"g"}]}`, `{"groups":[{"id":"g","class":"plain consumer","topics":["t"]}],"topics":[{"name":"t","partitions":[{"rate":{"counts":[1,2]}}]}]}`,
		`{"groups":[{"id":"g","class":"plain consumer","topics":["t","u"]}],"topics":[{"name":"t","partitions":[{"end":5,"rate":{"widthNs":1,"counts":[9]}}]},{"name":"u","partitions":[{"rate":{"from":"2300-01-01T00:00:00Z","widthNs":60,"counts":[-4,1e300]}}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s workload.Survey
		if json.Unmarshal(text, &s) != nil {
			return
		}
		in := inputs(t, "")
		in.Made = time.Time{}
		a := assess.Make(s, in)
		require.Len(t, a.Services, len(s.Groups))
		require.NoError(t, report.Write(io.Discard, a))
	})
}
