package fakelambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Step answers one call, or does not.
type Step func(*Exchange)

// Answer runs the function and gives its answer.
func Answer(body string) Step {
	return Run(func([]byte) ([]byte, error) { return []byte(body), nil })
}

// Run gives what f makes of the event; an error is an error of the function.
func Run(f func(event []byte) ([]byte, error)) Step {
	return func(e *Exchange) {
		answer, err := f(e.Read())
		e.Ran()
		if err != nil {
			e.fail("Error", err.Error())
			return
		}
		e.Reply(http.StatusOK, answer)
	}
}

// Fail runs the function, which fails.
func Fail(errorType, message string) Step {
	return func(e *Exchange) {
		e.Read()
		e.Ran()
		e.fail(errorType, message)
	}
}

func (e *Exchange) fail(errorType, message string) {
	document, _ := json.Marshal(map[string]string{"errorMessage": message, "errorType": errorType})
	if !e.aws {
		e.Reply(http.StatusInternalServerError, document)
		return
	}
	e.w.Header().Set("X-Amz-Function-Error", "Unhandled")
	e.Reply(http.StatusOK, document)
}

// Throttle refuses the call with 429 and says when to come back.
func Throttle(after time.Duration) Step {
	return func(e *Exchange) {
		e.Read()
		e.w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
		e.Error(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	}
}

// Status answers without running the function: an error of the service or of a proxy.
func Status(status int, code string) Step {
	return func(e *Exchange) {
		e.Read()
		e.Error(status, code, "the fake was told to say "+strconv.Itoa(status))
	}
}

// Proxy answers as a device on the path does: without a sign of Lambda.
func Proxy(status int) Step {
	return func(e *Exchange) {
		e.Read()
		e.w.Header().Set("Content-Type", "text/html")
		e.w.WriteHeader(status)
		fmt.Fprintf(e.w, "<html>%d</html>", status)
	}
}

// Redirect sends the client elsewhere.
func Redirect(status int, to string) Step {
	return func(e *Exchange) {
		e.Read()
		e.w.Header().Set("Location", to)
		e.Reply(status, nil)
	}
}

// Hang takes the event and never answers; the function does not end either.
func Hang() Step {
	return func(e *Exchange) {
		e.Read()
		e.Gone()
	}
}

// HangUnread takes no byte of the event and never answers.
func HangUnread() Step {
	return func(e *Exchange) { <-e.server.closing }
}

// Late runs the function to its end although the client has left, then answers nobody.
func Late(body string) Step {
	return func(e *Exchange) {
		e.Read()
		e.Gone()
		e.Ran()
		e.Reply(http.StatusOK, []byte(body))
	}
}

// CutUnread dies before it has read the event.
func CutUnread() Step { return func(e *Exchange) { e.Cut() } }

// CutAfterRun reads the event, runs the function and dies before the answer.
func CutAfterRun() Step { return CutAfter(0) }

// CutAfter does so after a while, as a firewall cuts a connection it believes idle.
func CutAfter(d time.Duration) Step {
	return func(e *Exchange) {
		e.Read()
		e.Ran()
		time.Sleep(d)
		e.Cut()
	}
}

// Half runs the function and dies in the middle of the answer.
func Half(body string) Step {
	return func(e *Exchange) {
		e.Read()
		e.Ran()
		e.Raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2]))
	}
}

// Overlong answers with more bytes than it announced.
func Overlong(body string, announced int) Step {
	return func(e *Exchange) {
		e.Read()
		e.Ran()
		e.Raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", announced, body))
	}
}

// Garbage answers with something that is not HTTP.
func Garbage() Step {
	return func(e *Exchange) {
		e.Read()
		e.Ran()
		e.Raw("220 mail.example ESMTP\r\n")
	}
}

// Slow runs the function and gives its answer in pieces, one each pause.
func Slow(body string, pieces int, pause time.Duration) Step {
	return func(e *Exchange) {
		e.Read()
		e.Ran()
		e.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		for i := range pieces {
			_, _ = e.w.Write([]byte(body[i*len(body)/pieces : (i+1)*len(body)/pieces]))
			_ = http.NewResponseController(e.w).Flush()
			time.Sleep(pause)
		}
	}
}

// EarlyAnswer gives its answer before it has read the event, and never reads it.
func EarlyAnswer(status int) Step {
	return func(e *Exchange) {
		conn, w := e.take()
		fmt.Fprintf(w, "HTTP/1.1 %d Early\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", status)
		_ = w.Flush()
		<-e.server.closing
		_ = conn.Close()
	}
}
