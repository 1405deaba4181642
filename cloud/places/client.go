// Package places is the AWS side of dead letters: an SQS queue, an SNS topic and an S3
// bucket, with no more of their APIs than letters need. A request is made, signed and
// sent here (client.go); queue.go, notification.go and bucket.go know one service each.
//
// What holds: nothing is repeated here, because whoever calls has a rule for it already
// (a delivery is tried for ever, a redrive stops and can be taken up again). What AWS
// refuses is an *Error with AWS's code. Three SDK packages would cost more time to build
// than the rest of this folder's users together, hence the small client.
package places

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client calls AWS as gantry itself. Safe for use by many goroutines.
type Client struct {
	// Config gives the configuration of the `aws:` section, at each call (cloud.Cloud).
	Config func(ctx context.Context) (aws.Config, error)
}

// Error is what AWS refused.
type Error struct {
	Operation string // service:Action, as IAM names it
	Status    int
	Code      string
	Message   string
	region    string // where the bucket is, if S3 says so
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: AWS answers %d %s", e.Operation, e.Status, e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// IsMissing says that what was asked for is not there.
func IsMissing(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// request is one call before it is signed.
type request struct {
	service   string // as it is signed for: sqs, sns, s3
	id        string // the SDK's id of the service, under which endpoints are configured
	operation string
	region    string // "" = the configuration's
	partition string // of the ARN; "" = aws
	host      string // in front of AWS's own host: the bucket
	method    string
	path      string // escaped, begins with a slash
	plainPath string // in place of path where an endpoint is configured; "" = path
	query     url.Values
	header    map[string]string
	body      []byte
}

// mostAnswer is over anything AWS answers but an object.
const mostAnswer = 128 << 20

// send signs and sends a request and reads the answer.
func (c Client) send(ctx context.Context, q request) ([]byte, http.Header, error) {
	cfg, err := c.Config(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", q.operation, err)
	}
	if q.region == "" {
		q.region = cfg.Region
	}
	r, err := q.http(ctx, cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", q.operation, err)
	}
	if err := q.sign(ctx, cfg, r); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", q.operation, err)
	}
	client := cfg.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", q.operation, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: the answer broke off: %w", q.operation, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, res.Header, refusal(q, res, body)
	}
	return body, res.Header, nil
}

func (q *request) http(ctx context.Context, cfg aws.Config) (*http.Request, error) {
	base, err := q.endpoint(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, q.method, base, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	r.URL.RawQuery = strings.ReplaceAll(q.query.Encode(), "+", "%20")
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

func (q *request) sign(ctx context.Context, cfg aws.Config, r *http.Request) error {
	if cfg.Credentials == nil {
		return errors.New("there are no credentials for AWS: see aws: in the configuration file")
	}
	who, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("find credentials for AWS: %w", err)
	}
	sum := sha256.Sum256(q.body)
	hash := hex.EncodeToString(sum[:])
	if q.service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = q.service == "s3" }).
		SignHTTP(ctx, who, r, hash, q.service, q.region, time.Now())
}
