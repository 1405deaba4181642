package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// dataKey is the file in a data directory that holds its key pair.
const dataKey = "credentials"

// findCredentials asks, in this order, the key file, the data directory, and AWS's usual
// variables. Only what was named and is not there is an error; finding nothing is none.
// The source is for messages.
func findCredentials(ctx context.Context, cfg Config) (who aws.Credentials, source string, err error) {
	if cfg.KeyFile != "" {
		who, err := fromFile(ctx, cfg.KeyFile, "default")
		return who, cfg.KeyFile, err
	}
	if cfg.DataDir != "" {
		path := filepath.Join(cfg.DataDir, dataKey)
		if _, err := os.Stat(path); err == nil {
			who, err := fromFile(ctx, path, "default")
			return who, path, err
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return who, "", fmt.Errorf("look for the key pair: %w", err)
		}
	}
	if cfg.Getenv == nil {
		return who, "", nil
	}
	return fromVariables(ctx, cfg.Getenv)
}

// fromVariables leaves out what AWS's clients would ask next (the instance's metadata,
// single sign-on): gantry's keys are never there.
func fromVariables(ctx context.Context, getenv func(string) string) (aws.Credentials, string, error) {
	who := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
	}
	if who.HasKeys() {
		return who, "AWS_ACCESS_KEY_ID", nil
	}
	path, profile := getenv("AWS_SHARED_CREDENTIALS_FILE"), getenv("AWS_PROFILE")
	if path == "" && profile == "" {
		return aws.Credentials{}, "", nil
	}
	if path == "" {
		path = config.DefaultSharedCredentialsFilename()
	}
	if profile == "" {
		profile = "default"
	}
	who, err := fromFile(ctx, path, profile)
	return who, path, err
}

func fromFile(ctx context.Context, path, profile string) (aws.Credentials, error) {
	if _, err := os.Stat(path); err != nil {
		return aws.Credentials{}, fmt.Errorf("read the key file: %w", err)
	}
	found, err := config.LoadSharedConfigProfile(ctx, profile, func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles = []string{path}
		o.ConfigFiles = []string{} // nil would read the user's own
	})
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("read the key file %s: %w", path, err)
	}
	if !found.Credentials.HasKeys() {
		return aws.Credentials{}, fmt.Errorf("read the key file %s: profile %s has no aws_access_key_id and aws_secret_access_key", path, profile)
	}
	return found.Credentials, nil
}
