package logins_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
)

// versions are those that every run covers: the newest, and what companies run.
func versions() []string { return kafkatest.Supported()[:2] }

// world is a cluster with a door for each mechanism, and a folder with what one needs to
// come in.
type world struct {
	*kafkatest.Cluster
	idp *kafkatest.Issuer
	kdc *kafkatest.KDC
	msk *kafkatest.MSK
	dir string
	sts string // URL of an AWS STS
}

// The access key that the MSK door knows at first.
const (
	accessKey = "AKIAGANTRYONE"
	secretKey = "se/cret+one"
)

// newWorld starts everything; properties go to the brokers.
func newWorld(t *testing.T, version string, properties map[string]string) *world {
	t.Helper()
	kafkatest.Need(t, version)
	w := &world{idp: kafkatest.StartIssuer(t), kdc: kafkatest.StartKDC(t), msk: kafkatest.NewMSK(t, version), dir: t.TempDir()}
	doors := []kafkatest.Listener{w.idp.Listener(), w.kdc.Listener(t), w.msk.Listener()}
	w.Cluster = kafkatest.Start(t, kafkatest.Options{
		Version: version, Listeners: doors, Classes: w.msk.Classes, Properties: properties,
		JVM: append(w.kdc.JVM(), w.idp.JVM()...),
	})
	w.msk.Keys(t, accessKey+"="+secretKey, "ASIAROLE=temporary,session/token")
	w.sts = w.startSTS(t)
	w.AddUser(t, kafkatest.UserName, kafkatest.UserPassword)
	w.file(t, "ca.pem", w.TLS.CA.Bytes)
	w.file(t, "idp.pem", w.idp.CA.Bytes)
	w.file(t, "assertion.key", w.idp.ClientKey.Bytes)
	w.file(t, "client.pem", w.TLS.Client.Bytes)
	w.file(t, "client.key", w.TLS.Key.Bytes)
	w.file(t, "client-secret", []byte(kafkatest.ClientSecret))
	w.login(t, "login", kafkatest.UserName, kafkatest.UserPassword)
	keytab, err := os.ReadFile(w.kdc.Principal(t, "gantry"))
	require.NoError(t, err)
	w.file(t, "gantry.keytab", keytab)
	w.profile(t, accessKey, secretKey)
	return w
}

// file puts a file in its place in one step, as whoever rotates secrets does.
func (w *world) file(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(t, os.WriteFile(path+".next", content, 0o600))
	require.NoError(t, os.Rename(path+".next", path))
}

func (w *world) login(t *testing.T, name, user, password string) {
	t.Helper()
	text, err := json.Marshal(map[string]string{"username": user, "password": password})
	require.NoError(t, err)
	w.file(t, name+".json", text)
}

// profile is AWS's shared file, with the profile msk.
func (w *world) profile(t *testing.T, id, secret string) {
	t.Helper()
	w.file(t, "aws", []byte("[msk]\nregion = eu-west-1\naws_access_key_id = "+id+"\naws_secret_access_key = "+secret+
		"\n[wrong]\naws_access_key_id = "+id+"\naws_secret_access_key = wrong\n"))
}
