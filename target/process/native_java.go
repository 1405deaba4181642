package process

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// nativeProperty tells AWS's runtime client where its native library lies. Without it the
// client unpacks the library to one fixed file in /tmp, which belongs to it alone in
// Lambda; here the processes of all functions would write it over each other while they
// load it, and one that starts could end one that runs.
const nativeProperty = "com.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI"

// nativeLimit bounds a native library (bytes): AWS's is about half a megabyte.
const nativeLimit = 64 << 20

// unpackNative writes the native library of a client's jar for this machine under the data
// directory, once for each content, and gives its absolute path: "" where the jar has none.
func unpackNative(cfg Config, jar string) (string, error) {
	name, ok := nativeName()
	if !ok {
		return "", nil
	}
	r, err := zip.OpenReader(jar)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", jar, err)
	}
	defer r.Close()
	f, err := r.Open("jni/" + name)
	if err != nil {
		return "", nil // an older client, which has none
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, nativeLimit))
	if err != nil {
		return "", fmt.Errorf("unpack %s from %s: %w", name, jar, err)
	}
	_, path, err := writeRuntime(cfg, name, content)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path) // Java loads a library by nothing else
}

// nativeName is the library AWS ships for this machine.
func nativeName() (string, bool) {
	arch, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch_64"}[runtime.GOARCH]
	if !ok || runtime.GOOS != "linux" {
		return "", false
	}
	libc := "linux"
	if musl, _ := filepath.Glob("/lib/ld-musl-*.so.1"); len(musl) > 0 && !hasGlibc() {
		libc = "linux_musl"
	}
	return fmt.Sprintf("libaws-lambda-jni.%s-%s.so", libc, arch), true
}

// hasGlibc says whether programs for glibc run here, whatever else there is.
func hasGlibc() bool {
	for _, loader := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"} {
		if _, err := os.Stat(loader); err == nil {
			return true
		}
	}
	return false
}
