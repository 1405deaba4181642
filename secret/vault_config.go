package secret

import (
	"fmt"
	"net/url"
	"strings"
)

// Vault is a server with HashiCorp Vault's HTTP API (OpenBao has it too) and how gantry
// logs in there: by exactly one of Token, AppRole and Kubernetes. References of its own
// login are env: and file: ones.
type Vault struct {
	Address   string // https://host:port
	Namespace string // sent with every request; "" = none
	Mount     string // of the key/value engine; "" = secret
	Version   int    // of the key/value engine, 1 or 2; 0 = 2
	CA        string // ref: PEM roots, instead of the system's
	Network   []string

	Token      string // ref
	AppRole    *AppRole
	Kubernetes *KubernetesLogin
}

// AppRole is Vault's login for machines (auth/approle).
type AppRole struct {
	RoleID   string // ref
	SecretID string // ref
	Mount    string // "" = approle
}

// KubernetesLogin logs in with a pod's service account token (auth/kubernetes).
type KubernetesLogin struct {
	Role  string // of Vault's
	Token string // ref; "" = the file Kubernetes mounts into every pod
	Mount string // "" = kubernetes
}

const serviceAccountToken = filePrefix + "/var/run/secrets/kubernetes.io/serviceaccount/token"

func (v *Vault) problems() []string {
	var list []string
	fault := func(format string, args ...any) { list = append(list, "vault."+fmt.Sprintf(format, args...)) }
	switch u, err := url.Parse(v.Address); {
	case v.Address == "":
		fault("address is missing; want https://host:port")
	case err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		fault("address is not an address gantry can use; want https://host:port")
	case u.Scheme == "http" && v.CA != "":
		fault("ca: the address has no TLS")
	}
	if v.Version < 0 || v.Version > 2 {
		fault("version: %d is not known; want 1 or 2", v.Version)
	}
	logins := 0
	for _, given := range []bool{v.Token != "", v.AppRole != nil, v.Kubernetes != nil} {
		if given {
			logins++
		}
	}
	if logins != 1 {
		fault("token: want exactly one of token, appRole and kubernetes")
	}
	refs := map[string]string{"ca": v.CA, "token": v.Token}
	if a := v.AppRole; a != nil {
		refs["appRole.roleId"], refs["appRole.secretId"] = a.RoleID, a.SecretID
		if a.RoleID == "" || a.SecretID == "" {
			fault("appRole: want roleId and secretId, each a reference")
		}
	}
	if k := v.Kubernetes; k != nil {
		refs["kubernetes.token"] = k.Token
		if k.Role == "" {
			fault("kubernetes.role is missing")
		}
	}
	for _, member := range []string{"ca", "token", "appRole.roleId", "appRole.secretId", "kubernetes.token"} {
		if ref := refs[member]; ref != "" && !strings.HasPrefix(ref, envPrefix) && !strings.HasPrefix(ref, filePrefix) {
			fault("%s: want env:NAME or file:PATH", member) // not shown: it may be the secret itself
		}
	}
	return list
}
