package declare

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"gantry/cloud"
	"gantry/secret"
)

// aws reads how AWS is reached.
func (r *reader) aws(n ast.Node, path string) {
	a := &r.file.AWS
	a.Endpoints = map[string]string{}
	r.object(n, path, members{
		"profile": r.text(&a.Profile), "region": r.text(&a.Region),
		"endpoint": r.text(&a.Endpoint), "endpoints": r.textMap(a.Endpoints), "fips": r.flag(&a.FIPS),
		"credentialProcess": r.text(&a.CredentialProcess), "webIdentity": r.webIdentity, "assumeRole": r.assumeRole,
		"proxy": r.text(&a.Proxy), "noProxy": r.texts(&a.NoProxy), "caBundle": r.path(&a.CABundle),
		"network": r.networkNames(&a.Network),
	})
	a.Proxy = secret.Anchor(a.Proxy, r.id.Dir)
	r.faultsOf(a.Validate(), n, path)
}

// faultsOf makes a fault of each line `key: text` of a package's own validation.
func (r *reader) faultsOf(err error, n ast.Node, path string) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		key, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.fault(n, join(path, key), "%s", text)
	}
}

func (r *reader) webIdentity(n ast.Node, path string) {
	w := &r.file.AWS.WebIdentity
	r.object(n, path, members{
		"roleArn": r.text(&w.RoleARN), "tokenFile": r.path(&w.TokenFile), "sessionName": r.text(&w.SessionName),
		"duration": r.duration(&w.Duration, time.Second, 24*time.Hour),
	})
	if *w == (cloud.WebIdentity{}) {
		r.fault(n, path, "want roleArn and tokenFile")
	}
}

// assumeRole is a role's ARN, or an object with what goes along.
func (r *reader) assumeRole(n ast.Node, path string) {
	a := &r.file.AWS.AssumeRole
	if s, ok := plain(n).(*ast.StringNode); ok {
		a.RoleARN = s.Value
		return
	}
	r.object(n, path, members{
		"roleArn": r.text(&a.RoleARN), "externalId": r.text(&a.ExternalID), "sessionName": r.text(&a.SessionName),
		"duration": r.duration(&a.Duration, time.Second, 24*time.Hour),
	})
	if *a == (cloud.AssumeRole{}) {
		r.fault(n, path, "want roleArn")
	}
}

// role reads one entry of `roles:`.
func (r *reader) role(arn string, n ast.Node, path string) {
	var role cloud.Role
	r.object(n, path, members{
		"assume": r.flag(&role.Assume), "profile": r.text(&role.Profile), "none": r.flag(&role.None),
		"externalId": r.text(&role.ExternalID), "sessionName": r.text(&role.SessionName),
		"duration": r.duration(&role.Duration, time.Second, 24*time.Hour),
	})
	for _, text := range role.Validate(arn) {
		r.fault(n, path, "%s", text)
	}
	r.file.Roles[arn] = role
}
