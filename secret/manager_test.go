package secret_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"gantry/secret"
)

// secretsManager is as much of AWS Secrets Manager's JSON 1.1 protocol as a client of
// GetSecretValue sees.
type secretsManager struct {
	mu      sync.Mutex
	secrets map[string]string
	broken  int // status to answer with instead
	asked   atomic.Int64
	region  string // of the last signature
}

func (s *secretsManager) set(id, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[id] = value
}

func (s *secretsManager) breakWith(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = status
}

func (s *secretsManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct{ SecretId string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	answer := func(status int, body map[string]any) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	// Credential=ID/DATE/REGION/SERVICE/aws4_request
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 2 {
		s.region = scope[2]
	}
	value, ok := s.secrets[in.SecretId]
	switch {
	case r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue":
		answer(400, map[string]any{"__type": "UnknownOperationException"})
	case s.broken == 400:
		answer(400, map[string]any{"__type": "AccessDeniedException", "Message": "not authorized"})
	case s.broken != 0:
		answer(s.broken, map[string]any{"__type": "InternalServiceError"})
	case !ok:
		answer(400, map[string]any{"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the specified secret."})
	case strings.HasPrefix(value, "binary "):
		answer(200, map[string]any{"SecretBinary": base64.StdEncoding.EncodeToString([]byte(value))})
	default:
		answer(200, map[string]any{"SecretString": value})
	}
}

func openManager(t *testing.T, expiry time.Duration) (*secret.Resolver, *secretsManager) {
	t.Helper()
	fake := &secretsManager{secrets: map[string]string{}}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return secret.New(secret.Options{
		Expiry: expiry,
		Rules:  secret.Config{{Prefix: "arn:aws:secretsmanager:", From: secret.From{AWS: true}}, {Prefix: "sm:", From: secret.From{AWS: true}}},
		AWS: func(context.Context) (aws.Config, error) {
			return aws.Config{
				Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "x"}, nil
				}),
			}, nil
		},
	}), fake
}

const userARN = "arn:aws:secretsmanager:us-east-2:123456789012:secret:AmazonMSK_user-AbCdEf"

func TestSecretsManagerByARNAndByName(t *testing.T) {
	t.Parallel()
	r, fake := openManager(t, 0)
	fake.set(userARN, `{"username":"ann","password":"hunter2"}`)
	fake.set("team/key", "binary key")

	fields, err := r.Fields(t.Context(), userARN)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"username": "ann", "password": "hunter2"}, fields)
	require.Equal(t, "us-east-2", fake.region, "the region of the ARN")

	plain, err := r.Plain(t.Context(), "sm:team/key")
	require.NoError(t, err)
	require.Equal(t, "binary key", plain)
	require.Equal(t, "eu-west-1", fake.region, "the configured region")
}

func TestManyAskersOneRequest(t *testing.T) {
	t.Parallel()
	r, fake := openManager(t, 0)
	fake.set(userARN, "x")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := r.Get(t.Context(), userARN)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, fake.asked.Load())
}

func TestSecretsManagerRefusals(t *testing.T) {
	t.Parallel()
	r, fake := openManager(t, 0)
	_, err := r.Get(t.Context(), userARN)
	require.ErrorContains(t, err, userARN)
	require.ErrorContains(t, err, "ResourceNotFoundException")
	require.ErrorContains(t, err, "check its name, account and region")

	fake.breakWith(400)
	_, err = r.Get(t.Context(), userARN)
	require.ErrorContains(t, err, "allow secretsmanager:GetSecretValue")
}

// An expired value stays in use while Secrets Manager is out of reach, but neither a
// refusal nor a forgotten value is covered by it.
func TestAnOutageDoesNotTakeAKnownSecretAway(t *testing.T) {
	t.Parallel()
	r, fake := openManager(t, time.Nanosecond)
	fake.set(userARN, "one")
	_, err := r.Get(t.Context(), userARN)
	require.NoError(t, err)

	fake.breakWith(500)
	plain, err := r.Plain(t.Context(), userARN)
	require.NoError(t, err)
	require.Equal(t, "one", plain)

	r.Forget(userARN)
	_, err = r.Get(t.Context(), userARN)
	require.ErrorContains(t, err, "check the network")

	fake.breakWith(0)
	_, err = r.Get(t.Context(), userARN)
	require.NoError(t, err)
	fake.breakWith(400)
	_, err = r.Get(t.Context(), userARN)
	require.ErrorContains(t, err, "allow secretsmanager:GetSecretValue")
}
