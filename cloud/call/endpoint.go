package call

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// partition is a part of AWS with regions and a domain of its own.
type partition struct {
	id     string
	region *regexp.Regexp
	suffix string
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if p.region.MatchString(region) {
			return p
		}
	}
	return partitions[0]
}

// The settings of a configuration's sources that the SDK's own clients ask for.
type (
	serviceEndpoints interface {
		GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
	}
	ignoresEndpoints interface {
		GetIgnoreConfiguredEndpoints(ctx context.Context) (bool, bool, error)
	}
	fips interface {
		GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
	}
)

// endpoint says where a service is: the URL given, else the configuration's for the
// service, else the configuration's for all, else AWS's own host. given is false for the
// last.
func endpoint(ctx context.Context, cfg aws.Config, m *Model, region, own string) (where *url.URL, given bool, err error) {
	if own == "" {
		if own, err = configured(ctx, cfg, m.Metadata.ServiceID); err != nil {
			return nil, false, err
		}
	}
	if own == "" && cfg.BaseEndpoint != nil {
		own = *cfg.BaseEndpoint
	}
	if own != "" {
		where, err := url.Parse(own)
		if err != nil || where.Host == "" {
			return nil, false, fmt.Errorf("the endpoint %q is no URL", own)
		}
		return where, true, nil
	}
	if !hostLabel(region) {
		return nil, false, errors.New("the region is no part of a host name")
	}
	part := partitionOf(region)
	host := hostOf(m.Metadata.EndpointPrefix, part.id, usesFIPS(ctx, cfg))
	return &url.URL{Scheme: "https", Host: host + "." + region + "." + part.suffix}, false, nil
}

// hostOf is the first part of AWS's own host name. What is not prefix and prefix-fips is
// taken from the rules of the bundled services.
func hostOf(prefix, partition string, fips bool) string {
	switch {
	case !fips && prefix == "transcribe" && partition == "aws-cn":
		return "cn.transcribe"
	case !fips, partition == "aws-us-gov" && slices.Contains(govFIPS, prefix):
		return prefix
	case partition != "aws" && partition != "aws-us-gov":
		return prefix + "-fips"
	}
	switch prefix {
	case "batch", "transcribe":
		return "fips." + prefix
	case "runtime.sagemaker":
		return "runtime-fips.sagemaker"
	default:
		return prefix + "-fips"
	}
}

// govFIPS are the services whose usual hosts in GovCloud are FIPS endpoints.
var govFIPS = []string{"batch", "dynamodb", "events", "ingest.timestream", "kinesis", "runtime.sagemaker", "sns", "sqs", "ssm", "states", "sts"}

// configured is the URL the sources of a configuration have for a service.
func configured(ctx context.Context, cfg aws.Config, id string) (string, error) {
	for _, source := range cfg.ConfigSources {
		if i, ok := source.(ignoresEndpoints); ok {
			if ignore, found, err := i.GetIgnoreConfiguredEndpoints(ctx); err == nil && found {
				if ignore {
					return "", nil
				}
				break
			}
		}
	}
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(serviceEndpoints); ok {
			if u, found, err := s.GetServiceBaseEndpoint(ctx, id); err != nil || found {
				return u, err
			}
		}
	}
	return "", nil
}

func usesFIPS(ctx context.Context, cfg aws.Config) bool {
	for _, source := range cfg.ConfigSources {
		if f, ok := source.(fips); ok {
			if state, found, err := f.GetUseFIPSEndpoint(ctx); err == nil && found {
				return state == aws.FIPSEndpointStateEnabled
			}
		}
	}
	return false
}
