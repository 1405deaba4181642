package mapping

import (
	"slices"
	"strings"
)

// The access types that name entries of networks:, and the prefixes that AWS writes
// before the names: subnet:subnet-0a1b, security_group:sg-0a1b.
const (
	VPCSubnet           = "VPC_SUBNET"
	VPCSecurityGroup    = "VPC_SECURITY_GROUP"
	subnetPrefix        = "subnet:"
	securityGroupPrefix = "security_group:"
)

// Network says whether an access names an entry of networks:, and which.
func (a Access) Network() (name string, ok bool) {
	switch a.Type {
	case VPCSubnet:
		return strings.TrimPrefix(a.URI, subnetPrefix), true
	case VPCSecurityGroup:
		return strings.TrimPrefix(a.URI, securityGroupPrefix), true
	}
	return "", false
}

// NetworkNames gives the entries of networks: that a source names itself. None = those
// of its cluster, if it has any.
func (s Source) NetworkNames() []string {
	names := slices.Clone(s.Networks)
	for _, a := range s.Access {
		if name, ok := a.Network(); ok {
			names = append(names, name)
		}
	}
	return names
}

// Identity gives the access that says who gantry is and whom it trusts: all but networks.
func (s Source) Identity() []Access {
	return slices.DeleteFunc(slices.Clone(s.Access), func(a Access) bool {
		_, network := a.Network()
		return network
	})
}
