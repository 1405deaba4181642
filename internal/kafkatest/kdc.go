package kafkatest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry/internal/freeport"
)

// Realm is that of every KDC.
const Realm = "GANTRY.TEST"

// KDC is MIT Kerberos' key distribution centre (Debian's krb5-kdc), with a database of
// its own.
type KDC struct {
	Config  string // path of krb5.conf
	Address string // host:port, TCP and UDP

	dir  string
	env  []string
	on   Options // where it and the brokers run
	proc *process
}

// StartKDC runs one for a test, and skips the test where krb5-kdc is not installed.
func StartKDC(t testing.TB) *KDC {
	t.Helper()
	return StartKDCAt(t, nil)
}

// StartKDCAt runs one where a cluster runs.
func StartKDCAt(t testing.TB, m *Machine) *KDC {
	t.Helper()
	for _, tool := range []string{"krb5kdc", "kdb5_util", "kadmin.local"} {
		if path, err := kerberosTool(tool); err != nil {
			t.Skipf("needs a Kerberos KDC: there is no %s; Debian's krb5-kdc and krb5-admin-server bring it (%s)", tool, path)
		}
	}
	claim, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	claim.Release() // a KDC listens on UDP as well, at once and until the end
	port := claim.Port
	on := Options{Machine: m}
	k := &KDC{dir: t.TempDir(), Address: fmt.Sprintf("%s:%d", on.name(), port), on: on}
	k.Config = filepath.Join(k.dir, "krb5.conf")
	profile := filepath.Join(k.dir, "kdc.conf")
	k.env = []string{"KRB5_CONFIG=" + k.Config, "KRB5_KDC_PROFILE=" + profile, "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"}
	k.write(t, k.Config, fmt.Sprintf(`[libdefaults]
 default_realm = %[1]s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 udp_preference_limit = 1
[realms]
 %[1]s = {
  kdc = %[2]s
 }
`, Realm, k.Address))
	k.write(t, profile, fmt.Sprintf(`[realms]
 %[1]s = {
  database_name = %[2]s/principal
  key_stash_file = %[2]s/stash
  acl_file = %[2]s/kadm5.acl
  kdc_listen = %[3]s
  kdc_tcp_listen = %[3]s
  max_life = 1h
 }
[logging]
 kdc = FILE:%[2]s/kdc.log
`, Realm, k.dir, fmt.Sprintf("%s:%d", on.listen(), port)))
	k.tool(t, "kdb5_util", "create", "-s", "-r", Realm, "-P", "master")
	program, args := on.command(must(kerberosTool("krb5kdc")), []string{"-n", "-r", Realm})
	cmd := exec.Command(program, args...)
	if k.proc, err = startProcessWith(cmd, filepath.Join(k.dir, "out.log"), k.env); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.proc.kill)
	k.answers(t, port)
	return k
}

func must(path string, _ error) string { return path }

// kerberosTool looks where Debian puts what only root runs.
func kerberosTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

func (k *KDC) write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k *KDC) tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(must(kerberosTool(name)), args...)
	cmd.Env = k.env
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "while ") { // kadmin.local tells its errors so, and succeeds
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (k *KDC) answers(t testing.TB, port int) {
	t.Helper()
	dial := new(net.Dialer).DialContext
	if k.on.Machine != nil {
		dial = k.on.Machine.Dial
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := dial(t.Context(), "tcp", fmt.Sprintf("%s:%d", loopback, port))
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the KDC does not listen at %s: %v", k.Address, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Principal makes a principal with a random key and gives its keytab.
func (k *KDC) Principal(t testing.TB, name string) (keytab string) {
	t.Helper()
	k.tool(t, "kadmin.local", "-r", Realm, "-q", "addprinc -randkey "+name)
	return k.Export(t, name)
}

// Password makes a principal with a password, or changes it.
func (k *KDC) Password(t testing.TB, name, password string) {
	t.Helper()
	k.tool(t, "kadmin.local", "-r", Realm, "-q", fmt.Sprintf("addprinc -pw %s %s", password, name))
}

// Do runs one command of kadmin.
func (k *KDC) Do(t testing.TB, command string) {
	t.Helper()
	k.tool(t, "kadmin.local", "-r", Realm, "-q", command)
}

// Export gives a principal new keys, so that those of earlier keytabs count no more, and
// writes them into a keytab of their own.
func (k *KDC) Export(t testing.TB, name string) (keytab string) {
	t.Helper()
	f, err := os.CreateTemp(k.dir, "*.keytab")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if err := os.Remove(f.Name()); err != nil { // ktadd wants none, or a whole one
		t.Fatal(err)
	}
	k.tool(t, "kadmin.local", "-r", Realm, "-q", fmt.Sprintf("ktadd -k %s %s", f.Name(), name))
	return f.Name()
}

// Kinit fills a credential cache from a keytab; it needs krb5-user.
func (k *KDC) Kinit(t testing.TB, name, keytab, cache string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("kinit"); err != nil {
		t.Skip("needs kinit: Debian's krb5-user brings it")
	}
	k.tool(t, "kinit", append(args, "-k", "-t", keytab, "-c", cache, name)...)
}

// Stop ends the KDC. Twice is harmless.
func (k *KDC) Stop() { k.proc.kill() }

// Listener is a door that asks for Kerberos.
func (k *KDC) Listener(t testing.TB) Listener {
	t.Helper()
	service := "kafka/" + k.on.name()
	principal := service + "@" + Realm
	keytab := k.Principal(t, service)
	return Listener{Name: "kerberos", Protocol: "SASL_SSL", Properties: map[string]string{
		"sasl.enabled.mechanisms": "GSSAPI",
		"gssapi.sasl.jaas.config": fmt.Sprintf(`com.sun.security.auth.module.Krb5LoginModule required serviceName=kafka useKeyTab=true storeKey=true keyTab="%s" principal="%s";`, keytab, principal),
	}}
}

// JVM are the options by which brokers find the KDC.
func (k *KDC) JVM() []string { return []string{"-Djava.security.krb5.conf=" + k.Config} }
