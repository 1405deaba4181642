package produce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"gantry/function"
	"gantry/kafka"
)

// Path is where a topic's records are sent to; {topic} is its name.
const Path = "/gantry/v1/topics/{topic}/records"

// answer says what became of each record, in the order of the request. Type and Message
// are there where the status is not 200, and say why.
type answer struct {
	Type    string   `json:"type,omitempty"`
	Message string   `json:"message,omitempty"`
	Records []result `json:"records,omitempty"`
}

// result is where a record was written, or why it was not.
type result struct {
	Partition *int32   `json:"partition,omitempty"`
	Offset    *int64   `json:"offset,omitempty"`
	Error     *problem `json:"error,omitempty"`
}

type problem struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// refusal is a request that is refused whole: nothing was written.
type refusal struct {
	status int
	problem
}

func (r *refusal) Error() string { return r.Type + ": " + r.Message }

func refused(status int, kind, format string, args ...any) error {
	return &refusal{status, problem{kind, fmt.Sprintf(format, args...)}}
}

// For gives the handler of one function's requests. Who calls is known already; right is
// asked at each request, nil where the function has none.
func (w *Writer) For(name string, right func(ctx context.Context) (*function.Produce, error)) http.Handler {
	return w.Captured(name, right, nil)
}

// Captured is For with the topics that records go to in place of those the function names;
// what goes to a topic that is not among them is refused. nil = as named.
func (w *Writer) Captured(name string, right func(ctx context.Context) (*function.Produce, error), capture map[string]string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(rw http.ResponseWriter, r *http.Request) {
		ask := asked{name, r.PathValue("topic"), right, capture, w.use(name)}
		if w.cfg.Trace == nil {
			w.serve(ask, rw, r)
			return
		}
		ctx, end := w.cfg.Trace(r, name, ask.topic)
		end(w.serve(ask, rw, r.WithContext(ctx)))
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) {
		write(rw, http.StatusNotFound, answer{Type: "NotFound", Message: "want POST " + Path})
	})
	return mux
}

// serve answers one request, and says how many of its records were not written.
func (w *Writer) serve(a asked, rw http.ResponseWriter, r *http.Request) (failed int) {
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	results, err := w.take(ctx, a, rw, r)
	var no *refusal
	if errors.As(err, &no) {
		if no.status == http.StatusForbidden {
			a.use.Refused.Add(1)
		}
		w.cfg.Log.Warn("records of a function were refused", "event", "produce.refused", "function", a.function, "topic", a.topic,
			"status", no.status, "reason", no.Message)
		rw.Header().Set("Connection", "close") // its body may be on its way still
		write(rw, no.status, answer{Type: no.Type, Message: no.Message})
		return 0
	}
	status, failed, out := verdict(results)
	if failed > 0 {
		w.cfg.Log.Warn("records of a function were not written", "event", "produce.failed", "function", a.function, "topic", a.topic,
			"records", len(results), "failed", failed, "reason", out.Message)
	}
	write(rw, status, out)
	return failed
}

