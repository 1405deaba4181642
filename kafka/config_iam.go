package kafka

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// IAMConfig says as whom to sign for a cluster of Amazon MSK with IAM access control
// (AWS_MSK_IAM). The zero value takes the credentials of the `aws:` section, and the
// region from the brokers' names. Signatures are made for each authentication with the
// credentials as they are then.
type IAMConfig struct {
	Region      string `yaml:"region"`      // "" = that of the brokers' names, else of AWS's configuration
	Profile     string `yaml:"profile"`     // a profile of AWS's shared files; "" = as `aws:` says
	Role        string `yaml:"role"`        // ARN of a role to assume with those credentials; "" = none
	SessionName string `yaml:"sessionName"` // of the assumed role; "" = gantry
	ExternalID  string `yaml:"externalId"`  // the assumed role's condition; "" = none
}

var (
	awsRegion = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	roleARN   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.+$`)
)

func (c *IAMConfig) faults() []error {
	var errs []error
	if c.Region != "" && !awsRegion.MatchString(c.Region) {
		errs = append(errs, fmt.Errorf("sasl.iam.region: %q is no region; want one such as eu-west-1", c.Region))
	}
	if c.Role != "" && !roleARN.MatchString(c.Role) {
		errs = append(errs, fmt.Errorf("sasl.iam.role: %q is no role; want arn:aws:iam::ACCOUNT:role/NAME", c.Role))
	}
	if c.Role == "" && (c.SessionName != "" || c.ExternalID != "") {
		errs = append(errs, errors.New("sasl.iam.role: is missing; sessionName and externalId are of a role to assume"))
	}
	if strings.ContainsAny(c.SessionName, " /:") {
		errs = append(errs, fmt.Errorf("sasl.iam.sessionName: %q is no session name; letters, digits and =,.@_- are", c.SessionName))
	}
	return errs
}
