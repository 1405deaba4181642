package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gantry/function"
)

// javaClient is the main class of AWS's runtime client.
const javaClient = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"

// findJava starts AWS's runtime client if its jar comes with the code, else our
// bootstrap, which needs a compiler once: the first pool on a machine compiles it.
func findJava(fn function.Function, cfg Config, version string) (launch, error) {
	java, got, err := chooseJava(fn, cfg)
	if err != nil {
		return launch{}, err
	}
	l := launch{managed: true}
	if got != version {
		l.warnings = append(l.warnings, fmt.Sprintf("%s runs on Java %s (%s); interpreters: {%s: /path} settles it", fn.Runtime, got, java, fn.Runtime))
	}
	code := []string{cfg.CodeDir, filepath.Join(cfg.CodeDir, "lib", "*")}
	l.argv = []string{java, fmt.Sprintf("-Xmx%dm", max(fn.Memory*85/100, 32)), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp"}
	if clients, _ := filepath.Glob(filepath.Join(cfg.CodeDir, "lib", "aws-lambda-java-runtime-interface-client*.jar")); len(clients) > 0 {
		return l.awsJava(fn, cfg, clients[0], classPath(code...))
	}
	dir, err := compileJava(cfg, java)
	if err != nil {
		return launch{}, fmt.Errorf("runtime %s: %w", fn.Runtime, err)
	}
	l.runtimeDir = dir
	l.argv = append(l.argv, classPath(append(code, dir)...), "GantryBootstrap")
	return l, nil
}

// awsJava completes a launch with AWS's runtime client.
func (l launch) awsJava(fn function.Function, cfg Config, jar, classes string) (launch, error) {
	library, err := unpackNative(cfg, jar)
	if err != nil {
		return launch{}, fmt.Errorf("runtime %s: %w", fn.Runtime, err)
	}
	l.argv = append(l.argv, classes)
	if library != "" {
		l.argv = append(l.argv, "-D"+nativeProperty+"="+library)
	}
	l.argv = append(l.argv, javaClient, fn.Handler)
	return l, nil
}

func classPath(parts ...string) string {
	return strings.Join(parts, string(os.PathListSeparator))
}

func chooseJava(fn function.Function, cfg Config) (path, version string, err error) {
	name := "java"
	if own := cfg.Interpreters[fn.Runtime]; own != "" {
		name = own
	}
	path, err = lookPath(name, cfg.Path)
	if err != nil {
		return "", "", fmt.Errorf("runtime %s: %w; install a JDK, or name one under interpreters", fn.Runtime, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	text, err := probe(cfg, path, "-version")
	if err != nil {
		return "", "", err
	}
	m := regexp.MustCompile(`version "(?:1\.)?([0-9]+)`).FindStringSubmatch(text) // "1.8.0_402", "17.0.15"
	if m == nil {
		return "", "", fmt.Errorf("%s -version: no version in %q", path, firstLine(text))
	}
	return path, m[1], nil
}

// compileJava compiles our bootstrap, once for each version of it, for Java 8 and later.
func compileJava(cfg Config, java string) (string, error) {
	dir, source, err := writeBootstrap(cfg, "GantryBootstrap.java")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "GantryBootstrap.class")); err == nil {
		return dir, nil
	}
	compiler := filepath.Join(filepath.Dir(java), "javac")
	if _, err := os.Stat(compiler); err != nil {
		if compiler, err = lookPath("javac", cfg.Path); err != nil {
			return "", errors.New("there is no compiler (javac) for gantry's own bootstrap: install a JDK, or put aws-lambda-java-runtime-interface-client and its libraries into the package's lib folder")
		}
	}
	work, err := os.MkdirTemp(dir, "compile-*")
	if err != nil {
		return "", fmt.Errorf("compile our Java bootstrap: %w", err)
	}
	defer os.RemoveAll(work)
	ctx, cancel := context.WithTimeout(context.Background(), compileTimeout)
	defer cancel()
	// As gantry's own user and in an empty folder: a compiler would run annotation
	// processors it finds where it stands.
	argv := []string{compiler, "-proc:none", "-nowarn", "-source", "8", "-target", "8", "-cp", work, "-d", work, source}
	if _, err := ask(ctx, question{argv: argv, path: cfg.Path, dir: work}); err != nil {
		return "", fmt.Errorf("compile our Java bootstrap: %w", err)
	}
	return dir, moveClasses(work, dir)
}

// moveClasses puts the main class last: where it is, the others are.
func moveClasses(from, to string) error {
	classes, err := filepath.Glob(filepath.Join(from, "GantryBootstrap$*.class"))
	if err != nil {
		return err
	}
	for _, c := range append(classes, filepath.Join(from, "GantryBootstrap.class")) {
		if err := os.Chmod(c, 0o644); err != nil {
			return fmt.Errorf("compile our Java bootstrap: %w", err)
		}
		if err := os.Rename(c, filepath.Join(to, filepath.Base(c))); err != nil {
			return fmt.Errorf("compile our Java bootstrap: %w", err)
		}
	}
	return nil
}
