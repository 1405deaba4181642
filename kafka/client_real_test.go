package kafka_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
)

// TestClientFilesOnRealKafka connects with files as users have them, to stores that
// keytool and openssl made just now; Kafka's own console consumer and ours take the same
// file.
func TestClientFilesOnRealKafka(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		c := kafkatest.Start(t, kafkatest.Options{Version: version})
		f := clientFiles{t: t, c: c, dir: t.TempDir()}
		f.stores()
		topic := kafkatest.Topic(t)
		c.CreateTopic(t, topic, 1, nil)
		kafkatest.ProduceValues(t, c, topic, 0, "hello")
		for i, file := range f.all() {
			t.Run(file.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(f.dir, file.name+".properties")
				require.NoError(t, os.WriteFile(path, []byte(file.text), 0o600))
				require.NoError(t, check(t, path))
				if i < kafkatest.Size(3, 100) && !file.foreign { // each takes Java two seconds
					f.console(t, version, topic, path)
				}
			})
		}
		t.Run("rotation", func(t *testing.T) { f.rotation(t) })
	})
}

// check reads a file as a cluster of the configuration and logs in to its brokers.
func check(t *testing.T, path string) error {
	t.Helper()
	config, err := kafka.FromProperties(path, func(name string) (string, bool) { return kafkatest.UserPassword, name == "KAFKA_PASSWORD" })
	if err != nil {
		return err
	}
	return checkConfig(t, config)
}

func checkConfig(t *testing.T, config kafka.Config) error {
	t.Helper()
	r := kafka.Resolver{Clusters: map[string]kafka.Config{"legacy": config}, Secrets: &secrets{}}
	k, err := r.Resolve(t.Context(), mapping.Source{Cluster: "legacy"})
	if err != nil {
		return err
	}
	admin, err := kafka.Open(k)
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.Check(within(t, 20*time.Second))
}

// clientFiles are files for one cluster.
type clientFiles struct {
	t   *testing.T
	c   *kafkatest.Cluster
	dir string
}

// clientFile is a file; a foreign one can't be used by Java, though it should be.
type clientFile struct {
	name, text string
	foreign    bool
}

const storePassword = "changeit"

// stores makes what Java's clients keep keys in, in every form.
func (f clientFiles) stores() {
	f.run("openssl", "pkcs12", "-export", "-in", f.c.TLS.Client.File, "-inkey", f.c.TLS.Key.File, "-name", "me", "-passout", "pass:"+storePassword, "-out", "openssl.p12")
	f.run("openssl", "pkcs8", "-topk8", "-in", f.c.TLS.Key.File, "-v1", "PBE-SHA1-3DES", "-passout", "pass:"+storePassword, "-out", "pbes1.key")
	f.run("openssl", "pkcs8", "-topk8", "-in", f.c.TLS.Key.File, "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-passout", "pass:"+storePassword, "-out", "pbes2.key")
	for _, kind := range []string{"JKS", "PKCS12"} {
		f.run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", f.c.TLS.CA.File, "-keystore", "trust."+kind, "-storetype", kind, "-storepass", storePassword)
		f.run("keytool", "-importkeystore", "-noprompt", "-srckeystore", "openssl.p12", "-srcstorepass", storePassword, "-destkeystore", "key."+kind, "-deststoretype", kind, "-deststorepass", storePassword)
	}
	for _, key := range []string{"pbes1", "pbes2"} {
		text, err := os.ReadFile(filepath.Join(f.dir, key+".key"))
		require.NoError(f.t, err)
		require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, key+".pem"), append(text, f.c.TLS.Client.Bytes...), 0o600))
	}
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, "secret.properties"), []byte("password="+kafkatest.UserPassword+"\n"), 0o600))
}

func (f clientFiles) run(name string, args ...string) {
	f.t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		f.t.Skipf("%s is not installed", name)
	}
	cmd := exec.CommandContext(f.t.Context(), name, args...)
	cmd.Dir = f.dir
	said, err := cmd.CombinedOutput()
	require.NoError(f.t, err, "%s %v: %s", name, args, said)
}

