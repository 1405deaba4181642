package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// javaVersion matches 'openjdk version "17.0.15"' and the old 'java version "1.8.0_392"'.
var javaVersion = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

// findJava gives the Java that runs a Kafka version: that of JAVA_HOME, else of PATH.
func findJava(version string) (string, error) {
	java := filepath.Join(os.Getenv("JAVA_HOME"), "bin", "java")
	if os.Getenv("JAVA_HOME") == "" {
		found, err := exec.LookPath("java")
		if err != nil {
			return "", fmt.Errorf("java is not on PATH and JAVA_HOME is not set")
		}
		java = found
	}
	out, err := exec.Command(java, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", java, err)
	}
	m := javaVersion.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%s says of its version only %q", java, tail(out, 1))
	}
	if have, err := strconv.Atoi(string(m[1])); err != nil || have < leastJava(version) {
		return "", fmt.Errorf("%s is Java %s; a broker of this version needs %d or newer", java, m[1], leastJava(version))
	}
	return java, nil
}

func leastJava(version string) int {
	if strings.HasPrefix(version, "3.") {
		return 11
	}
	return 17
}

// tool runs a class of the distribution to its end.
func (d *distribution) tool(class string, args ...string) error {
	cp, err := d.classpath()
	if err != nil {
		return err
	}
	cmd := exec.Command(d.java, append([]string{"-XX:TieredStopAtLevel=1", "-cp", cp, class}, args...)...)
	cmd.Env = cleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w\n%s", class, err, tail(out, 10))
	}
	return nil
}

// cleanEnv keeps options meant for other Java programs (JAVA_TOOL_OPTIONS) away.
func cleanEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
