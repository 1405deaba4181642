package aws_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Requests as AWS's SDK makes them, and what IAM is asked of each; "" = nobody knows.
func TestWhatIAMIsAskedOfARequest(t *testing.T) {
	t.Parallel()
	const of, form = ":eu-west-1:123456789012:", "Version=1&Action="
	for _, c := range []struct{ service, request, target, body, action, resource string }{
		{"lambda", "POST /2015-03-31/functions/arn%3Aaws%3Alambda" + of + "function%3Af%3Alive/invocations", "", "{}", "lambda:InvokeFunction", "arn:aws:lambda" + of + "function:f:live"},
		{"lambda", "POST /2015-03-31/functions/f/invocations?Qualifier=7", "", "{}", "lambda:InvokeFunction", "arn:aws:lambda" + of + "function:f:7"},
		{"lambda", "GET /2015-03-31/functions/f", "", "", "", ""},
		{"secretsmanager", "POST /", "secretsmanager.GetSecretValue", `{"SecretId":"db"}`, "secretsmanager:GetSecretValue", "arn of db"},
		{"secretsmanager", "POST /", "secretsmanager.ListSecrets", "{}", "", ""},
		{"sns", "POST /", "", form + "Publish&TopicArn=arn:aws:sns" + of + "t", "sns:Publish", "arn:aws:sns" + of + "t"},
		{"sns", "POST /", "", form + "Publish&TargetArn=arn:aws:sns" + of + "t", "", ""},
		{"sts", "POST /", "", form + "AssumeRole&RoleArn=arn:aws:iam::1:role/r", "sts:AssumeRole", "arn:aws:iam::1:role/r"},
		{"sts", "POST /", "", form + "GetSessionToken", "", ""},
		{"sqs", "POST /", "AmazonSQS.SendMessageBatch", `{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/q"}`, "sqs:SendMessage", "arn:aws:sqs" + of + "q"},
		{"sqs", "POST /", "AmazonSQS.PurgeQueue", `{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/q"}`, "", ""},
		{"s3", "PUT /b/a/c%3Ad", "", "x", "s3:PutObject", "arn:aws:s3:::b/a/c:d"},
		{"s3", "PUT /b/a?tagging=", "", "x", "s3:PutObjectTagging", "arn:aws:s3:::b/a"},
		{"s3", "GET /b/a", "", "", "s3:GetObject", "arn:aws:s3:::b/a"}, {"s3", "GET /b?list-type=2&prefix=a", "", "", "s3:ListBucket", "arn:aws:s3:::b"},
		{"s3", "HEAD /b", "", "", "s3:ListBucket", "arn:aws:s3:::b"},
		{"s3", "PUT /b/a?acl=", "", "x", "", ""}, {"s3", "DELETE /b/a", "", "", "", ""}, {"s3", "GET /", "", "", "", ""}, {"kms", "POST /", "TrentService.Decrypt", "{}", "", ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20300101/eu-west-1/"+c.service+"/aws4_request, SignedHeaders=host, Signature=0")
		r.Header.Set("X-Amz-Target", c.target)
		a, err := ask(r, []byte(c.body), func(id string) string { return "arn of " + id })
		require.Equal(t, c.action == "", err != nil, "%v: %v", c, err)
		require.Equal(t, []string{c.action, c.resource}, []string{a.action, a.resource}, c.request)
	}
	tagged := httptest.NewRequest(http.MethodPut, "/b/a", nil)
	tagged.Header.Set("X-Amz-Tagging", "a=b")
	action, _ := ofS3(tagged)
	require.Empty(t, action, "it needs s3:PutObjectTagging as well")
	_, err := ask(httptest.NewRequest(http.MethodGet, "/b/a", nil), nil, nil)
	require.ErrorContains(t, err, "is not signed")
}
