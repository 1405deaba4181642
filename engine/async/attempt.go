package async

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"time"

	"gantry/function"
	"gantry/store"
)

// AWS's rules of retries (Developer Guide, invocation-async-error-handling).
const (
	DefaultRetries = 2
	DefaultAge     = 6 * time.Hour
	afterFailure   = time.Minute // times the number of failures: one minute, then two
	firstPause     = time.Second // what was not reached: doubled each time
	longestPause   = 5 * time.Minute
	sendTimeout    = 30 * time.Second // of one attempt at a destination
)

// remoteWidth is how many events of a function that is no process here run at once.
const remoteWidth = 32

// work is one attempt at one event.
type work struct {
	d    *Dispatcher
	b    *backlog
	e    *entry
	ev   Event
	fn   function.Function
	stop context.Context // cuts it
	out  *function.Outcome
}

// attempt does what is to be done next with an event, and puts it back or ends it.
func (d *Dispatcher) attempt(ctx, stop context.Context, b *backlog, e *entry) {
	w := &work{d: d, b: b, e: e, stop: stop}
	defer w.done()
	items, err := d.cfg.Queue.Items(stop, b.name, e.sequence, 1)
	switch {
	case err != nil:
		w.pause(0, "read the event: "+err.Error())
		return
	case len(items) == 0 || items[0].Sequence != e.sequence:
		w.forget() // dropped meanwhile
		return
	}
	if err := json.Unmarshal(items[0].Body, &w.ev); err != nil {
		w.pause(0, "read the event: "+err.Error())
		return
	}
	if w.ev.Letter != nil {
		w.send()
		return
	}
	w.fn, err = d.cfg.Functions.Declared(stop, b.name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		w.giveUp(functionGone)
	case err != nil:
		w.pause(0, err.Error())
	default:
		w.invoke(ctx)
	}
}

// invoke calls the function once, unless the event is too old by then.
func (w *work) invoke(ctx context.Context) {
	w.d.widen(w.b, w.fn)
	if !time.Now().Before(w.deadline()) {
		w.giveUp(ageExceeded)
		return
	}
	waiting, cancel := context.WithDeadline(ctx, w.deadline())
	defer cancel()
	out, err := w.d.cfg.Functions.Await(w.stop, waiting, w.b.name, function.Invocation{
		Payload: w.ev.Payload, RequestID: w.ev.ID, ClientContext: w.ev.ClientContext, TraceID: w.ev.TraceID,
	})
	switch {
	case w.stop.Err() != nil && (err != nil || out.Class != function.Succeeded), err != nil && ctx.Err() != nil:
		// gantry stops: the next one takes the event up as it is
	case errors.Is(err, ErrNoConcurrency):
		w.giveUp(noConcurrency)
	case err != nil && waiting.Err() != nil:
		w.giveUp(ageExceeded)
	case err != nil:
		w.pause(0, err.Error())
	default:
		w.out = &out
		w.settle()
	}
}

// settle decides what becomes of the event after an invocation.
func (w *work) settle() {
	switch w.out.Class {
	case function.Succeeded:
		w.trouble("")
		w.end(success, w.options().OnSuccess)
	case function.Failed, function.Unknown, function.TooLarge:
		w.trouble("")
		w.ev.Failures++
		if w.ev.Failures > w.retries() {
			w.giveUp(retriesExhausted)
			return
		}
		w.again(time.Duration(w.ev.Failures) * afterFailure)
	default: // it certainly did not run
		w.pause(w.out.RetryAfter, w.out.Message)
	}
}

// again keeps the count of failures and puts the event back.
func (w *work) again(after time.Duration) {
	if !w.replace() {
		return
	}
	w.e.pauses = 0
	w.back(after)
}

// pause puts an event back that did not reach what it should, for longer each time.
func (w *work) pause(atLeast time.Duration, problem string) {
	w.trouble(problem)
	after := longestPause
	if w.e.pauses < 9 { // 2^9 s is more than the longest
		after = min(firstPause<<w.e.pauses, longestPause)
	}
	w.e.pauses++
	w.back(max(after, min(atLeast, longestPause)))
}

