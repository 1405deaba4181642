package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The client an Issuer knows, its scope, and the audience brokers expect.
const (
	ClientID      = "gantry-client"
	ClientSecret  = "p+ss/w%rd" // characters that are encoded in a header
	Scope         = "kafka:read"
	TokenAudience = "kafka-brokers"
)

// Issuer is an identity provider: a token endpoint behind TLS of a private CA, and the
// keys Kafka's own validator checks its tokens with. Safe for use by many goroutines.
type Issuer struct {
	URL       string // the token endpoint
	CA        PEM    // signed its certificate
	ClientKey PEM    // signs the client's assertions (EC P-256)

	jwks   string // file of the public key
	key    *rsa.PrivateKey
	client *ecdsa.PublicKey

	mu      sync.Mutex
	life    time.Duration
	skew    time.Duration
	secret  string
	granted int
	down    bool
}

// StartIssuer runs one for a test.
func StartIssuer(t testing.TB) *Issuer {
	t.Helper()
	l, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	return StartIssuerAt(t, loopback, l)
}

// StartIssuerAt runs one behind a socket of another machine, by the name that has there.
func StartIssuerAt(t testing.TB, name string, l net.Listener) *Issuer {
	t.Helper()
	dir := t.TempDir()
	m := &mint{dir: dir, name: name}
	ca := m.authority("Identity CA")
	server, client := m.issue(ca, "localhost"), m.issue(ca, ClientID)
	i := &Issuer{CA: m.save("idp-ca.pem", ca.cert), ClientKey: m.save("assertion.key", client.key), client: &client.private.PublicKey, life: time.Hour, secret: ClientSecret}
	pair, err := tls.X509KeyPair(server.cert, server.key)
	m.note(err)
	i.key, err = rsa.GenerateKey(rand.Reader, 2048)
	m.note(err)
	if m.err != nil {
		t.Fatal(m.err)
	}
	i.publish(t, dir)
	s := httptest.NewUnstartedServer(http.HandlerFunc(i.answer))
	_ = s.Listener.Close()
	s.Listener = l
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	i.URL = fmt.Sprintf("https://%s:%d/token", name, l.Addr().(*net.TCPAddr).Port)
	return i
}

// publish writes the public key where brokers read it.
func (i *Issuer) publish(t testing.TB, dir string) {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	doc, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256",
		"n": b64(i.key.N.Bytes()), "e": b64(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
	if err == nil {
		i.jwks = filepath.Join(dir, "jwks.json")
		err = os.WriteFile(i.jwks, doc, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Listener is a door that takes its tokens, by Kafka's own validator.
func (i *Issuer) Listener() Listener {
	return Listener{Name: "oauth", Protocol: "SASL_SSL", Properties: map[string]string{
		"sasl.enabled.mechanisms":                               "OAUTHBEARER",
		"oauthbearer.sasl.jaas.config":                          "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
		"oauthbearer.sasl.server.callback.handler.class":        "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
		"oauthbearer.sasl.oauthbearer.jwks.endpoint.url":        "file://" + i.jwks,
		"oauthbearer.sasl.oauthbearer.expected.audience":        TokenAudience,
		"oauthbearer.sasl.oauthbearer.expected.issuer":          i.issuer(),
		"oauthbearer.sasl.oauthbearer.clock.skew.seconds":       "1",
		"oauthbearer.sasl.oauthbearer.jwks.endpoint.refresh.ms": "3600000",
	}}
}

// JVM are the options by which brokers may read the keys.
func (i *Issuer) JVM() []string {
	return []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://" + i.jwks}
}

func (i *Issuer) issuer() string { return strings.TrimSuffix(i.URL, "/token") }

// Life sets how long new tokens hold.
func (i *Issuer) Life(d time.Duration) { i.set(func() { i.life = d }) }

// Skew sets the issuer's clock forward.
func (i *Issuer) Skew(d time.Duration) { i.set(func() { i.skew = d }) }

// Secret changes the client's secret.
func (i *Issuer) Secret(s string) { i.set(func() { i.secret = s }) }

// Down makes the endpoint answer 503, or stop doing so.
func (i *Issuer) Down(down bool) { i.set(func() { i.down = down }) }

func (i *Issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// Granted counts the tokens given out.
func (i *Issuer) Granted() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.granted
}

func (i *Issuer) answer(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	refuse := func(status int, code, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": text})
	}
	if i.down {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/token" || r.ParseForm() != nil {
		http.NotFound(w, r)
		return
	}
	subject := ClientID
	switch r.Form.Get("grant_type") {
	case "client_credentials":
		id, secret, ok := r.BasicAuth()
		if !ok {
			id, secret = r.Form.Get("client_id"), r.Form.Get("client_secret")
		}
		if ok {
			secret = unescape(secret)
		}
		if id != ClientID || secret != i.secret {
			refuse(http.StatusUnauthorized, "invalid_client", "client authentication failed")
			return
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		var err error
		if subject, err = i.assertion(r.Form.Get("assertion")); err != nil {
			refuse(http.StatusBadRequest, "invalid_grant", err.Error())
			return
		}
	default:
		refuse(http.StatusBadRequest, "unsupported_grant_type", "")
		return
	}
	scope := r.Form.Get("scope")
	if !slices.Contains([]string{"", Scope}, scope) {
		refuse(http.StatusBadRequest, "invalid_scope", "unknown scope "+scope)
		return
	}
	if scope == "" {
		scope = Scope
	}
	audience := r.Form.Get("audience")
	if audience == "" {
		audience = TokenAudience
	}
	i.grant(w, jwt.MapClaims{"sub": subject, "scope": scope, "aud": audience})
}

func unescape(s string) string {
	return strings.NewReplacer("%2B", "+", "%2F", "/", "%25", "%").Replace(s)
}

func (i *Issuer) assertion(text string) (subject string, err error) {
	var c jwt.RegisteredClaims
	_, err = jwt.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return i.client, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(i.URL), jwt.WithExpirationRequired())
	if err != nil {
		return "", fmt.Errorf("the assertion is not valid: %w", err)
	}
	return c.Subject, nil
}

func (i *Issuer) grant(w http.ResponseWriter, claims jwt.MapClaims) {
	now := time.Now().Add(i.skew)
	claims["iss"], claims["iat"], claims["exp"] = i.issuer(), now.Unix(), now.Add(i.life).Unix()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"] = "1"
	text, err := t.SignedString(i.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	i.granted++
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": text, "token_type": "Bearer", "expires_in": int(i.life.Seconds())})
}

// Token gives a token of its own kind, without a request.
func (i *Issuer) Token(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	all := jwt.MapClaims{"iss": i.issuer(), "sub": ClientID, "aud": TokenAudience, "scope": Scope, "iat": now.Unix(), "exp": now.Add(i.life).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	made := jwt.NewWithClaims(jwt.SigningMethodRS256, all)
	made.Header["kid"] = "1"
	text, err := made.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// StrangeKey is a key the issuer does not know.
func (i *Issuer) StrangeKey(t testing.TB) PEM {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err == nil {
		var der []byte
		if der, err = x509.MarshalPKCS8PrivateKey(key); err == nil {
			return PEM{Bytes: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
		}
	}
	t.Fatal(err)
	return PEM{}
}
