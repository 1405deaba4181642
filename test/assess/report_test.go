package assess_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/surveytest"
	"gantry/migrate/assess"
	"gantry/migrate/assess/cost"
	"gantry/migrate/assess/facts"
	"gantry/migrate/assess/report"
)

// shopReport is the report of a shop, and the service it says to move first.
func shopReport(t *testing.T) (page, first string) {
	t.Helper()
	f, err := facts.Read([]byte(surveytest.ShopFacts), "services.yaml")
	require.NoError(t, err)
	p, err := cost.Read(cost.Default, "prices.yaml")
	require.NoError(t, err)
	s := surveytest.Shop()
	judged := assess.Make(s, assess.Inputs{Facts: f, Prices: p, Made: s.Ended})
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, judged))
	require.NotNil(t, judged.First)
	return b.String(), judged.First.Service
}

// web is the whole internet to a browser whose proxy it is: it serves one page, hears of
// every request, and takes what the page tells it.
type web struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	told  chan []byte
}

func newWeb(t *testing.T, page string) *web {
	t.Helper()
	w := &web{told: make(chan []byte, 1)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if ownErrand(r.Host) {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		if r.URL.Path == "/told" {
			var b bytes.Buffer
			_, _ = b.ReadFrom(r.Body)
			select {
			case w.told <- b.Bytes():
			default:
			}
			return
		}
		w.mu.Lock()
		w.asked = append(w.asked, r.Method+" "+r.Host+r.URL.Path)
		w.mu.Unlock()
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte(page))
	}))
	t.Cleanup(w.Close)
	return w
}

// ownErrand knows what Chromium asks for by itself, whatever page is open.
func ownErrand(host string) bool {
	return regexp.MustCompile(`^(clients\d|accounts|update|optimizationguide-pa|content-autofill|safebrowsing|www)\.(google|googleapis)\.com(:\d+)?$`).MatchString(host)
}

func (w *web) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.asked...)
}

// open opens the page in a real Chromium and gives what it said on its error stream.
func (w *web) open(t *testing.T, more ...string) string {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	profile, err := os.MkdirTemp("", "gantry-chromium-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + profile,
		"--proxy-server=" + strings.TrimPrefix(w.URL, "http://"), "--proxy-bypass-list=<-loopback>",
	}, more...)
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, append(args, "http://report.test/")...)
	cmd.Stderr, cmd.WaitDelay = &said, 5*time.Second
	err = cmd.Run()
	require.NoError(t, err, said.String())
	return said.String()
}

// console are the lines that a page wrote, or that the browser wrote about it.
func console(said string) []string {
	return regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(said, -1)
}

// TestReportInABrowser: a real browser opens the report, asks for nothing else, has nothing
// to complain about, and draws it.
func TestReportInABrowser(t *testing.T) {
	t.Parallel()
	page, _ := shopReport(t)
	w := newWeb(t, page)
	picture := filepath.Join(t.ArtifactDir(), "report.png")
	said := w.open(t, "--window-size=1280,2200", "--screenshot="+picture)
	require.Equal(t, []string{"GET report.test/"}, w.requests())
	require.Empty(t, console(said))
	drawn, err := os.Stat(picture)
	require.NoError(t, err)
	require.Greater(t, drawn.Size(), int64(50_000), "an empty page is smaller")
}

// TestForeignRequestsAreSeen: a page that does ask for something, and that has an error, is
// caught by what catches the report.
func TestForeignRequestsAreSeen(t *testing.T) {
	t.Parallel()
	w := newWeb(t, `<!doctype html><img src="http://elsewhere.test/x.png"><script>nothing()</script>`)
	said := w.open(t, "--screenshot="+filepath.Join(t.TempDir(), "x.png"))
	require.Contains(t, w.requests(), "GET elsewhere.test/x.png")
	require.NotEmpty(t, console(said))
}

// asking is a script that looks at the page as a reader does. The report forbids scripts,
// so the test takes that line out of its copy.
const asking = `<script>addEventListener("load", () => {
  const name = document.querySelector("#first .name"), box = name.getBoundingClientRect(), kicker = document.querySelector("#first .kicker");
  const plots = [...document.querySelectorAll("details[open] svg")].map(s => s.getBoundingClientRect());
  const outside = [...document.querySelectorAll("svg.plot")].flatMap(s => [...s.querySelectorAll("text")].filter(t => {
    const a = t.getBoundingClientRect(), b = s.getBoundingClientRect(); return a.width > 0 && (a.left < b.left - 2 || a.right > b.right + 2 || a.top < b.top - 2 || a.bottom > b.bottom + 2); }).map(t => t.textContent));
  document.querySelector("#first a").click();
  fetch("/told", {method: "POST", body: JSON.stringify({
    first: name.textContent, says: kicker.textContent, top: box.top, size: parseFloat(getComputedStyle(name).fontSize), body: parseFloat(getComputedStyle(document.body).fontSize),
    wide: document.documentElement.scrollWidth, screen: innerWidth, plots: plots.length, flat: plots.filter(p => p.width < 10 || p.height < 5).length,
    outside, paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color, hash: location.hash,
  })});
});</script>`

// seen is what the script saw.
type seen struct {
	First, Says  string
	Top          float64
	Size, Body   float64
	Wide, Screen float64
	Plots, Flat  int
	Outside      []string
	Paper, Ink   string
	Hash         string
}

// TestReportIsLegible: the service to begin with is the first and the largest thing on the
// page, on a wide screen, a telephone and in the dark; nothing sticks out, and every plot
// has a size.
func TestReportIsLegible(t *testing.T) {
	t.Parallel()
	page, first := shopReport(t)
	copied := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "")
	require.NotEqual(t, page, copied)
	looks := map[string]seen{}
	for name, flags := range map[string][]string{
		"wide": {"--window-size=1280,900"}, "telephone": {"--window-size=500,900"}, "dark": {"--window-size=1280,900", "--blink-settings=preferredColorScheme=0"},
	} {
		w := newWeb(t, strings.Replace(copied, "</head>", asking+"</head>", 1))
		w.open(t, append(flags, "--virtual-time-budget=4000", "--screenshot="+filepath.Join(t.ArtifactDir(), name+".png"))...)
		var s seen
		select {
		case told := <-w.told:
			require.NoError(t, json.Unmarshal(told, &s), name)
		case <-time.After(20 * time.Second):
			require.Fail(t, "the page told nothing", name)
		}
		require.Equal(t, first, s.First, name)
		require.Equal(t, "Move this service first", s.Says, name)
		require.Less(t, s.Top, 320.0, "%s: without scrolling", name)
		require.Greater(t, s.Size, 1.6*s.Body, name)
		require.LessOrEqual(t, s.Wide, s.Screen, "%s: nothing sticks out", name)
		require.Greater(t, s.Plots, 10, name)
		require.Zero(t, s.Flat, name)
		require.Empty(t, s.Outside, "%s: texts that leave their plot", name)
		require.NotEmpty(t, s.Hash, "%s: the link to its figures", name)
		looks[name] = s
	}
	require.NotEqual(t, looks["wide"].Paper, looks["dark"].Paper)
	require.NotEqual(t, looks["wide"].Ink, looks["dark"].Ink)
}
