package door

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// fault is a refusal in the shape AWS gives it: the type in a header, the text in JSON.
type fault struct {
	status  int
	kind    string
	message string
}

func (f *fault) Error() string { return f.kind + ": " + f.message }

func (f *fault) write(w http.ResponseWriter) {
	body, err := json.Marshal(map[string]string{"message": f.message})
	if err != nil {
		body = []byte("{}")
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Amzn-ErrorType", f.kind)
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the client may be gone, nobody else wants to know
}

// The texts are AWS's where AWS has one.

func forbidden(format string, args ...any) *fault {
	return &fault{http.StatusForbidden, "AccessDeniedException", fmt.Sprintf(format, args...)}
}

func missingToken() *fault {
	return &fault{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
}

func incomplete(format string, args ...any) *fault {
	return &fault{http.StatusForbidden, "IncompleteSignatureException", fmt.Sprintf(format, args...)}
}

func unknownKey() *fault {
	return &fault{http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid."}
}

func badSignature(format string, args ...any) *fault {
	return &fault{http.StatusForbidden, "InvalidSignatureException", fmt.Sprintf(format, args...)}
}

func mismatch() *fault {
	return badSignature("The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func bodyTooLarge(limit int64) *fault {
	return &fault{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
		fmt.Sprintf("Request must be smaller than %d bytes", limit)}
}

func bodyTooSlow(limit time.Duration) *fault {
	return &fault{http.StatusRequestTimeout, "RequestTimeoutException",
		fmt.Sprintf("The request body did not arrive within %s", limit)}
}

func bodyBroken(err error) *fault {
	return &fault{http.StatusBadRequest, "InvalidRequestContentException",
		fmt.Sprintf("The request body could not be read: %v", err)}
}
