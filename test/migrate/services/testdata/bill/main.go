// Command bill is the function that takes the old services' work over: for each record one
// in the output topic, which says where it came from, and in its header which gantry's
// process ran it.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type output struct {
	Key     string             `json:"key"`
	Value   string             `json:"value"`
	Headers []map[string][]int `json:"headers"`
}

func main() {
	topic := os.Getenv("OUTPUTS")
	var life []int
	for _, b := range fmt.Append(nil, os.Getppid()) {
		life = append(life, int(b))
	}
	lambda.Start(func(_ context.Context, e events.KafkaEvent) (any, error) {
		var all []output
		for _, records := range e.Records {
			for _, r := range records {
				name := "" // records of a second topic are told apart from those of the first
				if strings.HasSuffix(r.Topic, "-second") {
					name = "second:"
				}
				from := fmt.Appendf(nil, `{"by":"new","from":"%s%d/%d"}`, name, r.Partition, r.Offset)
				all = append(all, output{r.Key, base64.StdEncoding.EncodeToString(from), []map[string][]int{{"life": life}}})
			}
		}
		return map[string]any{"records": map[string]any{topic: all}}, nil
	})
}
