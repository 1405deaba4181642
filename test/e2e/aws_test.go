package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fakeAWS answers as AWS Lambda's Invoke and AWS Secrets Manager do, on one endpoint.
type fakeAWS struct {
	*httptest.Server

	mu      sync.Mutex
	secrets map[string]string // ARN or name → content
	asked   map[string]int
	events  map[string][][]byte // function → what it was invoked with
}

func newAWS(t *testing.T) *fakeAWS {
	f := &fakeAWS{secrets: map[string]string{}, asked: map[string]int{}, events: map[string][][]byte{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// awsEnv are credentials for it.
func awsEnv() []string {
	return []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "AWS_PROFILE="}
}

// ServeHTTP implements http.Handler.
func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		f.refuse(w, 403, "AccessDeniedException", "the request is not signed")
		return
	}
	if r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue" {
		f.secret(w, body)
		return
	}
	f.invoke(w, r, body)
}

func (f *fakeAWS) secret(w http.ResponseWriter, body []byte) {
	var in struct{ SecretId string } // AWS's own spelling
	_ = json.Unmarshal(body, &in)
	f.mu.Lock()
	content, ok := f.secrets[in.SecretId]
	f.asked[in.SecretId]++
	f.mu.Unlock()
	if !ok {
		f.refuse(w, 400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(map[string]string{"ARN": in.SecretId, "Name": in.SecretId, "SecretString": content})
}

func (f *fakeAWS) invoke(w http.ResponseWriter, r *http.Request, event []byte) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/")
	name = name[strings.LastIndex(name, ":")+1:]
	switch name {
	case "denied":
		f.refuse(w, 403, "AccessDeniedException", "User is not authorized to perform: lambda:InvokeFunction")
	case "absent":
		f.refuse(w, 404, "ResourceNotFoundException", "Function not found")
	default:
		f.mu.Lock()
		f.events[name] = append(f.events[name], event)
		f.mu.Unlock()
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		_, _ = io.WriteString(w, "null")
	}
}

func (f *fakeAWS) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message, "message": message})
}

// invoked gives the events of a function so far.
func (f *fakeAWS) invoked(name string) [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([][]byte(nil), f.events[name]...)
}
