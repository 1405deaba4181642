package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// found gives a tool that works, from the cache's virtual environment or from PATH.
func found(t *testing.T, name string, works func(path string) error) string {
	t.Helper()
	if os.Getenv("GANTRY_TEST_SIZE") == "" {
		t.Skip("minutes of another program: make test runs it (GANTRY_TEST_SIZE)")
	}
	cache := os.Getenv("GANTRY_CACHE")
	if cache == "" {
		home, _ := os.UserHomeDir() // without a home there is only PATH
		cache = filepath.Join(home, ".cache", "gantry")
	}
	candidates := []string{filepath.Join(cache, "venv-aws", "bin", name)}
	if path, err := exec.LookPath(name); err == nil {
		candidates = append(candidates, path)
	}
	for _, path := range candidates {
		if _, err := os.Stat(path); err == nil && works(path) == nil {
			return path
		}
	}
	t.Skipf("no %s with AWS's client in %s or on PATH; `python3 -m venv %s && %s/bin/pip install awscli==1.46.3 boto3` installs it",
		name, candidates[0], filepath.Join(cache, "venv-aws"), filepath.Join(cache, "venv-aws"))
	return ""
}

// environment is what the clients know: credentials, a region, nothing of this machine.
// One attempt, so that an answer that asks for a retry is seen at once.
func environment(t *testing.T) []string {
	nowhere := filepath.Join(t.TempDir(), "none")
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"),
		"AWS_ACCESS_KEY_ID=" + keyID, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_DEFAULT_REGION=" + region,
		"AWS_CONFIG_FILE=" + nowhere, "AWS_SHARED_CREDENTIALS_FILE=" + nowhere,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
	}
}