// all are the files: the first three are those everybody has.
func (f clientFiles) all() []clientFile {
	at := func(name string) string { return filepath.Join(f.dir, name) }
	sasl, mtls := f.c.SASLBrokers()[0], f.c.MTLSBrokers()[0]
	trust := func(kind string) string {
		return fmt.Sprintf("ssl.truststore.type=%s\nssl.truststore.location=%s\nssl.truststore.password=%s\n", kind, at("trust."+kind), storePassword)
	}
	login := func(mechanism, module, password string) string {
		return fmt.Sprintf("bootstrap.servers=%s\nsecurity.protocol=SASL_SSL\nsasl.mechanism=%s\nsasl.jaas.config=org.apache.kafka.common.security.%s required \\\r\n  username=\"%s\" \\\r\n  password=\"%s\";\n",
			sasl, mechanism, module, kafkatest.UserName, password)
	}
	own := func(kind, file, password string) string {
		text := fmt.Sprintf("bootstrap.servers=%s\nsecurity.protocol=SSL\nssl.keystore.type=%s\nssl.keystore.location=%s\n", mtls, kind, at(file))
		return text + password
	}
	inline := func(p kafkatest.PEM) string {
		return strings.ReplaceAll(strings.TrimSpace(string(p.Bytes)), "\n", " \\\n") + "\n"
	}
	pemTrust := "ssl.truststore.type=PEM\nssl.truststore.location=" + f.c.TLS.CA.File + "\n"
	store, key := "ssl.keystore.password="+storePassword+"\n", "ssl.key.password="+storePassword+"\n"
	providers := "config.providers=file,env\nconfig.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n" +
		"config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n"
	return []clientFile{
		{name: "scram-512-jks", text: login("SCRAM-SHA-512", "scram.ScramLoginModule", kafkatest.UserPassword) + trust("JKS")},
		{name: "mtls-pkcs12", text: own("PKCS12", "key.PKCS12", store+key) + trust("PKCS12")},
		{name: "provider-file", text: providers + login("SCRAM-SHA-256", "scram.ScramLoginModule", "${file:"+at("secret.properties")+":password}") + pemTrust},
		{name: "plain-pem", text: login("PLAIN", "plain.PlainLoginModule", kafkatest.UserPassword) + pemTrust},
		{name: "mtls-jks", text: own("JKS", "key.JKS", store) + trust("JKS") + "ssl.endpoint.identification.algorithm=\n"},
		{name: "mtls-openssl-p12", text: own("PKCS12", "openssl.p12", store) + pemTrust},
		// Java 17 does not know PBES2 with SHA-512.
		{name: "mtls-pbes2", text: own("PEM", "pbes2.pem", key) + pemTrust, foreign: true},
		{name: "mtls-pbes1", text: own("PEM", "pbes1.pem", key) + pemTrust},
		{name: "mtls-inline", text: fmt.Sprintf("bootstrap.servers=%s\nsecurity.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.certificate.chain=%sssl.keystore.key=%sssl.truststore.type=PEM\nssl.truststore.certificates=%s",
			mtls, inline(f.c.TLS.Client), inline(f.c.TLS.Key), inline(f.c.TLS.CA))},
		{name: "plaintext", text: "bootstrap.servers=" + f.c.Brokers()[0] + "\nclient.id=orders\n"},
	}
}

// console reads the topic with Kafka's own console consumer and the same file.
func (f clientFiles) console(t *testing.T, version, topic, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	servers := strings.TrimPrefix(strings.SplitN(string(text[strings.Index(string(text), "bootstrap.servers="):]), "\n", 2)[0], "bootstrap.servers=")
	class, file := "org.apache.kafka.tools.consumer.ConsoleConsumer", "--command-config"
	if strings.HasPrefix(version, "3.") {
		file = "--consumer.config"
	}
	if strings.HasPrefix(version, "3.6") {
		class = "kafka.tools.ConsoleConsumer"
	}
	out, err := kafkatest.Java(t, kafkatest.JavaCall{Version: version, Class: class, Args: []string{
		"--bootstrap-server", servers, file, path, "--topic", topic, "--from-beginning", "--max-messages", "1", "--timeout-ms", "30000",
	}})
	require.NoError(t, err)
	require.Equal(t, "hello", strings.TrimSpace(out))
}

// rotation changes a password at the brokers and in the file: whoever uses the file goes
// on, without being told.
func (f clientFiles) rotation(t *testing.T) {
	text := func(password string) []byte {
		return fmt.Appendf(nil, "bootstrap.servers=%s\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\nssl.truststore.location=%s\n"+
			"sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"rotated\" password=\"%s\";\n", f.c.SASLBrokers()[0], f.c.TLS.CA.File, password)
	}
	path := filepath.Join(f.dir, "rotated.properties")
	require.NoError(t, os.WriteFile(path, text("first"), 0o600))
	config, err := kafka.FromProperties(path, os.LookupEnv)
	require.NoError(t, err)
	for _, password := range []string{"first", "second-one"} {
		f.c.AddUser(t, "rotated", password)
		require.NoError(t, os.WriteFile(path, text(password), 0o600))
		require.EventuallyWithT(t, func(c *assert.CollectT) { require.NoError(c, checkConfig(t, config)) }, 30*time.Second, 50*time.Millisecond)
	}
	require.NoError(t, os.WriteFile(path, text("wrong"), 0o600))
	err = checkConfig(t, config)
	require.Error(t, err)
	require.Contains(t, kafka.Diagnose(err).Cause, "refused user or password")
}

// TestEverySettingOfKafkasClientsHasItsPlace asks Kafka for the names of its settings:
// each is used, ignored with a reason, or refused. None is unheard of.
func TestEverySettingOfKafkasClientsHasItsPlace(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Supported(), func(t *testing.T, version string) {
		out, err := kafkatest.Java(t, kafkatest.JavaCall{Version: version, Class: "Names", Source: `
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.admin.AdminClientConfig;
import java.util.*;
public class Names { public static void main(String[] a) {
  Set<String> all = new TreeSet<>(ConsumerConfig.configNames());
  all.addAll(ProducerConfig.configNames());
  all.addAll(AdminClientConfig.configNames());
  all.forEach(System.out::println);
} }`})
		require.NoError(t, err)
		names := strings.Fields(out)
		require.Greater(t, len(names), 100)
		for _, name := range names {
			require.True(t, kafka.KnowsClientSetting(name), name)
		}
	})
}
