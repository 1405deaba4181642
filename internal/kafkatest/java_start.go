package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// compiled are the folders of classes that this test binary has made, by version and source.
var compiled sync.Map

// Compile makes the class of a source text against the jars of a Kafka version, once for a
// test binary, and gives the folder it is in. It skips the test where there is no Kafka to
// be had, or no compiler.
func Compile(t testing.TB, version, class, source string) string {
	t.Helper()
	d := need(t, version)
	made, _ := compiled.LoadOrStore(version+"\x00"+source, sync.OnceValues(func() (string, error) { return d.compile(class, source) }))
	dir, err := made.(func() (string, error))()
	if err != nil {
		t.Skipf("compile %s: %v", class, err)
	}
	return dir
}

// removeCompiled is what Main does last.
func removeCompiled() {
	compiled.Range(func(_, made any) bool {
		if dir, err := made.(func() (string, error))(); err == nil {
			_ = os.RemoveAll(dir) // the system's folder for such files is emptied by others as well
		}
		return true
	})
}

func (d *distribution) compile(class, source string) (string, error) {
	javac := filepath.Join(filepath.Dir(d.java), "javac")
	cp, err := d.classpath()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "gantry-classes-*")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, class+".java")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command(javac, "-nowarn", "-cp", cp, "-d", dir, file)
	cmd.Env = cleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, tail(out, 20))
	}
	return dir, nil
}

// Program is a process of a test that runs on: a service beside the one under test. It never
// outlives the test binary.
type Program struct {
	proc *process
	log  string
}

// StartJava starts a class that Compile made and does not wait for it.
func StartJava(t testing.TB, version, classes, class string, args ...string) *Program {
	t.Helper()
	d := need(t, version)
	cp, err := d.classpath()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"}
	if _, err := os.Stat(d.classes()); err == nil {
		all = append(all, "-XX:SharedArchiveFile="+d.classes())
	}
	// Its own classes come last: the archive is for class paths that begin as the brokers' do.
	all = append(all, "-cp", cp+string(os.PathListSeparator)+classes, class)
	return StartProgram(t, exec.Command(d.java, append(all, args...)...))
}

// StartProgram starts a command and does not wait for it. It ends with the test.
func StartProgram(t testing.TB, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{log: filepath.Join(t.TempDir(), "log")}
	var err error
	if p.proc, err = startProcess(cmd, p.log); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			text, _ := os.ReadFile(p.log)
			t.Logf("log of %s ends:\n%s", filepath.Base(cmd.Path), tail(text, 20))
		}
	})
	return p
}

// Stop asks it to end (SIGTERM) and waits.
func (p *Program) Stop(patience time.Duration) error { return p.proc.stop(patience) }

// Kill ends it at once (kill -9). Twice is harmless.
func (p *Program) Kill() { p.proc.kill() }

// Running says whether it has not ended.
func (p *Program) Running() bool { return p.proc.running() }
