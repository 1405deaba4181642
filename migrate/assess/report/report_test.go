package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/surveytest"
	"gantry/migrate/assess"
	"gantry/migrate/assess/cost"
	"gantry/migrate/assess/facts"
	"gantry/migrate/assess/report"
	"gantry/workload"
)

var keep = flag.String("keep", "", "write the shop's report to this file, to be looked at")

func judged(t *testing.T, s workload.Survey, text string) workload.Assessment {
	t.Helper()
	f, err := facts.Read([]byte(text), "services.yaml")
	require.NoError(t, err)
	p, err := cost.Read(cost.Default, "prices.yaml")
	require.NoError(t, err)
	return assess.Make(s, assess.Inputs{Facts: f, Prices: p, Made: s.Ended})
}

func written(t *testing.T, a workload.Assessment) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, a))
	if *keep != "" && t.Name() == "TestShop" {
		require.NoError(t, os.WriteFile(*keep, b.Bytes(), 0o600))
	}
	return b.String()
}

func TestShop(t *testing.T) {
	t.Parallel()
	a := judged(t, surveytest.Shop(), surveytest.ShopFacts)
	text := written(t, a)
	for _, s := range a.Services {
		require.Contains(t, text, `<span class="title">`+s.Group+`</span>`)
		for _, r := range s.Verdict.Rules {
			require.Contains(t, text, ">"+strings.ReplaceAll(r.Name, "'", "&#39;")+"<", "every rule is told")
		}
	}
	require.Contains(t, text, `<p class="name">`+a.First.Service+`</p>`)
	require.NotContains(t, text, "NaN")
	require.NotContains(t, text, "+Inf")
	require.NotContains(t, text, "ZgotmplZ", "nothing that the template refused")
	require.Equal(t, len(a.Services), strings.Count(text, `class="heat"`), "a heat map for each service")
	wellFormed(t, text)
}

// wellFormed reads the SVG plots as XML.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	plots := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1)
	require.NotEmpty(t, plots)
	for _, p := range plots {
		d := xml.NewDecoder(strings.NewReader(p))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, p)
		}
	}
}

// TestNothingFromOutside: no address that a browser would fetch, and no script.
func TestNothingFromOutside(t *testing.T) {
	t.Parallel()
	text := written(t, judged(t, surveytest.Shop(), ""))
	require.NotRegexp(t, `(?i)<script|<img|<iframe|@import|url\(|https?://`, text)
	for _, href := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		require.Regexp(t, `^(#|data:)`, href[1])
	}
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		require.False(t, ids[id[1]], "%s is given twice", id[1])
		ids[id[1]] = true
	}
	for _, to := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(text, -1) {
		require.True(t, ids[to[1]], "%s leads nowhere", to[1])
	}
}

// TestHostileNames: what comes from a cluster is text, never markup.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := surveytest.Make(7, []surveytest.Topic{{Name: `<img src=x onerror=alert(1)>`, Shape: surveytest.Steady(1), Partitions: 1}},
		[]surveytest.Group{{ID: `"><script>alert(1)</script>`, Reads: []string{`<img src=x onerror=alert(1)>`}, Members: 1}})
	s.Topics[0].Sample.TopKeys[0].Key = "</svg><script>alert(2)</script>"
	text := written(t, judged(t, s, ""))
	require.NotContains(t, text, "<script")
	require.NotContains(t, text, "<img")
}

func TestNothingToMove(t *testing.T) {
	t.Parallel()
	require.Contains(t, written(t, judged(t, workload.Survey{Cluster: "empty"}, "")), "Nothing to move yet")
	quiet := surveytest.Make(1, []surveytest.Topic{{Name: "t", Shape: surveytest.Steady(0), Unsampled: true}}, []surveytest.Group{{ID: "g", Reads: []string{"t"}}})
	require.Contains(t, written(t, judged(t, quiet, "")), "Nothing to move yet")
	late := surveytest.Make(1, []surveytest.Topic{{Name: "t", Shape: surveytest.Steady(3)}}, []surveytest.Group{{ID: "g", Reads: []string{"t"}, Class: workload.Streams}})
	require.Contains(t, written(t, judged(t, late, "")), "not measured")
}

// TestFreeOfCharge: a price list of zeros leaves nothing to divide by.
func TestFreeOfCharge(t *testing.T) {
	t.Parallel()
	free, err := cost.Read(regexp.MustCompile(`price: [\d.]+`).ReplaceAll(cost.Default, []byte("price: 0")), "free.yaml")
	require.NoError(t, err)
	s := surveytest.Shop()
	a := assess.Make(s, assess.Inputs{Prices: free, Made: s.Ended})
	_, err = json.Marshal(a)
	require.NoError(t, err)
	text := written(t, a)
	require.NotContains(t, text, "NaN")
	require.NotContains(t, text, "Inf")
}
