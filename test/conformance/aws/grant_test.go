package aws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// document is a policy as gantry iam prints it.
type document struct {
	Version   string      `json:"Version"`
	Statement []permitted `json:"Statement"`
}

type permitted struct {
	Sid      string   `json:"Sid"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []string `json:"Resource"`
}

// allows is IAM's decision on one document of an identity: what no statement allows is
// denied. A document with anything but Allow is not one that gantry prints.
func (d document) allows(action, resource string) bool {
	for _, s := range d.Statement {
		if s.Effect != "Allow" {
			panic(fmt.Sprintf("the effect of %s is %q", s.Sid, s.Effect))
		}
		acts := func(pattern string) bool { return matches(strings.ToLower(pattern), strings.ToLower(action)) }
		if slices.ContainsFunc(s.Action, acts) && slices.ContainsFunc(s.Resource, func(pattern string) bool { return covers(pattern, resource) }) {
			return true
		}
	}
	return false
}

// covers compares ARNs part by part: a wildcard stays within its part, and the last part may
// have colons of its own (IAM's guide, reference_policies_elements_resource).
func covers(pattern, resource string) bool {
	if pattern == "*" || resource == "*" {
		return pattern == resource || pattern == "*"
	}
	of, is := strings.SplitN(pattern, ":", 6), strings.SplitN(resource, ":", 6)
	return slices.EqualFunc(of, is, matches)
}

// matches compares a text, character by character, with a pattern of * and ?.
func matches(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '*' {
		return matches(pattern[1:], text) || text != "" && matches(pattern, text[1:])
	}
	return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern[1:], text[1:])
}

// less gives the documents that lack one resource of one action each, by what is lacking.
func (d document) less() map[lack]document {
	out := map[lack]document{}
	for at, s := range d.Statement {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				rest := slices.Delete(slices.Clone(d.Statement), at, at+1)
				for _, a := range s.Action {
					kept := slices.DeleteFunc(slices.Clone(s.Resource), func(r string) bool { return a == action && r == resource })
					if len(kept) > 0 {
						rest = append(rest, permitted{s.Sid, s.Effect, []string{a}, kept})
					}
				}
				out[lack{action, resource}] = document{d.Version, rest}
			}
		}
	}
	return out
}

func (d document) sids() []string {
	var names []string
	for _, s := range d.Statement {
		names = append(names, s.Sid)
	}
	return names
}

// lack is what a document lacks.
type lack struct{ action, resource string }

// in says whether one of some decisions was about it.
func (l lack) in(decisions map[lack]int) bool {
	for d := range decisions {
		if d.action == l.action && covers(l.resource, d.resource) {
			return true
		}
	}
	return false
}

// The decisions of IAM that the proofs rest on.
func TestDecisions(t *testing.T) {
	t.Parallel()
	const of = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	d := document{Statement: []permitted{
		{"Read", "Allow", []string{"secretsmanager:GetSecretValue"}, []string{of + "db-??????", "arn:aws:secretsmanager:*:*:secret:plant/*"}},
		{"Write", "Allow", []string{"s3:Put*", "s3:GetObject"}, []string{"arn:aws:s3:::dead/letters/*"}},
		{"Token", "Allow", []string{"sts:GetWebIdentityToken"}, []string{"*"}},
	}}
	for _, yes := range []lack{
		{"secretsmanager:getsecretvalue", of + "db-AbCdEf"}, {"secretsmanager:GetSecretValue", of + "plant/a/b-AbCdEf"},
		{"s3:PutObject", "arn:aws:s3:::dead/letters/a:b/c"}, {"s3:GetObject", "arn:aws:s3:::dead/letters/"}, {"sts:GetWebIdentityToken", "*"},
	} {
		require.True(t, d.allows(yes.action, yes.resource), yes)
	}
	for _, no := range []lack{
		{"secretsmanager:GetSecretValue", of + "db"}, {"secretsmanager:GetSecretValue", of + "db-AbCdEfg"}, {"secretsmanager:DescribeSecret", of + "db-AbCdEf"},
		{"secretsmanager:GetSecretValue", "arn:aws-cn:secretsmanager:eu-west-1:123456789012:secret:plant/a-AbCdEf"},
		{"s3:GetObjectTagging", "arn:aws:s3:::dead/letters/a"}, {"s3:PutObject", "arn:aws:s3:::dead/Letters/a"}, {"s3:PutObject", "arn:aws:s3:::dead"}, {"sqs:SendMessage", "*"},
	} {
		require.False(t, d.allows(no.action, no.resource), no)
	}
	less := d.less()
	require.Len(t, less, 5)
	for lacks, rest := range less {
		require.False(t, rest.allows(lacks.action, strings.ReplaceAll(lacks.resource, "?", "x")), lacks)
		for other := range less {
			if other != lacks && other.action != "s3:Put*" {
				require.True(t, rest.allows(other.action, strings.ReplaceAll(other.resource, "?", "x")), "%v without %v", other, lacks)
			}
		}
	}
}
