package plan

import (
	"fmt"
	"time"
)

// Revision tells a function from another one of the same name, as far as gantry can know.
type Revision struct {
	Function      string    `json:"function"`
	Code          string    `json:"code,omitempty"`          // a digest of its content; "" = not known
	Unknown       string    `json:"unknown,omitempty"`       // why it is not
	Configuration string    `json:"configuration,omitempty"` // a digest of what it is run with
	Changed       time.Time `json:"changed,omitzero"`        // when the configuration was; for people
}

// Others says of each function that is another one now what it was and is; none where all are
// what they were. A function whose code could not be told then is judged by its configuration
// alone; one whose code can't be told any more counts as another one.
func Others(was, is []Revision) (all []string) {
	before := map[string]Revision{}
	for _, r := range was {
		before[r.Function] = r
	}
	for _, now := range is {
		if what := other(before[now.Function], now); what != "" {
			all = append(all, "function "+now.Function+": "+what)
		}
	}
	return all
}

func other(was, is Revision) string {
	switch {
	case was.Configuration == "":
		return "which one it was is not known"
	case was.Code != "" && is.Code == "":
		return fmt.Sprintf("its code was %s, and can't be told now: %s", short(was.Code), is.Unknown)
	case was.Code != "" && was.Code != is.Code:
		return fmt.Sprintf("its code was %s and is %s", short(was.Code), short(is.Code))
	case was.Configuration != is.Configuration:
		return fmt.Sprintf("its configuration was %s%s and is %s%s", short(was.Configuration), since(was.Changed), short(is.Configuration), since(is.Changed))
	}
	return ""
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " (of " + t.UTC().Format(time.DateTime) + ")"
}

// short is as much of a digest as people compare.
func short(digest string) string { return digest[:min(len(digest), 12)] }
