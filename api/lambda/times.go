package lambda

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// epoch is a time as the API's timestamps are: a JSON number of Unix seconds, with a
// fraction where there is one. The SDKs refuse or misread everything else.
type epoch time.Time

// MarshalJSON writes seconds with at most three decimals.
func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of seconds.
func (e *epoch) UnmarshalJSON(b []byte) error {
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return fmt.Errorf("%s is no timestamp: a timestamp is a number of seconds since 1970", shorten(string(b)))
	}
	*e = epoch(time.UnixMilli(int64(seconds * 1000)).UTC())
	return nil
}

// stamp is a time as function configurations show it: text, unlike everywhere else.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }
