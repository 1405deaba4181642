package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// endpoints are the URLs of `endpoints:`. As a configuration source it is asked by every
// client of the SDK that is made from the configuration: no user of AWS has to know them.
type endpoints map[string]string

// GetServiceBaseEndpoint implements the SDK's ServiceBaseEndpointProvider; the id is the
// service's in the SDK.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	for name, url := range e {
		if serviceID(name) == id {
			return url, true, nil
		}
	}
	return "", false, nil
}

// GetIgnoreConfiguredEndpoints says that endpoints count: they are our owner's own, and
// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is meant for those of AWS's variables and files.
func (endpoints) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return false, true, nil
}

// The SDK makes the STS clients of profiles before the endpoints above are in place, so
// they get theirs here.
type stsAt struct {
	stscreds.AssumeRoleAPIClient
	url string
}

func at(next stscreds.AssumeRoleAPIClient, url string) stscreds.AssumeRoleAPIClient {
	if url == "" {
		return next
	}
	return stsAt{next, url}
}

// AssumeRole implements stscreds.AssumeRoleAPIClient.
func (s stsAt) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, opts ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	return s.AssumeRoleAPIClient.AssumeRole(ctx, in, append(opts, func(o *sts.Options) { o.BaseEndpoint = aws.String(s.url) })...)
}

type tokenAt struct {
	stscreds.AssumeRoleWithWebIdentityAPIClient
	url string
}

func withTokenAt(next stscreds.AssumeRoleWithWebIdentityAPIClient, url string) stscreds.AssumeRoleWithWebIdentityAPIClient {
	if url == "" {
		return next
	}
	return tokenAt{next, url}
}

// AssumeRoleWithWebIdentity implements stscreds.AssumeRoleWithWebIdentityAPIClient.
func (s tokenAt) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, opts ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	return s.AssumeRoleWithWebIdentityAPIClient.AssumeRoleWithWebIdentity(ctx, in, append(opts, func(o *sts.Options) { o.BaseEndpoint = aws.String(s.url) })...)
}
