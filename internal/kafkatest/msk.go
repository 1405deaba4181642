package kafkatest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed java/MskSignature.java
var mskSignature []byte

// MSK makes brokers take the tokens of Amazon MSK's IAM access control: a callback
// handler in Java computes their signature again.
type MSK struct {
	Classes string // for Options.Classes

	keys string // the file of access keys
}

// NewMSK compiles the handler against a version's own classes; it needs javac.
func NewMSK(t testing.TB, version string) *MSK {
	t.Helper()
	d := need(t, version)
	javac := filepath.Join(filepath.Dir(d.java), "javac")
	if _, err := exec.LookPath(javac); err != nil {
		t.Skipf("needs %s to compile the brokers' callback handler: %v", javac, err)
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "MskSignature.java")
	m := &MSK{Classes: filepath.Join(dir, "classes"), keys: filepath.Join(dir, "keys.properties")}
	cp, err := d.classpath()
	if err == nil {
		err = os.WriteFile(source, mskSignature, 0o600)
	}
	if err == nil {
		var out []byte
		if out, err = exec.Command(javac, "-cp", cp, "-d", m.Classes, source).CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		t.Fatalf("compile the brokers' callback handler: %v", err)
	}
	m.Keys(t)
	return m
}

// Keys sets the access keys brokers know: ID=SECRET, or ID=SECRET,SESSIONTOKEN.
func (m *MSK) Keys(t testing.TB, keys ...string) {
	t.Helper()
	next := m.keys + ".next"
	err := os.WriteFile(next, []byte(strings.Join(keys, "\n")+"\n"), 0o600)
	if err == nil {
		err = os.Rename(next, m.keys)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Listener is a door that takes signatures.
func (m *MSK) Listener() Listener {
	return Listener{Name: "msk", Protocol: "SASL_SSL", Properties: map[string]string{
		"sasl.enabled.mechanisms":                        "OAUTHBEARER",
		"oauthbearer.sasl.jaas.config":                   fmt.Sprintf(`org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker" unsecuredLoginStringClaim_keys="%s";`, m.keys),
		"oauthbearer.sasl.server.callback.handler.class": "MskSignature",
	}}
}
