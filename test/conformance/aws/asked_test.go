package aws_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// asked is what IAM is asked of one request: as whom, what, and on which resource.
type asked struct {
	key, region, service string // of the signature
	action, resource     string
}

// free is the one call that everybody may make, whatever the policies say (STS's reference,
// API_GetCallerIdentity).
func (a asked) free() bool { return a.action == "sts:GetCallerIdentity" }

var scope = regexp.MustCompile(`Credential=([^/,]+)/\d{8}/([^/,]+)/([^/,]+)/aws4_request`)

// ask reads a request by the rules of AWS's Service Authorization Reference. A request
// that is not known is an error: nothing passes unseen.
func ask(r *http.Request, body []byte, secretARN func(id string) string) (asked, error) {
	found := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if found == nil {
		return asked{}, fmt.Errorf("%s %s is not signed", r.Method, r.URL)
	}
	a := asked{key: found[1], region: found[2], service: found[3]}
	switch a.service {
	case "lambda":
		a.action, a.resource = ofLambda(r, a.region)
	case "secretsmanager":
		a.action, a.resource = ofSecrets(r, body, secretARN)
	case "sns", "sts":
		a.action, a.resource = ofQuery(a.service, body)
	case "sqs":
		a.action, a.resource = ofSQS(r, body, a.region)
	case "s3":
		a.action, a.resource = ofS3(r)
	}
	if a.action == "" {
		return a, fmt.Errorf("nobody has said what %s %s of %s (%s) has to be allowed for", r.Method, r.URL, a.service, r.Header.Get("X-Amz-Target"))
	}
	return a, nil
}

// ofLambda: Invoke is lambda:InvokeFunction on the function, with its qualifier where the
// call has one (Lambda's guide, lambda-api-permissions-ref).
func ofLambda(r *http.Request, region string) (action, resource string) {
	name, found := strings.CutSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/2015-03-31/functions/"), "/invocations")
	function, err := url.PathUnescape(name)
	if !found || err != nil || r.Method != http.MethodPost {
		return "", ""
	}
	if !strings.HasPrefix(function, "arn:") {
		function = "arn:aws:lambda:" + region + ":" + account + ":function:" + function
	}
	if q := r.URL.Query().Get("Qualifier"); q != "" {
		function += ":" + q
	}
	return "lambda:InvokeFunction", function
}

// ofSecrets: GetSecretValue is on the secret's whole ARN, whichever way it was named.
func ofSecrets(r *http.Request, body []byte, secretARN func(id string) string) (action, resource string) {
	var in struct {
		ID string `json:"SecretId"`
	}
	if json.Unmarshal(body, &in) != nil || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		return "", ""
	}
	return "secretsmanager:GetSecretValue", secretARN(in.ID)
}

func ofQuery(service string, body []byte) (action, resource string) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", ""
	}
	known := map[string]string{
		"sns:Publish": form.Get("TopicArn"), "sns:GetTopicAttributes": form.Get("TopicArn"),
		"sts:AssumeRole": form.Get("RoleArn"), "sts:GetWebIdentityToken": "*", "sts:GetCallerIdentity": "*", // they have no types of resource
	}
	action = service + ":" + form.Get("Action")
	if known[action] == "" {
		return "", ""
	}
	return action, known[action]
}

// ofSQS: a batch needs what its single call needs (SQS's guide,
// sqs-api-permissions-reference).
func ofSQS(r *http.Request, body []byte, region string) (action, resource string) {
	var in struct {
		URL string `json:"QueueUrl"`
	}
	operation, found := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if !found || json.Unmarshal(body, &in) != nil || in.URL == "" {
		return "", ""
	}
	at, err := url.Parse(in.URL)
	if err != nil {
		return "", ""
	}
	owner, queue := path.Split(at.Path)
	switch operation = strings.TrimSuffix(operation, "Batch"); operation {
	case "SendMessage", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility":
		return "sqs:" + operation, "arn:aws:sqs:" + region + ":" + strings.Trim(owner, "/") + ":" + queue
	}
	return "", ""
}

// ofS3 reads the path style: /BUCKET/KEY. Listing a bucket and looking whether it is there
// are s3:ListBucket on the bucket, the others are on the object (S3's guide,
// using-with-s3-policy-actions).
func ofS3(r *http.Request) (action, resource string) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if key == "" {
		if r.Method == http.MethodHead || r.Method == http.MethodGet && query.Get("list-type") == "2" {
			return "s3:ListBucket", "arn:aws:s3:::" + bucket
		}
		return "", ""
	}
	for name := range r.Header {
		if name == "X-Amz-Acl" || name == "X-Amz-Tagging" || strings.HasPrefix(name, "X-Amz-Grant-") {
			return "", "" // it needs a second action
		}
	}
	switch what := r.Method + " " + r.URL.RawQuery; what {
	case "PUT ":
		action = "s3:PutObject"
	case "GET ", "HEAD ":
		action = "s3:GetObject"
	case "PUT tagging=":
		action = "s3:PutObjectTagging"
	default:
		return "", ""
	}
	return action, "arn:aws:s3:::" + bucket + "/" + key
}
