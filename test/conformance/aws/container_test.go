package aws_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// container answers as ECS does: with the credentials of the task gantry would be.
func container(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"AccessKeyId":"ASIAOFTHEMACHINE0000","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
