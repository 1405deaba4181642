package gantrytest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// keys reads the pair that gantry made on its first start.
func keys(path string) (aws.CredentialsProvider, error) {
	profile, err := config.LoadSharedConfigProfile(context.Background(), "default", func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{path}, []string{}
	})
	if err != nil {
		return nil, err
	}
	return credentials.StaticCredentialsProvider{Value: profile.Credentials}, nil
}
