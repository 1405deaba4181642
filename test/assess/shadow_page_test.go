package assess_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/shadow/page"
	"gantry/plan"
)

// The page of a shadow run with a difference in it: a real browser opens it, asks for nothing
// else, has nothing to complain about, and draws it.
func TestTheShadowPageInABrowser(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := plan.Shadow{
		Plan: "orders", Group: "order-service", Began: at, Until: at.Add(time.Hour), Over: true, Inputs: 1000, Upper: 0.0063,
		Outputs: []plan.Compared{{
			Topic: "bills", Pair: plan.PairKey, Old: 1000, New: 1000, Equal: 998, Different: 2, Keys: 500, Upper: 0.0063,
			Differences: []plan.Difference{{Kind: plan.DifferentFields, Paths: []string{"total"}, Count: 2, Keys: 1, Samples: []plan.Sample{{
				Key: "<script>nothing()</script>", Old: &plan.Place{Topic: "bills", Offset: 1, Time: at}, New: &plan.Place{Topic: "bills.shadow.orders", Offset: 2, Time: at},
				Lines: []plan.SampleLine{{Path: "total", Old: "610.0", New: `"<img src=http://elsewhere.test/x.png>"`}},
			}}}},
		}},
		Gates:       []plan.Gate{{Name: "different", Want: "at most 0.3 %", Have: "2 of 1,000 differ", Why: "too much differs"}},
		NotCompared: []plan.Uncovered{{What: "http mail", Why: "denied", NotEnforced: true}},
	}
	s.Coverage.HoursOfWeek[12] = 1000
	var b bytes.Buffer
	require.NoError(t, page.Write(&b, s))
	w := newWeb(t, b.String())
	picture := filepath.Join(t.ArtifactDir(), "shadow.png")
	said := w.open(t, "--window-size=1280,1600", "--screenshot="+picture)
	require.Equal(t, []string{"GET report.test/"}, w.requests())
	require.Empty(t, console(said))
	drawn, err := os.Stat(picture)
	require.NoError(t, err)
	require.Greater(t, drawn.Size(), int64(30_000), "an empty page is smaller")
}
