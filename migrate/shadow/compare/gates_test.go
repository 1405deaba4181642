package compare_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/shadow/compare"
	"gantry/plan"
)

func TestGates(t *testing.T) {
	t.Parallel()
	p := plan.Plan{Gates: plan.Gates{Compared: 1000, Different: 0.003, Keys: 50, HoursOfWeek: 24, For: 48 * time.Hour, AllowMissing: 1}}
	s := plan.Shadow{Outputs: []plan.Compared{{Equal: 1000, Masked: 204}}, Coverage: plan.Coverage{Keys: 50}}
	for i := range 24 {
		s.Coverage.HoursOfWeek[i] = 1
	}
	require.Equal(t, []plan.Gate{
		{Name: "compared", Want: "at least 1,000 outputs", Have: "1,204 outputs", Passed: true},
		{Name: "different", Want: "at most 0.3 %", Have: "0 of 1,204 differ: at most 0.25 % at 95 %", Passed: true},
		{Name: "keys", Want: "at least 50 keys", Have: "50 keys", Passed: true},
		{Name: "hoursOfWeek", Want: "at least 24 hours", Have: "24 hours", Passed: true},
		{Name: "allowMissing", Want: "at most 1 output", Have: "0 outputs", Passed: true},
		{Name: "for", Want: "at least 2 days", Have: "2 days 3 h", Passed: true},
	}, compare.Gates(p, s, 51*time.Hour+time.Minute))

	s = plan.Shadow{Outputs: []plan.Compared{{Equal: 500}, {Extra: 1, Missing: 1}}}
	require.Equal(t, []plan.Gate{
		{Name: "compared", Want: "at least 1,000 outputs", Have: "502 outputs", Why: "498 to go: keep the shadow running; only outputs of both sides, and those that one side lacks, count"},
		{Name: "different", Want: "at most 0.3 %", Have: "2 of 502 differ: at most 1.3 % at 95 %", Why: "too much differs: find out why (samples), or add what is no difference to ignore: and begin again; 1,595 more comparisons without another one would do as well"},
		{Name: "keys", Want: "at least 50 keys", Have: "0 keys", Why: "50 to go: records of other keys have to come by"},
		{Name: "hoursOfWeek", Want: "at least 24 hours", Have: "0 hours", Why: "24 to go: of the 168 of a week; an hour counts once an output of it was compared, so quiet hours take longer"},
		{Name: "allowMissing", Want: "at most 1 output", Have: "2 outputs", Why: "missing (only the old service wrote it) or extra (only the functions did): look at the samples; a difference that is none gets a rule in ignore:"},
		{Name: "for", Want: "at least 2 days", Have: "1 h 30 min", Why: "1 day 22 h to go"},
	}, compare.Gates(p, s, 90*time.Minute))

	s = plan.Shadow{Outputs: []plan.Compared{{Equal: 100}}}
	require.Equal(t, "nothing differs so far; 898 more comparisons without a difference would do", compare.Gates(p, s, 0)[1].Why)
	s = plan.Shadow{Outputs: []plan.Compared{{Equal: 1000, Different: 1}}}
	require.Equal(t, "1 of 1,001 differs: at most 0.48 % at 95 %", compare.Gates(p, s, 0)[1].Have)
	require.Contains(t, compare.Gates(p, s, 0)[1].Why, "too few comparisons to be sure; 579 more comparisons without another difference would do")
	p.Gates.Different = 0
	require.Contains(t, compare.Gates(p, s, 0)[1].Why, "want a share above 0")
}
