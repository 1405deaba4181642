package door

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/aws/aws-sdk-go-v2/config"
)

// CredentialsFile is the file in the data directory that holds its key pair, in the form
// that AWS_SHARED_CREDENTIALS_FILE names.
const CredentialsFile = "credentials"

// DataKey gives the key pair of a data directory and makes it on the first start, 0600.
// Made says that it is new, so that its owner can be told where it is.
func DataKey(ctx context.Context, dataDir string) (key Key, made bool, err error) {
	path := filepath.Join(dataDir, CredentialsFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key, err = makeKey(path)
		return key, true, err
	case err != nil:
		return Key{}, false, fmt.Errorf("read the key pair: %w", err)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return Key{}, false, fmt.Errorf("read the key pair: %s can be read by others (mode %04o); chmod 600 it, "+
			"or remove it to get a new pair if somebody may have read it", path, info.Mode().Perm())
	}
	key, err = readKey(ctx, path)
	return key, false, err
}

func readKey(ctx context.Context, path string) (Key, error) {
	profile, err := config.LoadSharedConfigProfile(ctx, "default", func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles = []string{path}
		o.ConfigFiles = []string{} // nil would read the user's own
	})
	if err != nil {
		return Key{}, fmt.Errorf("read the key pair %s: %w; remove the file to get a new pair", path, err)
	}
	key := Key{ID: profile.Credentials.AccessKeyID, Secret: profile.Credentials.SecretAccessKey, Role: Admin}
	if err := key.check(); err != nil {
		return Key{}, fmt.Errorf("read the key pair %s: %w; remove the file to get a new pair", path, err)
	}
	return key, nil
}

// makeKey writes a new pair under another name first, so that a crash leaves no half pair.
func makeKey(path string) (Key, error) {
	secret := make([]byte, 30)
	_, _ = rand.Read(secret) // never fails: it ends the process instead
	key := Key{ID: "GANTRY" + rand.Text()[:14], Secret: base64.StdEncoding.EncodeToString(secret), Role: Admin}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Key{}, fmt.Errorf("make a key pair: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".credentials-") // 0600
	if err != nil {
		return Key{}, fmt.Errorf("make a key pair: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = fmt.Fprintf(f, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.ID, key.Secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Key{}, fmt.Errorf("make a key pair: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return Key{}, fmt.Errorf("make a key pair: %w", err)
	}
	return key, nil
}
