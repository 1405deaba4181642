package network_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/internal/netns"
)

// The names of the data centre. Only edge and dc know them.
const (
	kafkaName = "kafka.internal"
	awsName   = "aws.internal"
	edgeName  = "edge.example" // known to app
)

const password = "through-the-wall"

// world is an app that must go through an edge to reach a data centre.
type world struct {
	t              *testing.T
	app, edge, dc  *netns.Host
	kafka          *kafkatest.Cluster
	fn             *fakelambda.Server // a function beside gantry
	dir            string             // of gantry's file
	edgeAddr, dcIP string             // edge as app sees it, dc as edge sees it
}

func newWorld(t *testing.T, brokers int) *world {
	w := newMachines(t)
	w.start(kafkatest.Options{Brokers: brokers})
	return w
}

// newMachines is a world without brokers.
func newMachines(t *testing.T) *world {
	n := netns.New(t)
	w := &world{t: t, app: n.Host("app"), edge: n.Host("edge"), dc: n.Host("dc"), dir: t.TempDir()}
	n.Cable(w.app, w.edge)
	n.Cable(w.edge, w.dc)
	w.edgeAddr, w.dcIP = w.edge.Addr(w.app), w.dc.Addr(w.edge)
	w.app.Name(w.edgeAddr, edgeName)
	for _, name := range []string{kafkaName, awsName, "boot.internal"} {
		w.edge.Name(w.dcIP, name)
	}
	w.dc.Name("127.0.0.1", kafkaName)
	w.fn = fakelambda.On(w.app.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(w.fn.Close)
	w.file("proxy.json", `{"username":"gantry","password":"`+password+`"}`)
	return w
}

// inDC is where the brokers run, and what they ask who somebody is.
func (w *world) inDC() *kafkatest.Machine {
	return &kafkatest.Machine{Name: kafkaName, Exec: w.dc.Exec(), Dial: w.dc.Dial}
}

// start runs the brokers.
func (w *world) start(o kafkatest.Options) {
	o.Machine = w.inDC()
	w.kafka = kafkatest.Start(w.t, o)
	w.file("ca.pem", string(w.kafka.TLS.CA.Bytes))
	w.file("login.json", fmt.Sprintf(`{"username":%q,"password":%q}`, kafkatest.UserName, kafkatest.UserPassword))
}

func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// gantry starts a gantry on app.
func (w *world) gantry(config string, env ...string) *gantrytest.Gantry {
	w.t.Helper()
	g := gantrytest.New(w.t, gantrytest.Options{Config: config, Dir: w.dir, Exec: w.app.Exec(), Env: append(env,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")})
	w.app.Forward(strings.TrimPrefix(g.URL, "http://"))
	g.Up()
	return g
}

// topic makes a topic of one partition with a few records.
func (w *world) topic() string {
	w.t.Helper()
	topic := kafkatest.Topic(w.t)
	w.kafka.CreateTopic(w.t, topic, 1, nil)
	kafkatest.ProduceValues(w.t, w.kafka, topic, 0, "a", "b", "c")
	return topic
}

// settles waits until a group has committed offset end.
func (w *world) settles(group, topic string, end int64) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.kafka.Committed(w.t, group, topic)[0] == end }, 60*time.Second, 50*time.Millisecond,
		"group %s never gets to offset %d of %s", group, end, topic)
}

// socks is microsocks, which asks for the login.
func (w *world) socks() *netns.Program {
	p := w.edge.Run("microsocks", "-i", "0.0.0.0", "-p", "1080", "-u", "gantry", "-P", password)
	w.edge.Wait("127.0.0.1:1080")
	return p
}

// httpProxy is tinyproxy, which asks for the login and connects to the brokers' ports.
func (w *world) httpProxy(ports ...string) *netns.Program {
	lines := []string{"Port 8888", "Listen 0.0.0.0", "Timeout 600", "MaxClients 50", "BasicAuth gantry " + password}
	for _, port := range ports {
		lines = append(lines, "ConnectPort "+port)
	}
	p := w.edge.Run("tinyproxy", "-d", "-c", w.file("tinyproxy.conf", strings.Join(lines, "\n")+"\n"))
	w.edge.Wait("127.0.0.1:8888")
	return p
}

// httpsProxy is squid, which shows a certificate for edgeName.
func (w *world) httpsProxy() {
	openssl := func(args ...string) {
		out, err := exec.Command("openssl", args...).CombinedOutput()
		require.NoError(w.t, err, string(out))
	}
	key, cert := filepath.Join(w.dir, "squid.key"), filepath.Join(w.dir, "squid.pem")
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
		"-subj", "/CN="+edgeName, "-addext", "subjectAltName=DNS:"+edgeName)
	conf := w.file("squid.conf", strings.Join([]string{
		"https_port 3129 tls-cert=" + cert + " tls-key=" + key, "http_access allow all", "visible_hostname " + edgeName, "cache deny all",
		"cache_mem 8 MB", "max_filedescriptors 1024", "pid_filename none", "access_log none", "cache_log /dev/null", "coredump_dir /",
		"shutdown_lifetime 0 seconds", "pinger_enable off",
	}, "\n")+"\n")
	service := fmt.Sprintf("gantrytest%d", os.Getpid()) // names its shared memory, which outlives a kill
	w.t.Cleanup(func() {
		left, _ := filepath.Glob("/dev/shm/" + service + "*")
		for _, path := range left {
			_ = os.Remove(path)
		}
	})
	w.edge.Run("squid", "-N", "-n", service, "-f", conf)
	w.edge.Wait("127.0.0.1:3129")
}

