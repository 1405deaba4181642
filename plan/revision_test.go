package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/plan"
)

func TestAFunctionIsAnotherOne(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 8, 30, 0, 0, time.UTC)
	was := plan.Revision{Function: "f", Code: "aaaaaaaaaaaaaaaa", Configuration: "cccccccccccccccc", Changed: at}
	for name, c := range map[string]struct {
		was, is plan.Revision
		want    string
	}{
		"the same":             {was, was, ""},
		"applied again":        {was, plan.Revision{Function: "f", Code: was.Code, Configuration: was.Configuration, Changed: at.Add(time.Hour)}, ""},
		"other code":           {was, plan.Revision{Function: "f", Code: "bbbbbbbbbbbbbbbb", Configuration: was.Configuration}, "function f: its code was aaaaaaaaaaaa and is bbbbbbbbbbbb"},
		"other configuration":  {was, plan.Revision{Function: "f", Code: was.Code, Configuration: "dddddddddddddddd", Changed: at.Add(time.Hour)}, "function f: its configuration was cccccccccccc (of 2026-12-01 08:30:00) and is dddddddddddd (of 2026-12-01 09:30:00)"},
		"can't be told now":    {was, plan.Revision{Function: "f", Unknown: "AWS does not answer", Configuration: was.Configuration}, "function f: its code was aaaaaaaaaaaa, and can't be told now: AWS does not answer"},
		"could never be told":  {plan.Revision{Function: "f", Unknown: "HTTP", Configuration: "cc"}, plan.Revision{Function: "f", Unknown: "HTTP", Configuration: "cc"}, ""},
		"another URL":          {plan.Revision{Function: "f", Unknown: "HTTP", Configuration: "cc"}, plan.Revision{Function: "f", Unknown: "HTTP", Configuration: "dd"}, "function f: its configuration was cc and is dd"},
		"of another function":  {plan.Revision{Function: "g", Code: "x", Configuration: "y"}, was, "function f: which one it was is not known"},
		"known only afterward": {plan.Revision{Function: "f", Unknown: "x", Configuration: was.Configuration}, was, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := plan.Others([]plan.Revision{c.was}, []plan.Revision{c.is})
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Equal(t, []string{c.want}, got)
		})
	}
}
