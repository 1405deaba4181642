package databasetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mongoMain runs mongo-java-server on a port: a server that speaks MongoDB's wire protocol
// and keeps its documents in memory, or in a file of H2's where one is named.
const mongoMain = `
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.net.InetSocketAddress;

public class Mongo {
	public static void main(String[] args) throws Exception {
		MongoServer server = new MongoServer(new H2Backend(args[1]));
		server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
		Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
		System.out.println("up");
		Thread.currentThread().join();
	}
}
`

// Mongo is a server of MongoDB's wire protocol (de.bwaldvogel:mongo-java-server), which
// keeps its documents when it is stopped, and not when it is killed. It is no MongoDB: it
// knows neither transactions nor change streams nor users, and one process is all there is
// of it.
type Mongo struct {
	Address string

	t    testing.TB
	args []string
	proc *exec.Cmd
}

// StartMongo starts one, and skips the test where it can't be had.
func StartMongo(t testing.TB) *Mongo {
	t.Helper()
	jars := Jars(t, "mongo", "de.bwaldvogel:mongo-java-server:1.47.0", "de.bwaldvogel:mongo-java-server-h2-backend:1.47.0", "org.slf4j:slf4j-simple:1.7.36")
	dir, port := t.TempDir(), freePort(t)
	source := filepath.Join(dir, "Mongo.java")
	if err := os.WriteFile(source, []byte(mongoMain), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Mongo{Address: fmt.Sprintf("127.0.0.1:%d", port), t: t}
	m.args = []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars + "/*", source, fmt.Sprint(port), filepath.Join(dir, "documents")}
	m.Start()
	t.Cleanup(m.Stop)
	return m
}

// Start starts the server and waits until it takes connections.
func (m *Mongo) Start() {
	m.t.Helper()
	m.proc = Java(m.t, m.args...)
	out, err := m.proc.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	var said strings.Builder
	m.proc.Stderr = &said
	if err := m.proc.Start(); err != nil {
		m.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "up\n" {
		m.Stop()
		m.t.Fatalf("the MongoDB-wire server does not start: %v\n%s", err, said.String())
	}
}

// Stop ends the server, which writes its file and cuts its connections.
func (m *Mongo) Stop() {
	if m.proc == nil {
		return
	}
	_ = m.proc.Process.Signal(syscall.SIGTERM)
	_ = m.proc.Wait()
	m.proc = nil
}
