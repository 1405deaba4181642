package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/mapping"
)

func orders(edit func(in *lambda.CreateEventSourceMappingInput)) func(l *errorLab) *lambda.CreateEventSourceMappingInput {
	return func(l *errorLab) *lambda.CreateEventSourceMappingInput {
		in := l.wish("@PLAIN", ordersTopic)
		edit(in)
		return in
	}
}

func (l *errorLab) function(edit func(in *lambda.CreateFunctionInput)) *lambda.CreateFunctionInput {
	in := &lambda.CreateFunctionInput{
		FunctionName: aws.String("new"), Role: aws.String("arn:aws:iam::000000000000:role/orders"),
		Runtime: types.RuntimeProvidedal2023, Handler: aws.String("h"), Code: &types.FunctionCode{},
	}
	edit(in)
	return in
}

// packaged is a function whose creation is refused for its zip.
func packaged(did string, zip func(t *testing.T) []byte) errorCase {
	return errorCase{section: "Functions", did: did, door: "API, create-function", show: func(t *testing.T, l *errorLab) shown {
		_, err := l.aws.CreateFunction(t.Context(), l.function(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zip(t) }))
		return exception(t, err)
	}}
}

// outcome is what a function of the file does with the one record of a topic.
func outcome(did, want, function string) errorCase {
	return errorCase{section: "Functions", did: did, door: whileRunning, want: want, function: function,
		show: func(t *testing.T, l *errorLab) shown {
			p := l.part(t, functionName(did), nil)
			kafkatest.ProduceValues(t, l.c, p.topic, 0, "x")
			return l.problem(t, p.uuid, want)
		}}
}

func functionCases() []errorCase {
	const s, p = "Functions", mapping.ProblemFunction
	return []errorCase{
		created(s, "missing function", "", orders(func(in *lambda.CreateEventSourceMappingInput) { in.FunctionName = aws.String("absent") })),
		packaged("unreadable zip: no zip at all", func(*testing.T) []byte { return []byte("hello") }),
		packaged("unreadable zip: cut off", func(t *testing.T) []byte {
			zip := gantrytest.Zip(t, gantrytest.PythonFunction(t, strings.Repeat("x = 1\n", 100)))
			return zip[:len(zip)/2]
		}),
		packaged("no code", func(*testing.T) []byte { return nil }),
		outcome("it fails", p, `{http: "@FAILING"}`),
		outcome("nothing listens at its URL", p, `{http: "http://@CLOSED/"}`),
		outcome("its URL is not there (404)", p, `{http: "@MISSING"}`),
		outcome("AWS denies the invocation (403)", p, `{arn: "arn:aws:lambda:eu-west-1:123456789012:function:denied"}`),
		outcome("AWS has no such function (404)", p, `{arn: "arn:aws:lambda:eu-west-1:123456789012:function:absent"}`),
		outcome("its program is not in its folder", p, `{runtime: provided.al2023, handler: h, code: ./empty}`),
		outcome("its program is no program", p, `{runtime: provided.al2023, handler: h, code: ./broken}`),
	}
}

func filterCases() []errorCase {
	const s = "Filters"
	var all []errorCase
	for _, c := range []struct{ did, pattern string }{
		{"bad pattern: no JSON", `{"value": `},
		{"bad pattern: a value that is no list", `{"value": {"total": 100}}`},
		{"bad pattern: unknown operator", `{"value": {"total": [{"more-than": 100}]}}`},
		{"bad pattern: numeric without a number", `{"value": {"total": [{"numeric": [">", "100"]}]}}`},
		{"bad pattern: empty", `{}`},
		{"bad pattern: over 4096 characters", `{"value": ["` + strings.Repeat("x", 4096) + `"]}`},
	} {
		all = append(all, created(s, c.did, "", orders(func(in *lambda.CreateEventSourceMappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: &c.pattern}}}
		})))
	}
	return append(all, created(s, "eleven filters", "", orders(func(in *lambda.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{}
		for range mapping.MaxFilters + 1 {
			in.FilterCriteria.Filters = append(in.FilterCriteria.Filters, types.Filter{Pattern: aws.String(`{"value": ["x"]}`)})
		}
	})))
}

type creation = lambda.CreateEventSourceMappingInput