// back puts the event back; it is looked at again when it gets too old.
func (w *work) back(after time.Duration) {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	w.e.due = time.Now().Add(after)
	if end := w.deadline(); w.ev.Letter == nil && !w.ev.Accepted.IsZero() && end.Before(w.e.due) {
		w.e.due = end
	}
	if w.d.backlogs[w.b.name] == w.b {
		w.b.add(w.e)
	}
}

// giveUp ends an event without success.
func (w *work) giveUp(condition string) {
	w.d.mu.Lock()
	w.b.counts.Dropped++
	w.d.mu.Unlock()
	to := w.options().OnFailure
	message := ""
	if w.out != nil {
		message = w.out.Message
	}
	w.d.cfg.Log.Warn("asynchronous event given up", "event", "async.given_up", "function", w.b.name, "requestId", w.ev.ID,
		"condition", condition, "destination", cmp.Or(to, "none"), "error", message)
	w.end(condition, to)
}

// end takes the event to its destination, or out of the store where there is none.
func (w *work) end(condition, to string) {
	if to == "" {
		w.remove()
		return
	}
	end := ending{condition: condition, invoked: w.ev.Failures, out: w.out}
	if condition == success {
		end.invoked++
	}
	document, err := documentOf(&w.ev, w.d.cfg.ARN(w.b.name)+":"+function.LatestVersion, end, time.Now())
	if err != nil {
		w.pause(0, "write the document for "+to+": "+err.Error())
		return
	}
	w.ev.Letter = &Letter{To: to, Document: document}
	w.ev.Payload = nil // the document has it
	if w.replace() {
		w.e.pauses = 0
		w.send()
	}
}

// send delivers the letter, for as long as it takes.
func (w *work) send() {
	ctx, cancel := context.WithTimeout(w.stop, sendTimeout)
	defer cancel()
	if err := w.d.cfg.Sender.Send(ctx, w.ev.Letter.To, []byte(w.ev.ID), w.ev.Letter.Document); err != nil {
		if w.stop.Err() != nil {
			return // the next one sends it
		}
		w.d.mu.Lock()
		w.b.counts.Unsent++
		w.d.mu.Unlock()
		w.pause(0, "deliver to "+w.ev.Letter.To+": "+err.Error())
		return
	}
	w.trouble("")
	w.remove()
}

// replace writes the event as it is now; it is put back where that fails.
func (w *work) replace() bool {
	body, err := w.ev.encode()
	if err == nil {
		err = w.d.cfg.Queue.Replace(context.WithoutCancel(w.stop), w.b.name, store.Queued{Sequence: w.e.sequence, Body: body})
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, store.ErrNotFound):
		w.forget() // dropped meanwhile
	default:
		w.pause(0, err.Error())
	}
	return false
}

// remove ends an event for good.
func (w *work) remove() {
	if err := w.d.cfg.Queue.Remove(context.WithoutCancel(w.stop), w.b.name, w.e.sequence); err != nil {
		w.pause(0, err.Error()) // it may run once more: at least once
		return
	}
	w.forget()
}

// forget takes an event off the books.
func (w *work) forget() {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	w.d.release(w.b, w.e.size)
}

func (w *work) done() {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	w.b.busy--
	w.d.nudge()
}

// trouble keeps why events do not get on, and says it once.
func (w *work) trouble(problem string) {
	w.d.mu.Lock()
	before := w.b.problem
	w.b.problem = problem
	w.d.mu.Unlock()
	if problem != "" && before == "" {
		w.d.cfg.Log.Warn("asynchronous events do not get on, they are tried again", "event", "async.waiting", "function", w.b.name, "error", problem)
	}
}

func (w *work) options() function.Asynchronous {
	if w.fn.Async == nil {
		return function.Asynchronous{}
	}
	return *w.fn.Async
}

func (w *work) retries() int {
	if r := w.options().Retries; r != nil {
		return *r
	}
	return DefaultRetries
}

func (w *work) deadline() time.Time {
	return w.ev.Accepted.Add(cmp.Or(w.options().MaxAge, DefaultAge))
}

// widen lets as many events of a function run at once as it can take.
func (d *Dispatcher) widen(b *backlog, fn function.Function) {
	width := remoteWidth
	if fn.Kind == function.Process {
		width = cmp.Or(fn.Processes, 2*runtime.NumCPU())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.width != width {
		b.width = width
		d.nudge()
	}
}
