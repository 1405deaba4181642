package demo

import (
	_ "embed"
	"slices"

	"gantry/declare"
)

//go:embed demo.yaml
var configuration []byte

// Config is the configuration file the demo runs: what --print-config prints.
func Config() []byte { return slices.Clone(configuration) }

// The topics of the story. The services write the first two, gantry the third.
const (
	ordersTopic   = "orders"
	paymentsTopic = "payments"
	deadTopic     = "payments.dead"
)

// PythonFunction is the one function that needs more than Go: it joins where python3 is.
const PythonFunction = "order-score"

// stage is one mapping of the story as the view and the summary show it.
type stage struct {
	mapping  string
	function string
	topic    string
	label    string
	effect   string // what a processed record is called on the right
	wants    func(fact) bool
}

// fact is what the producer knows of a record it wrote.
type fact struct {
	total float64
	gold  bool
}

func every(fact) bool { return true }

// stages are in the order of the picture. What each wants is told by the producer's own
// knowledge of the record, not by the filter that chose it: so the summary also proves
// the filters.
func stages() []stage {
	return []stage{
		{"orders-to-validate", "order-validate", ordersTopic, "1.1 validate", "validated", every},
		{"orders-to-price", "order-price", ordersTopic, "1.2 price", "priced", func(f fact) bool { return f.total > 100 }},
		{"orders-to-notify", "order-notify", ordersTopic, "1.3 notify", "notified", func(f fact) bool { return f.gold }},
		{"payments-to-authorise", "payment-authorise", paymentsTopic, "2.1 authorise", "authorised", every},
		{"payments-to-settle", "payment-settle", paymentsTopic, "2.2 settle", "settled", every},
		{"orders-to-bucket", archiveFunction, ordersTopic, "archive orders", "archived", every},
		{"dead-letters-to-bucket", archiveFunction, deadTopic, "archive dead", "archived", every},
		{"orders-to-score", PythonFunction, ordersTopic, "score.py", "scored", every},
	}
}

// the functions that are integrations, not processes
const archiveFunction = "archive"

// WithoutPython takes the Python function and its mapping out of the file.
func WithoutPython(file *declare.File) {
	for i := range file.Functions {
		if file.Functions[i].Name == PythonFunction {
			file.Functions = slices.Delete(file.Functions, i, i+1)
			break
		}
	}
	for i := range file.Mappings {
		if file.Mappings[i].Uses(PythonFunction) {
			file.Mappings = slices.Delete(file.Mappings, i, i+1)
			break
		}
	}
}
