package places

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// endpoint is the URL of a request: where the configuration says the service is, else
// AWS's own host.
func (q *request) endpoint(ctx context.Context, cfg aws.Config) (string, error) {
	path := q.path
	base, err := configured(ctx, cfg, q.id)
	if err != nil {
		return "", err
	}
	if base != "" {
		if q.plainPath != "" {
			path = q.plainPath
		}
		return strings.TrimRight(base, "/") + path, nil
	}
	if q.region == "" {
		return "", errors.New("the region is not known: set aws.region")
	}
	name := q.service
	if fips(ctx, cfg) {
		name += "-fips"
	}
	return "https://" + q.host + name + "." + q.region + "." + suffix(q.partition) + path, nil
}

// suffix is the domain of a partition of AWS.
func suffix(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// configured is the endpoint that the aws: section, AWS's variables or its files name for
// a service, in the order the SDK asks them.
func configured(ctx context.Context, cfg aws.Config, id string) (string, error) {
	for _, source := range cfg.ConfigSources {
		p, ok := source.(interface {
			GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if url, found, err := p.GetServiceBaseEndpoint(ctx, id); err != nil || found {
			return url, err
		}
	}
	if cfg.BaseEndpoint != nil {
		return *cfg.BaseEndpoint, nil
	}
	return "", nil
}

func fips(ctx context.Context, cfg aws.Config) bool {
	for _, source := range cfg.ConfigSources {
		p, ok := source.(interface {
			GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
		})
		if !ok {
			continue
		}
		if state, found, err := p.GetUseFIPSEndpoint(ctx); err == nil && found {
			return state == aws.FIPSEndpointStateEnabled
		}
	}
	return false
}
