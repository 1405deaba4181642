package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// awsLoader gives the configuration for calls to AWS: credentials, region, endpoint.
type awsLoader func(ctx context.Context) (aws.Config, error)

func (e entrance) awsConfig(profile string) awsLoader {
	return func(ctx context.Context) (aws.Config, error) {
		if e.AWS == nil {
			return aws.Config{}, errors.New("AWS is out of reach here")
		}
		return e.AWS(ctx, profile)
	}
}

// AWSError is a signature or a token that AWS's credentials were needed for and that
// could not be made.
type AWSError struct {
	Attempt string // what was attempted
	Err     error
}

func (e *AWSError) Error() string { return e.Attempt + ": " + e.Err.Error() }

func (e *AWSError) Unwrap() error { return e.Err }

// iamSigner signs for MSK's IAM access control. The signature is a presigned URL of the
// action kafka-cluster:Connect, base64url-encoded, that MSK takes as an OAUTHBEARER
// token for 15 minutes. One is made for each authentication, because it is worth no more
// than the credentials behind it.
type iamSigner struct {
	config IAMConfig
	load   awsLoader
	mu     sync.Mutex
	kept   *aws.Config // with the credentials to sign with; they renew themselves
	since  time.Time   // of kept
}

func (e entrance) iamIdentity(c IAMConfig) identity {
	return bearer{tokenSource: &iamSigner{config: c, load: e.awsConfig(c.Profile)}}
}

// check: where AWS's credentials come from is asked when they are needed.
func (s *iamSigner) check(context.Context) error { return nil }

// forget makes the next signature begin with what AWS's files and variables say then.
func (s *iamSigner) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.since) >= freshToken { // else it would be the same again
		s.kept = nil
	}
}

func (s *iamSigner) get(ctx context.Context, broker string) (token, error) {
	cfg, err := s.credentials(ctx, broker)
	if err != nil {
		return token{}, &AWSError{Attempt: "sign for MSK", Err: err}
	}
	region := cmp.Or(s.config.Region, regionOf(broker), cfg.Region)
	if region == "" {
		return token{}, &AWSError{Attempt: "sign for MSK", Err: fmt.Errorf("%w: %s does not name it", errNoRegion, broker)}
	}
	text, ends, err := signer.GenerateAuthTokenFromCredentialsProvider(ctx, region, cfg.Credentials)
	if err != nil {
		return token{}, &AWSError{Attempt: "sign for MSK in " + region, Err: err}
	}
	return newToken(text, time.UnixMilli(ends)), nil
}

// credentials loads AWS's configuration once, and the role to assume with it.
func (s *iamSigner) credentials(ctx context.Context, broker string) (aws.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept != nil {
		return *s.kept, nil
	}
	cfg, err := s.load(ctx)
	if err != nil {
		return cfg, fmt.Errorf("load AWS's configuration: %w", err)
	}
	if cfg.Credentials == nil {
		return cfg, errors.New("there are no AWS credentials")
	}
	if s.config.Role != "" {
		own := cfg
		own.Region = cmp.Or(cfg.Region, s.config.Region, regionOf(broker))
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(own), s.config.Role, s.config.role))
	}
	s.kept, s.since = &cfg, time.Now()
	return cfg, nil
}

func (c IAMConfig) role(o *stscreds.AssumeRoleOptions) {
	o.RoleSessionName = cmp.Or(c.SessionName, "gantry")
	if c.ExternalID != "" {
		o.ExternalID = aws.String(c.ExternalID)
	}
}

var errNoRegion = errors.New("the region is not known")

// mskName matches the names MSK gives its brokers: b-1.NAME.ID.c2.kafka.REGION.amazonaws.com
// and boot-ID.c1.kafka-serverless.REGION.amazonaws.com.
var mskName = regexp.MustCompile(`\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$`)

func regionOf(broker string) string {
	host, _, err := net.SplitHostPort(broker)
	if err != nil {
		return ""
	}
	if m := mskName.FindStringSubmatch(host); m != nil {
		return m[1]
	}
	return ""
}

// webIdentity asks AWS for tokens of gantry's own identity (sts:GetWebIdentityToken), for
// brokers that trust the account's issuer: AWS's IAM_OAUTHBEARER_AUTH.
type webIdentity struct {
	audience string
	load     awsLoader
}

func (w webIdentity) check(context.Context) error { return nil }

func (w webIdentity) forget() {}

func (w webIdentity) get(ctx context.Context, _ string) (token, error) {
	const attempt = "get a web identity token from AWS STS"
	cfg, err := w.load(ctx)
	if err != nil {
		return token{}, &AWSError{Attempt: "load AWS's configuration", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	out, err := sts.NewFromConfig(cfg).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{w.audience}, SigningAlgorithm: aws.String("RS256"),
	})
	switch {
	case err != nil:
		return token{}, &AWSError{Attempt: attempt, Err: err}
	case aws.ToString(out.WebIdentityToken) == "":
		return token{}, &AWSError{Attempt: attempt, Err: errors.New("the answer holds none")}
	}
	return newToken(*out.WebIdentityToken, aws.ToTime(out.Expiration)), nil
}
