package kafkatest

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed poms/*.xml
var poms embed.FS

// distribution is one version of Kafka, ready to run: its jars, what its storage tool
// wrote when it formatted an empty log directory, and an archive of its loaded classes.
// All test processes of a user share it.
type distribution struct {
	version string
	dir     string
	java    string
}

func (d *distribution) libs() string      { return filepath.Join(d.dir, "libs") }
func (d *distribution) formatted() string { return filepath.Join(d.dir, "formatted") }
func (d *distribution) classes() string   { return filepath.Join(d.dir, "classes.jsa") }

// prepare gives a version that can run, downloading it once. Several test processes
// may ask at the same time: one downloads, the others wait for its lock.
func prepare(version string) (*distribution, error) {
	pom, err := poms.ReadFile("poms/" + version + ".xml")
	if err != nil {
		return nil, fmt.Errorf("there is no harness for this version, only for %s", strings.Join(Supported(), ", "))
	}
	java, err := findJava(version)
	if err != nil {
		return nil, err
	}
	home, err := cacheDir(version)
	if err != nil {
		return nil, err
	}
	d := &distribution{version: version, java: java, dir: filepath.Join(home, recipe(pom))}
	if d.ready() {
		return d, nil
	}
	unlock, err := lockFile(filepath.Join(home, "lock"))
	if err != nil {
		return nil, fmt.Errorf("lock the cache %s: %w", home, err)
	}
	defer unlock()
	if d.ready() { // made while this process waited
		return d, nil
	}
	if err := d.publish(home, pom); err != nil {
		return nil, err
	}
	return d, nil
}

// recipe names what a cached distribution was made from, so that another recipe never
// meets an old result.
func recipe(pom []byte) string {
	sum := sha256.Sum256(fmt.Appendf(pom, "%v", formatArgs()))
	return fmt.Sprintf("%x", sum[:4])
}

// ready relies on publish: a directory under this name is complete.
func (d *distribution) ready() bool {
	_, err := os.Stat(d.dir)
	return err == nil
}

// publish builds the distribution beside its place and moves it there in one step. The
// archive of classes comes after: it holds the paths of the jars, so they must be final.
func (d *distribution) publish(home string, pom []byte) error {
	building, err := os.MkdirTemp(home, "building-*")
	if err != nil {
		return fmt.Errorf("make room in the cache: %w", err)
	}
	defer os.RemoveAll(building)
	draft := &distribution{version: d.version, java: d.java, dir: building}
	if err := draft.download(pom); err != nil {
		return err
	}
	if err := draft.format(); err != nil {
		return err
	}
	if err := os.Rename(building, d.dir); err != nil {
		return fmt.Errorf("publish Kafka %s in the cache: %w", d.version, err)
	}
	if err := d.archiveClasses(); err != nil {
		os.Remove(d.classes()) // it saves a second of each start and is no condition
	}
	return nil
}

func (d *distribution) download(pom []byte) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("its jars are not cached and mvn, which downloads them, is not on PATH")
	}
	file := filepath.Join(d.dir, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return err
	}
	out, err := exec.Command(mvn, "-q", "-B", "-f", file,
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
		"-DoutputDirectory="+d.libs()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("download its jars with mvn: %w\n%s", err, tail(out, 10))
	}
	return nil
}

// classpath names each jar: the archive of classes is only valid for the same list.
func (d *distribution) classpath() (string, error) {
	jars, err := filepath.Glob(filepath.Join(d.libs(), "*.jar"))
	if err != nil || len(jars) == 0 {
		return "", fmt.Errorf("no jars in %s: remove that directory and run again", d.libs())
	}
	slices.Sort(jars)
	return strings.Join(jars, string(os.PathListSeparator)), nil
}

func cacheDir(version string) (string, error) {
	root := os.Getenv("GANTRY_CACHE")
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the jars: %w; set GANTRY_CACHE", err)
		}
		root = filepath.Join(user, "gantry")
	}
	home := filepath.Join(root, "kafka", version)
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", fmt.Errorf("make the cache for the jars: %w; set GANTRY_CACHE", err)
	}
	return home, nil
}

// tail gives the last n lines of a tool's output.
func tail(out []byte, n int) []byte {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
