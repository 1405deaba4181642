package clients

import (
	"encoding/json"
	"testing"
)

// client is one of AWS's clients. What it answers is JSON with the member names of
// AWS's model; payloads are base64.
type client interface {
	call(t *testing.T, operation string, input map[string]any) (map[string]any, *failure)
}

// failure is an error as the client understood it. What a client does not tell is zero.
type failure struct {
	Code      string
	Message   string
	Status    int
	RequestID string
}

func decoded(b []byte) (map[string]any, error) {
	out := map[string]any{}
	if len(b) == 0 {
		return out, nil
	}
	return out, json.Unmarshal(b, &out)
}
