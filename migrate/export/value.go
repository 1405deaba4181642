package export

import (
	"strings"
	"unicode"
)

// valueKind says how a value is written in a template.
type valueKind uint8

const (
	literal     valueKind = iota // text as it is
	parameterOf                  // what a parameter says
	partOf                       // an ARN of another resource
	joined                       // parts, one behind the other
	secretOf                     // the content of a secret; parts[0] is its ARN
	logOf                        // every stream of a log group
)

// value is text of a template that may not be known before it is deployed.
type value struct {
	kind  valueKind
	text  string // the text; the name of a parameter in kebab case; the id of a resource
	parts []value
}

func lit(text string) value       { return value{kind: literal, text: text} }
func join(parts ...value) value   { return value{kind: joined, parts: parts} }
func secretAt(arn value) value    { return value{kind: secretOf, parts: []value{arn}} }
func arnOf(resource string) value { return value{kind: partOf, text: resource} }

// parameter is a question to whoever deploys.
type parameter struct {
	key      string // in kebab case
	about    string
	standard string // default; "" = it has to be answered
	shape    string // CloudFormation's type; "" = String
	hidden   bool   // the answer may be a secret
}

// name is the parameter as a language writes it.
func (p parameter) name(k Kind) string {
	if k == Terraform {
		return snake(p.key)
	}
	return pascal(p.key)
}

// pascal makes orders-to-validate OrdersToValidate.
func pascal(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) || r > unicode.MaxASCII:
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// snake makes orders-to-validate orders_to_validate.
func snake(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}
