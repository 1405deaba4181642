package export

import (
	"reflect"
	"slices"
	"strings"

	"gantry/mapping"
)

// grant adds what AWS's pollers do in the name of the function's role for one mapping.
func (b *builder) grant(r *rolePart, s *sourcePart, c Case) {
	for _, g := range c.Grants {
		r.add(grantPart{g.Sid, g.Actions, literals(g.Resources)})
	}
	if to, err := mapping.ParseDestination(s.m.OnFailure); err == nil && to.Kind == mapping.ToBucket {
		r.add(grantPart{"ListTheBucket", []string{"s3:ListBucket"}, []value{lit(to.ARN)}})
	}
	var secrets []value
	inside := s.arn != ""
	for _, a := range s.access {
		access := mapping.Access{Type: a.kind}
		_, network := access.Network()
		inside = inside || network
		if a.uri != nil && !network && !access.Literal() {
			secrets = append(secrets, *a.uri)
		}
		if a.kind == mapping.IAMOAuth {
			r.add(grantPart{"GetATokenOfItsOwn", []string{"sts:GetWebIdentityToken"}, []value{lit("*")}})
		}
	}
	r.readSecrets(secrets)
	if s.arn != "" {
		r.add(grantPart{"FindTheCluster", []string{"kafka:DescribeCluster", "kafka:DescribeClusterV2"}, []value{lit(s.arn)}})
		// AWS bounds this one to no cluster: allowed on an ARN it is refused
		r.add(grantPart{"FindItsBrokers", []string{"kafka:GetBootstrapBrokers"}, []value{lit("*")}})
	}
	if inside {
		r.add(grantPart{"BeInTheVPC", []string{
			"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
		}, []value{lit("*")}})
	}
}

// readSecrets allows to read secrets of Secrets Manager. A secret under a key of one's own
// needs kms:Decrypt on that key as well, which nobody here knows.
func (r *rolePart) readSecrets(arns []value) {
	for _, arn := range arns {
		if arn.kind == literal {
			arn = lit(secretResource(arn.text))
		} else {
			arn = join(arn, lit("*"))
		}
		r.add(grantPart{"ReadTheSecrets", []string{"secretsmanager:GetSecretValue"}, []value{arn}})
	}
	if len(arns) > 0 && len(r.notes[""]) == 0 {
		r.notes.add("", "a secret under a key of your own needs kms:Decrypt on that key as well")
	}
}

// secretResource is a secret as a policy names it: an ARN without the hyphen and six
// characters that Secrets Manager adds to names has a place for them.
func secretResource(arn string) string {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if at := strings.LastIndexByte(name, '-'); at >= 0 && len(name)-at == 7 {
		return arn
	}
	return arn + "-??????"
}

// add merges a grant with one of the same actions, so that each resource is there once.
func (r *rolePart) add(g grantPart) {
	for i := range r.grants {
		if !slices.Equal(r.grants[i].actions, g.actions) {
			continue
		}
		for _, resource := range g.resources {
			if !slices.ContainsFunc(r.grants[i].resources, func(known value) bool { return reflect.DeepEqual(known, resource) }) {
				r.grants[i].resources = append(r.grants[i].resources, resource)
			}
		}
		return
	}
	r.grants = append(r.grants, g)
}