// write answers. A function that is gone wants no answer.
func write(rw http.ResponseWriter, status int, out answer) {
	h := rw.Header()
	h.Set("Content-Type", "application/json")
	if out.Type != "" {
		h.Set("X-Amzn-Errortype", out.Type)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(out)
}

// asked is one request: who, where to, and by which right.
type asked struct {
	function string
	topic    string
	right    func(context.Context) (*function.Produce, error)
	capture  map[string]string
	use      *Use
}

// to is the topic its records go to; false where the topic is not captured.
func (a asked) to() (topic string, ok bool) {
	if a.capture == nil {
		return a.topic, true
	}
	topic, ok = a.capture[a.topic]
	return topic, ok
}

// take checks, reads and writes. Its error is a *refusal where nothing was written.
func (w *Writer) take(ctx context.Context, a asked, rw http.ResponseWriter, r *http.Request) ([]result, error) {
	right, err := a.right(ctx)
	switch {
	case err != nil:
		return nil, refused(http.StatusServiceUnavailable, "ServiceUnavailableException", "find out what function %s may do: %v", a.function, err)
	case !right.Allows(a.topic):
		return nil, refused(http.StatusForbidden, "AccessDeniedException", "function %s may not write to topic %s: give it the right with "+
			"functions.%[1]s.produce: {cluster: NAME, topics: [%[2]s]} in the configuration", a.function, a.topic)
	case r.ContentLength > MaxBody:
		return nil, tooLarge()
	}
	to, ok := a.to()
	if !ok {
		return nil, refused(http.StatusForbidden, "AccessDeniedException", "function %s runs where what it writes is captured, and topic %s is not: name it in the plan's outputs", a.function, a.topic)
	}
	size := r.ContentLength
	if size < 0 {
		size = MaxBody
	}
	release, err := w.hold(ctx, a.use, size+1)
	if err != nil {
		return nil, refused(http.StatusTooManyRequests, "TooManyRequestsException", "too much is on its way to Kafka already, and did not become less in %s; send again", writeTimeout)
	}
	defer release()
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, MaxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge()
	case err != nil:
		return nil, refused(http.StatusBadRequest, "InvalidRequestContentException", "the body broke off: %v", err)
	}
	messages, err := read(body)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "InvalidParameterValueException", "%v", err)
	}
	return w.write(ctx, a.use, right.Cluster, to, messages)
}

func tooLarge() error {
	return refused(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "a request has at most %d bytes; send the records in several", MaxBody)
}

// write writes the records of a request and counts them.
func (w *Writer) write(ctx context.Context, use *Use, cluster, topic string, messages []kafka.Message) ([]result, error) {
	producer, err := w.producer(ctx, cluster)
	if err != nil {
		return nil, refused(http.StatusServiceUnavailable, "ClusterException", "reach cluster %s: %v", cluster, err)
	}
	var results []result
	for i, written := range producer.ProduceEach(ctx, topic, messages) {
		if written.Err != nil {
			use.Failed.Add(1)
			results = append(results, result{Error: problemOf(written.Err)})
			continue
		}
		use.Records.Add(1)
		use.Bytes.Add(int64(len(messages[i].Key) + len(messages[i].Value)))
		results = append(results, result{Partition: &written.Partition, Offset: &written.Offset})
	}
	return results, nil
}

// problemOf names why a record was not written, or is not known to be.
func problemOf(err error) *problem {
	text := err.Error()
	if d := kafka.Diagnose(err); d.Try != "" {
		text += ". Try: " + d.Try
	}
	var denied *kafka.Denied
	switch {
	case errors.Is(err, kafka.ErrTooLarge):
		return &problem{"RecordTooLargeException", text}
	case errors.Is(err, kafka.ErrUnknownTopic):
		return &problem{"ResourceNotFoundException", text}
	case errors.Is(err, kafka.ErrInvalid):
		return &problem{"InvalidRecordException", text}
	case errors.As(err, &denied):
		return &problem{"ClusterAuthorizationException", text}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &problem{"TimeoutException", "not acknowledged in time; it may be written all the same: " + text}
	}
	return &problem{"ClusterException", text}
}

// verdict gives the status of a whole request: 200 only if every record is written, else
// that of the first which is not.
func verdict(results []result) (status, failed int, out answer) {
	out = answer{Records: results}
	for _, r := range results {
		if r.Error == nil {
			continue
		}
		if failed++; failed == 1 {
			out.Type, out.Message = r.Error.Type, r.Error.Message
		}
	}
	if failed == 0 {
		return http.StatusOK, 0, out
	}
	out.Message = fmt.Sprintf("%d of %d records were not written, see records: %s", failed, len(results), out.Message)
	return statuses[out.Type], failed, out
}

// statuses are those of what may become of a record.
var statuses = map[string]int{
	"RecordTooLargeException":       http.StatusRequestEntityTooLarge,
	"ResourceNotFoundException":     http.StatusNotFound,
	"InvalidRecordException":        http.StatusBadRequest,
	"ClusterAuthorizationException": http.StatusBadGateway,
	"TimeoutException":              http.StatusGatewayTimeout,
	"ClusterException":              http.StatusServiceUnavailable,
}