// numberCases are the numbers of the API, each just outside its range on both sides.
func numberCases() []errorCase {
	const s = "Numbers out of range"
	var all []errorCase
	for _, n := range []struct {
		name   string
		values []int32
		put    func(in *creation, v *int32)
	}{
		{"BatchSize", []int32{0, 10_001}, func(in *creation, v *int32) { in.BatchSize = v }},
		{"MaximumBatchingWindowInSeconds", []int32{-1, 301}, func(in *creation, v *int32) { in.MaximumBatchingWindowInSeconds = v }},
		{"MaximumRetryAttempts", []int32{-2, 10_001}, func(in *creation, v *int32) { in.MaximumRetryAttempts = v }},
		{"MaximumRecordAgeInSeconds", []int32{-2, 59, 604_801}, func(in *creation, v *int32) { in.MaximumRecordAgeInSeconds = v }},
		{"MinimumPollers", []int32{0, 201}, func(in *creation, v *int32) {
			in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: v}
		}},
		{"MaximumPollers", []int32{0, 2_001, 10_001}, func(in *creation, v *int32) {
			in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MaximumPollers: v}
		}},
	} {
		for _, v := range n.values {
			all = append(all, created(s, n.name+" "+itoa(v), "", orders(func(in *creation) { n.put(in, &v) })))
		}
	}
	all = append(all, created(s, "MaximumPollers 2 below MinimumPollers 3", "", orders(func(in *creation) {
		in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(3), MaximumPollers: aws.Int32(2)}
	})), created(s, "StartingPositionTimestamp tomorrow", "", orders(func(in *creation) {
		in.StartingPosition, in.StartingPositionTimestamp = types.EventSourcePositionAtTimestamp, aws.Time(time.Now().Add(24*time.Hour))
	})), created(s, "several at once", "", orders(func(in *creation) {
		in.BatchSize, in.MaximumRetryAttempts, in.MaximumBatchingWindowInSeconds = aws.Int32(0), aws.Int32(-5), aws.Int32(400)
	})))
	return append(append(all, functionNumbers()...), otherNumbers()...)
}

// otherNumbers are those that no creation carries.
func otherNumbers() []errorCase {
	var all []errorCase
	asked := func(did, door string, ask func(t *testing.T, l *errorLab) error) {
		all = append(all, errorCase{section: "Numbers out of range", did: did, door: "API, " + door,
			show: func(t *testing.T, l *errorLab) shown { return exception(t, ask(t, l)) }})
	}
	for _, n := range []int32{0, 10_001} {
		asked("MaxItems "+itoa(n), "list-event-source-mappings", func(t *testing.T, l *errorLab) error {
			_, err := l.aws.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{MaxItems: &n})
			return err
		})
	}
	for _, n := range []struct{ retries, age int32 }{{-1, 59}, {3, 21_601}} {
		asked("MaximumRetryAttempts "+itoa(n.retries)+", MaximumEventAgeInSeconds "+itoa(n.age), "put-function-event-invoke-config", func(t *testing.T, l *errorLab) error {
			_, err := l.aws.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
				FunctionName: aws.String("orders"), MaximumRetryAttempts: &n.retries, MaximumEventAgeInSeconds: &n.age})
			return err
		})
	}
	return all
}

func functionNumbers() []errorCase {
	number := func(did string, edit func(in *lambda.CreateFunctionInput)) errorCase {
		return errorCase{section: "Numbers out of range", did: did, door: "API, create-function", show: func(t *testing.T, l *errorLab) shown {
			_, err := l.aws.CreateFunction(t.Context(), l.function(func(in *lambda.CreateFunctionInput) {
				in.Code.ZipFile = gantrytest.Zip(t, gantrytest.PythonFunction(t, ""))
				edit(in)
			}))
			return exception(t, err)
		}}
	}
	return []errorCase{
		number("Timeout 0", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(0) }),
		number("Timeout 901", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }),
		number("MemorySize 127", func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(127) }),
		number("MemorySize 10241", func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(10_241) }),
		{section: "Numbers out of range", did: "ReservedConcurrentExecutions -1", door: "API, put-function-concurrency",
			show: func(t *testing.T, l *errorLab) shown {
				_, err := l.aws.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{
					FunctionName: aws.String("orders"), ReservedConcurrentExecutions: aws.Int32(-1)})
				return exception(t, err)
			}},
	}
}
