//go:build linux && (amd64 || arm64)

package process_test

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// AWS's runtime client is told where its native library is: unpacked once from the jar the
// function brings, and not in the one file of /tmp that all processes would share.
func TestNativeLibraryOfItsOwn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		jar  map[string]string // entry → content
		want string            // of the library that Java is told of; "" = it is told of none
	}{
		{"a client of today", natives("elf"), "elf"},
		{"another version beside it", natives("another elf"), "another elf"},
		{"an older client without one", map[string]string{"META-INF/MANIFEST.MF": ""}, ""},
	}
	data := t.TempDir()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, bin := t.TempDir(), t.TempDir()
			writeJar(t, filepath.Join(code, "lib", "aws-lambda-java-runtime-interface-client-9.9.9.jar"), test.jar)
			said := filepath.Join(t.TempDir(), "said")
			java := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = -version ]; then %s; exit; fi\necho \"$@\" > %s\n", java17, said)
			require.NoError(t, os.WriteFile(filepath.Join(bin, "java"), []byte(java), 0o700))
			pool, err := process.New(function.Function{Name: "orders", Runtime: "java17", Handler: "lab.Orders", Timeout: 10 * time.Second, Processes: 1},
				process.Config{CodeDir: code, DataDir: data, Path: bin})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, pool.Close(t.Context())) })
			pool.Invoke(t.Context(), function.Invocation{Payload: []byte("{}")})
			arguments, err := os.ReadFile(said)
			require.NoError(t, err)
			require.Contains(t, string(arguments), ".AWSLambda lab.Orders")
			library := regexp.MustCompile(`-Dcom\.amazonaws\.\S+\.NativeClient\.JNI=(\S+)`).FindSubmatch(arguments)
			if test.want == "" {
				require.Nil(t, library, "%s", arguments)
				return
			}
			require.NotNil(t, library, "%s", arguments)
			content, err := os.ReadFile(string(library[1]))
			require.NoError(t, err)
			require.Equal(t, test.want, string(content))
		})
	}
}

// natives is a jar with the libraries for every machine that AWS ships them for.
func natives(content string) map[string]string {
	all := map[string]string{}
	for _, libc := range []string{"linux", "linux_musl"} {
		for _, arch := range []string{"x86_64", "aarch_64"} {
			all["jni/libaws-lambda-jni."+libc+"-"+arch+".so"] = content
		}
	}
	return all
}

func writeJar(t *testing.T, path string, entries map[string]string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.Create(path)
	require.NoError(t, err)
	w := zip.NewWriter(f)
	for name, content := range entries {
		e, err := w.Create(name)
		require.NoError(t, err)
		_, err = e.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
}
