package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"gantry/pipeline/filter"
	"gantry/record"
)

// BenchmarkKeep tests records of about 1 KB whose tested field is the last.
func BenchmarkKeep(b *testing.B) {
	for _, c := range []struct{ name, pattern string }{
		{"number", `{"value":{"total":[{"numeric":[">",100]}]}}`},
		{"item", `{"value":{"items":{"sku":["sku-9"],"count":[{"numeric":[">",5]}]}}}`},
		{"or", `{"value":{"$or":[{"total":[{"numeric":["<",0]}]},{"status":[{"prefix":"PA"}]}]}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			var items []string
			for i := range 10 {
				items = append(items, fmt.Sprintf(`{"sku":"sku-%d","count":%d,"text":"%s"}`, i, i, strings.Repeat("x", 50)))
			}
			rec := record.Record{Value: []byte(`{"id":"order-1","items":[` + strings.Join(items, ",") + `],"status":"PAID","total":101}`)}
			set, err := filter.CompileAll([]string{c.pattern})
			if err != nil || !set.Keep(&rec) {
				b.Fatal("not kept", err)
			}
			b.SetBytes(int64(len(rec.Value)))
			b.ReportAllocs()
			for b.Loop() {
				set.Keep(&rec)
			}
		})
	}
}
