package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gantry/function"
	"gantry/kafka"
)

// awsTimeout bounds what one step waits for AWS.
const awsTimeout = 10 * time.Second

// Road looks at the road to AWS: credentials, clock, identity, endpoints, and whether the
// functions there may be invoked. An invocation is a dry run: nothing runs.
func (d *Doctor) Road(ctx context.Context, functions []function.Function) Report {
	return d.report("aws", d.aws(ctx, functions))
}

func (d *Doctor) aws(ctx context.Context, functions []function.Function) []kafka.Step {
	var cfg aws.Config
	loaded := timed(ctx, "find AWS's configuration", func(ctx context.Context) (detail string, err error) {
		if d.AWS == nil {
			return "", errors.New("gantry has none")
		}
		if cfg, err = d.AWS(ctx); err != nil {
			return "", err
		}
		if cfg.Region == "" {
			return "", errors.New("no region: set aws.region, AWS_REGION, or one in the profile")
		}
		return "region " + cfg.Region, nil
	})
	steps := []kafka.Step{loaded}
	if loaded.Result == kafka.Failed {
		return steps
	}
	credentials := credentialsStep(ctx, cfg)
	steps = append(steps, credentials)
	if credentials.Result == kafka.Failed {
		return append(steps, kafka.Step{What: "call AWS", Result: kafka.Skipped, Detail: "there are no credentials"})
	}
	steps = append(steps, identity(ctx, cfg)...)
	return append(steps, reachLambda(ctx, cfg, functions)...)
}

func timed(ctx context.Context, what string, act func(ctx context.Context) (string, error)) kafka.Step {
	limited, cancel := context.WithTimeout(ctx, awsTimeout)
	defer cancel()
	began := time.Now()
	detail, err := act(limited)
	s := kafka.Step{What: what, Result: kafka.Passed, Detail: detail, Elapsed: time.Since(began)}
	if err != nil {
		s.Result, s.Detail, s.Try = kafka.Failed, err.Error(), remedy(err)
	}
	return s
}

// credentialsStep says where the credentials come from and how long they last. Of the
// key id only the end is shown.
func credentialsStep(ctx context.Context, cfg aws.Config) kafka.Step {
	return timed(ctx, "get credentials", func(ctx context.Context) (string, error) {
		if cfg.Credentials == nil {
			return "", errors.New("there is no source of credentials")
		}
		c, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return "", err
		}
		detail := fmt.Sprintf("from %s, key id …%s", c.Source, c.AccessKeyID[max(0, len(c.AccessKeyID)-4):])
		if !c.CanExpire {
			return detail + ", without expiry", nil
		}
		return fmt.Sprintf("%s, until %s (%s left)", detail, c.Expires.UTC().Format(time.RFC3339), time.Until(c.Expires).Round(time.Second)), nil
	})
}

// identity asks STS who one is, and compares clocks by the date of its answer.
func identity(ctx context.Context, cfg aws.Config) []kafka.Step {
	clock := &dates{next: cfg.HTTPClient}
	client := sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.HTTPClient, o.RetryMaxAttempts = clock, 1
	})
	who := timed(ctx, "ask STS who this is", func(ctx context.Context) (string, error) {
		out, err := client.GetCallerIdentity(ctx, nil)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, at %s", aws.ToString(out.Arn), clock.host), nil
	})
	return []kafka.Step{who, clock.step()}
}

// dates notes the Date of an answer: the other side's clock, whatever it answered.
type dates struct {
	next  aws.HTTPClient
	host  string
	asked time.Time
	said  time.Time
}

// Do implements aws.HTTPClient.
func (d *dates) Do(r *http.Request) (*http.Response, error) {
	next := d.next
	if next == nil {
		next = http.DefaultClient
	}
	d.host, d.asked = r.URL.Host, time.Now()
	res, err := next.Do(r)
	if err == nil {
		d.said, _ = http.ParseTime(res.Header.Get("Date"))
	}
	return res, err
}

// awsSkew is when a difference is told: AWS refuses signatures from 5 minutes on, and a clock
// that is off goes on drifting.
const awsSkew = 10 * time.Second

func (d *dates) step() kafka.Step {
	s := kafka.Step{What: "compare clocks", Result: kafka.Passed}
	if d.said.IsZero() {
		s.Result, s.Detail = kafka.Skipped, "there was no answer with a date"
		return s
	}
	skew := d.asked.Sub(d.said)
	s.Detail = fmt.Sprintf("this machine's clock and %s's differ by %s", d.host, skew.Abs().Round(time.Second))
	if skew.Abs() > awsSkew {
		s.Result, s.Try = kafka.Failed, "set this machine's clock by NTP: AWS refuses signatures that are more than 5 minutes off"
	}
	return s
}

// reachLambda asks whether each function in AWS may be invoked; without one, whether Lambda
// answers at all.
func reachLambda(ctx context.Context, cfg aws.Config, functions []function.Function) []kafka.Step {
	client := func(region string) *lambda.Client {
		return lambda.NewFromConfig(cfg, func(o *lambda.Options) {
			o.RetryMaxAttempts = 1
			if region != "" {
				o.Region = region
			}
		})
	}
	var steps []kafka.Step
	for _, fn := range functions {
		if fn.Kind != function.Lambda {
			continue
		}
		steps = append(steps, timed(ctx, "invoke "+fn.ARN+" without running it", func(ctx context.Context) (string, error) {
			_, err := client(regionOf(fn.ARN)).Invoke(ctx, &lambda.InvokeInput{FunctionName: &fn.ARN, InvocationType: types.InvocationTypeDryRun})
			if err != nil {
				return "", err
			}
			return "it is there and may be invoked", nil
		}))
	}
	if len(steps) > 0 {
		return steps
	}
	return []kafka.Step{timed(ctx, "reach Lambda", func(ctx context.Context) (string, error) {
		_, err := client("").GetAccountSettings(ctx, nil)
		var denied smithy.APIError
		if errors.As(err, &denied) {
			return "it answers (" + denied.ErrorCode() + ")", nil // to see the settings is not needed
		}
		return "it answers", err
	})}
}

func regionOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// remedy is what to do about an error of AWS, by its code.
func remedy(err error) string {
	var api smithy.APIError
	var answer *smithyhttp.ResponseError
	switch {
	case errors.As(err, &api):
		return remedyFor(api.ErrorCode())
	case errors.As(err, &answer):
		return "look at what answers there: a proxy may have, instead of AWS"
	case errors.Is(err, context.DeadlineExceeded):
		return "the endpoint did not answer in time: check the route, HTTPS_PROXY and NO_PROXY, or name a VPC endpoint in aws.endpoints"
	}
	return "check aws: in the configuration file, AWS's variables and files, and the network to the endpoint"
}

func remedyFor(code string) string {
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return "renew the credentials: the session they come from has ended, or the clock is wrong"
	case "InvalidClientTokenId", "UnrecognizedClientException":
		return "AWS does not know this access key: check profile and account, and whether the key was deleted"
	case "SignatureDoesNotMatch", "InvalidSignatureException":
		return "the secret key is wrong, or the clock is"
	case "AccessDenied", "AccessDeniedException":
		return "allow it; gantry iam MAPPING prints the least a mapping needs"
	case "ResourceNotFoundException":
		return "check the ARN, its region and its qualifier"
	}
	return "see the code in AWS's documentation"
}

func list(words []string) string { return strings.Join(words, ", ") }
