package filter_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"gantry/pipeline/filter"
	"gantry/record"
)

var fuzzPatterns = []string{
	`{"value":{"a":["x",1,null,{"prefix":"é"},{"suffix":{"equals-ignore-case":"ß"}}],"b":{"c.d":[{"exists":false}]}}}`,
	`{"value":{"$or":[{"a":[{"numeric":[">",-1e300,"<=",4.9e-324]}]},{"$or":[{"b":[{"cidr":"::/0"}]},{"c":["10.0.0.1"]}]}]}}`,
	`{"value":{"a":[{"anything-but":{"wildcard":["*a\\**","b"]}},{"anything-but":[1,2]},{"wildcard":"*x*"}]}}`,
	`{"value":{"":["x"],".":[1],"a..b":{"":[2]}}}`,
	`{"value":[{"anything-but":"x"},{"exists":false}]}`,
	`{"value":{"$or":["x"]}}`,
}

// FuzzCompile looks for patterns that make the compiler fall over, or that it takes
// although they are no JSON.
func FuzzCompile(f *testing.F) {
	for _, p := range fuzzPatterns {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := filter.Compile(pattern)
		if err != nil {
			return
		}
		if !json.Valid([]byte(pattern)) {
			t.Fatalf("compiled, although it is no JSON: %q", pattern)
		}
		filter.NewSet(p).Keep(&record.Record{Value: []byte(`{"a":{"b":[1,"x",{"c":null}]}}`)})
	})
}

// FuzzKeep looks for records that make the scanner fall over, or that it reads in
// another way than encoding/json does.
func FuzzKeep(f *testing.F) {
	for _, value := range []string{
		`{"a":"x"}`, `{"a":[{"b":{"c":{"d":1}}},[1,[2]],"\u00e9\ud800"]}`, `{"":{"":2},"a..b":1e5,".":-0.0}`, `[1]`, `"x"`, ` 1 `, `{`, `{"a":1}x`, `{"a":01}`,
		"{\"a\":\"\x01\"}", strings.Repeat(`{"a":[`, 600), "\xff",
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, pattern := range fuzzPatterns {
			p, err := filter.Compile(pattern)
			if err != nil {
				t.Fatal(err)
			}
			why := filter.NewSet(p).Decide(&record.Record{Value: value})
			if valid := json.Valid(value); why == filter.NotJSON && valid || why == filter.NotObject && !valid || why == filter.IsJSON && !valid {
				t.Fatalf("%s: %s, encoding/json says valid: %v", pattern, why, valid)
			}
			tested := why == filter.Matched || why == filter.NotMatched
			if strings.HasPrefix(pattern, `{"value":{`) && tested && !(json.Valid(value) && utf8.Valid(value)) {
				t.Fatalf("%s was tested on something that is no JSON", pattern)
			}
		}
	})
}
