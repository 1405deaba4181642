package doctor

import (
	"cmp"
	"slices"
	"strings"

	"gantry/function"
	"gantry/kafka"
	"gantry/network"
	"gantry/schema"
	"gantry/secret"
	"gantry/sink"
)

// secrets are those of AWS Secrets Manager that a mapping reads, each once, as a policy
// names them. Which references lead there, secrets: says.
func (i *IAM) secrets(n Needing) {
	var resources []string
	named := false
	for _, ref := range references(n) {
		resource, byName := secretResource(n, ref)
		if resource != "" {
			resources, named = append(resources, resource), named || byName
		}
	}
	if len(resources) == 0 {
		return
	}
	slices.Sort(resources)
	i.allow("ReadTheSecrets", []string{"secretsmanager:GetSecretValue"}, slices.Compact(resources)...)
	i.Notes = append(i.Notes, "a secret under a key of your own needs kms:Decrypt on that key as well")
	if named {
		i.Notes = append(i.Notes, "a secret that is named without an ARN is in the account of gantry's identity: put its number in the place of *")
	}
}

// secretResource is a secret of Secrets Manager as a policy names it, "" for one that is
// kept elsewhere; byName tells that its account is not known. A reference that no rule is
// for is taken by its form.
func secretResource(n Needing, ref string) (resource string, byName bool) {
	ref, _, _ = strings.Cut(ref, "#") // a field of it
	isARN := strings.HasPrefix(ref, "arn:aws") && strings.Contains(ref, ":secretsmanager:")
	at := slices.IndexFunc(n.Secrets, func(r secret.Rule) bool { return strings.HasPrefix(ref, r.Prefix) })
	switch {
	case at >= 0 && !n.Secrets[at].From.AWS, !isARN && at < 0:
		return "", false
	case isARN:
		return withSuffix(ref), false
	}
	name := strings.TrimPrefix(ref, n.Secrets[at].Prefix)
	return "arn:aws:secretsmanager:" + cmp.Or(n.Region, "*") + ":*:secret:" + name + "-??????", true
}

// withSuffix is an ARN as AWS compares it: Secrets Manager adds a hyphen and six characters
// to the name it was given, and an ARN without them needs a place for them.
func withSuffix(arn string) string {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if at := strings.LastIndexByte(name, '-'); at >= 0 && len(name)-at == 7 {
		return arn
	}
	return arn + "-??????"
}

// references are all that a mapping has to have resolved to run.
func references(n Needing) []string {
	var refs []string
	for _, a := range n.Mapping.Source.Access {
		refs = append(refs, a.URI)
	}
	registry := n.registry()
	ways := n.Mapping.Source.NetworkNames()
	if len(ways) == 0 {
		ways = slices.Clone(n.Cluster.Network)
	}
	ways = append(ways, registry.Network...)
	for _, fn := range n.Functions {
		refs, ways = append(refs, ofFunction(fn)...), append(ways, fn.Networks...)
	}
	refs = slices.Concat(refs, ofCluster(n.Cluster), ofRegistry(registry))
	for _, c := range n.others() {
		refs, ways = append(refs, ofCluster(c)...), append(ways, c.Network...)
	}
	for _, name := range ways {
		refs = append(refs, ofNetwork(n.Networks[name])...)
	}
	return refs
}

// ofFunction: a ready-made function takes references in settings, those of a family like
// header.* among them.
func ofFunction(fn function.Function) []string {
	var refs []string
	for _, ref := range fn.Secrets {
		refs = append(refs, ref)
	}
	for _, value := range fn.Settings {
		if sink.IsReference(value) {
			refs = append(refs, value)
		}
	}
	return refs
}

func ofCluster(c kafka.Config) []string {
	var refs []string
	if c.TLS != nil {
		refs = append(refs, c.TLS.CA, c.TLS.Cert, c.TLS.Key, c.TLS.KeyPassword)
	}
	if c.SASL == nil {
		return refs
	}
	refs = append(refs, c.SASL.Secret, c.SASL.Username, c.SASL.Password)
	if o := c.SASL.OAuth; o != nil {
		refs = append(refs, o.CA, o.ClientSecret, o.PrivateKey, o.PrivateKeyPassword, o.Assertion, o.Token)
	}
	if k := c.SASL.Kerberos; k != nil {
		refs = append(refs, k.Password)
	}
	return refs
}

func ofRegistry(c schema.Config) []string {
	return []string{c.Secret, c.Username, c.Password, c.Token, c.TLS.CA, c.TLS.Cert, c.TLS.Key}
}

func ofNetwork(c network.Config) []string {
	refs := []string{c.ProxyLogin, c.ProxyCA}
	if c.Jump != nil {
		refs = append(refs, c.Jump.Key, c.Jump.KeyPassphrase)
	}
	return refs
}

// registry is the one that answers are written by; zero where they are written by none.
func (n Needing) registry() schema.Config {
	o := n.Mapping.Output
	if o == nil || o.Schema == nil {
		return schema.Config{}
	}
	return n.Registries[cmp.Or(o.Cluster, n.Mapping.Source.Cluster)]
}
