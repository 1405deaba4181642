package databasetest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Jars gives a folder with jars of Maven's central registry and all that they need, fetched
// once into the tests' cache. Artifacts are GROUP:NAME:VERSION. It skips the test where
// they can't be had.
func Jars(t testing.TB, name string, artifacts ...string) string {
	t.Helper()
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		t.Skipf("Maven is not here: %v", err)
	}
	sum := sha256.Sum256([]byte(strings.Join(artifacts, " ")))
	dir := filepath.Join(cache(t), "jars", name+"-"+hex.EncodeToString(sum[:4]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	draft, err := os.MkdirTemp(filepath.Dir(dir), "building-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(draft)
	pom := filepath.Join(t.TempDir(), "pom.xml")
	if err := os.WriteFile(pom, []byte(project(artifacts)), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), mvn, "-q", "-B", "-f", pom,
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+draft).CombinedOutput()
	if err != nil {
		t.Skipf("%s can't be fetched: %v\n%s", strings.Join(artifacts, ", "), err, said)
	}
	if err := os.Chmod(draft, 0o755); err != nil { //nolint:gosec // as every folder of the cache
		t.Fatal(err)
	}
	if err := os.Rename(draft, dir); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	return dir
}

func project(artifacts []string) string {
	var b strings.Builder
	b.WriteString("<project><modelVersion>4.0.0</modelVersion><groupId>gantry.test</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging><dependencies>")
	for _, a := range artifacts {
		part := strings.Split(a, ":")
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>", part[0], part[1], part[2])
	}
	b.WriteString("</dependencies></project>\n")
	return b.String()
}

func cache(t testing.TB) string {
	if root := os.Getenv("GANTRY_CACHE"); root != "" {
		return root
	}
	user, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no place for the jars: %v; set GANTRY_CACHE", err)
	}
	return filepath.Join(user, "gantry")
}

// Java is a Java program that ends with the test binary.
func Java(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Skipf("Java is not here: %v", err)
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skipf("setpriv of util-linux is not here: %v", err)
	}
	return exec.Command("setpriv", append([]string{"--pdeathsig", "KILL", "java"}, args...)...)
}