// jumpHost is OpenSSH's server; it gives the known_hosts line and the user's key.
func (w *world) jumpHost() (restart func()) {
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		w.t.Skip("sshd is not installed (Debian: openssh-server)")
	}
	keygen := func(name string) string {
		path := filepath.Join(w.dir, name)
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput()
		require.NoError(w.t, err, string(out))
		return path
	}
	host, user := keygen("host_key"), keygen("jump.key")
	require.NoError(w.t, os.MkdirAll("/run/sshd", 0o755))
	public, err := os.ReadFile(host + ".pub")
	require.NoError(w.t, err)
	w.file("known_hosts", "["+edgeName+"]:2222 "+string(public))
	conf := w.file("sshd_config", strings.Join([]string{
		"Port 2222", "ListenAddress 0.0.0.0", "HostKey " + host, "AuthorizedKeysFile " + user + ".pub", "StrictModes no", "UsePAM no",
		"PermitRootLogin yes", "PasswordAuthentication no", "AllowTcpForwarding yes", "PidFile none",
	}, "\n")+"\n")
	var running *netns.Program
	restart = func() {
		if running != nil {
			running.Kill()
		}
		running = w.edge.Run(sshd, "-D", "-e", "-f", conf)
		w.edge.Wait("127.0.0.1:2222")
	}
	restart()
	return restart
}

// aws is an AWS API server in the data centre; it gives its port.
func (w *world) aws() string {
	program := gantrytest.Kit(w.t, "venv-ministack", "ministack")
	const port = "4577"
	w.dc.Run("env", "BIND_HOST=0.0.0.0", "GATEWAY_PORT="+port, "MINISTACK_REGION=eu-west-1", "MINISTACK_ACCOUNT_ID=123456789012",
		"LAMBDA_EXECUTOR=local", "STATE_DIR="+w.t.TempDir(), program)
	w.dc.Wait("127.0.0.1:" + port)
	return port
}

// result waits for what a mapping says of its last try.
func result(t *testing.T, g *gantrytest.Gantry, uuid, want string) string {
	t.Helper()
	var last string
	require.Eventually(t, func() bool {
		out, err := g.Lambda().GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuid})
		if err == nil && out.LastProcessingResult != nil {
			last = *out.LastProcessingResult
		}
		return strings.Contains(last, want)
	}, 40*time.Second, 50*time.Millisecond, "the mapping never says %q; last: %s", want, last)
	return last
}

// apiMapping is what a creation through the API needs at least.
func apiMapping(topic, broker string, networks ...string) *lambda.CreateEventSourceMappingInput {
	in := &lambda.CreateEventSourceMappingInput{
		FunctionName: ptr("f"), Topics: []string{topic}, StartingPosition: types.EventSourcePositionTrimHorizon,
		SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {broker}}},
	}
	for _, n := range networks {
		kind := types.SourceAccessTypeVpcSubnet
		if strings.HasPrefix(n, "security_group:") {
			kind = types.SourceAccessTypeVpcSecurityGroup
		}
		in.SourceAccessConfigurations = append(in.SourceAccessConfigurations, types.SourceAccessConfiguration{Type: kind, URI: ptr(n)})
	}
	return in
}

func ptr[T any](v T) *T { return &v }

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

const (
	patience = 40 * time.Second
	poll     = 100 * time.Millisecond
)

// detail is what the admin API says of a mapping's problem.
func detail(t *testing.T, g *gantrytest.Gantry, uuid string) string {
	t.Helper()
	var out struct{ Status struct{ Detail string } }
	require.NoError(t, g.API().Do(t.Context(), "GET", "/gantry/v1/mappings/"+uuid, nil, nil, &out))
	return out.Status.Detail
}
