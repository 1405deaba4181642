package cli

import (
	"time"

	"gantry/function"
)

// functionDoc is a function as GET /gantry/v1/functions/NAME shows it.
type functionDoc struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Kind        function.Kind     `json:"kind"`
	Declared    bool              `json:"declared"`
	Runtime     string            `json:"runtime"`
	Handler     string            `json:"handler"`
	ARN         string            `json:"arn"`
	URL         string            `json:"http"`
	Integration string            `json:"integration"`
	Settings    map[string]string `json:"settings"`
	Role        string            `json:"role"`
	Timeout     string            `json:"timeout"`
	Memory      int               `json:"memory"`
	Environment map[string]string `json:"environment"`
	Processes   int               `json:"processes"`
	Concurrency *int              `json:"concurrency"`
	Code        struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
		Dir    string `json:"dir"`
	} `json:"code"`
	LastModified time.Time `json:"lastModified"`
}

// mappingDoc is a mapping as GET /gantry/v1/mappings/ID shows it. Durations are text;
// what was never said is empty.
type mappingDoc struct {
	UUID           string     `json:"uuid"`
	Name           string     `json:"name"`
	Declared       bool       `json:"declared"`
	Function       string     `json:"function"`
	Filters        []string   `json:"filters"`
	Cluster        string     `json:"cluster"`
	ARN            string     `json:"arn"`
	Brokers        []string   `json:"brokers"`
	Topic          string     `json:"topic"`
	GroupID        string     `json:"consumerGroupId"`
	Start          string     `json:"startingPosition"`
	StartTime      *time.Time `json:"startingPositionTimestamp"`
	BatchSize      int        `json:"batchSize"`
	Window         string     `json:"maximumBatchingWindow"`
	RetryAttempts  int        `json:"maximumRetryAttempts"`
	RecordAge      string     `json:"maximumRecordAge"`
	Bisect         bool       `json:"bisectBatchOnFunctionError"`
	PartialAnswers bool       `json:"reportBatchItemFailures"`
	OnFailure      string     `json:"onFailure"`
	Pollers        *struct {
		Minimum int `json:"minimum"`
		Maximum int `json:"maximum"`
	} `json:"pollers"`
	Tags         map[string]string `json:"tags"`
	LastModified time.Time         `json:"lastModified"`
}
