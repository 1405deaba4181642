package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrNoAuthorizer is a cluster that keeps no ACLs: nobody can be denied anything there.
var ErrNoAuthorizer = errors.New("the cluster has no authorizer")

// DenyGroup forbids a principal (User:…) to read by a group: from then on its joins, its
// heartbeats and its commits are refused. Members that are there stay, and go on fetching,
// until they are removed (RemoveMembers): both together are a fence, neither alone is one.
// Denying twice is harmless. ErrNoAuthorizer where the cluster has none.
func (a *Admin) DenyGroup(ctx context.Context, principal, group string) error {
	req := kmsg.NewPtrCreateACLsRequest()
	deny := kmsg.NewCreateACLsRequestCreation()
	deny.ResourceType, deny.ResourceName, deny.ResourcePatternType = kmsg.ACLResourceTypeGroup, group, kmsg.ACLResourcePatternTypeLiteral
	deny.Principal, deny.Host, deny.Operation, deny.PermissionType = principal, "*", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeDeny
	req.Creations = append(req.Creations, deny)
	err := insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, a.client)
		for i := 0; err == nil && i < len(resp.Results); i++ {
			err = kerr.ErrorForCode(resp.Results[i].ErrorCode)
		}
		return err
	})
	return a.aclError("deny "+principal+" to read by", group, "Alter", err)
}

// UndenyGroup takes back what DenyGroup did, and says whether there was anything.
func (a *Admin) UndenyGroup(ctx context.Context, principal, group string) (bool, error) {
	req := kmsg.NewPtrDeleteACLsRequest()
	f := kmsg.NewDeleteACLsRequestFilter()
	host := "*"
	f.ResourceType, f.ResourceName, f.ResourcePatternType = kmsg.ACLResourceTypeGroup, &group, kmsg.ACLResourcePatternTypeLiteral
	f.Principal, f.Host, f.Operation, f.PermissionType = &principal, &host, kmsg.ACLOperationRead, kmsg.ACLPermissionTypeDeny
	req.Filters = append(req.Filters, f)
	removed := false
	err := insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, a.client)
		if err != nil {
			return err
		}
		for _, r := range resp.Results {
			err = errors.Join(err, kerr.ErrorForCode(r.ErrorCode))
			for _, m := range r.MatchingACLs {
				err = errors.Join(err, kerr.ErrorForCode(m.ErrorCode))
				removed = true
			}
		}
		return err
	})
	return removed && err == nil, a.aclError("let "+principal+" read again by", group, "Alter", err)
}

// DeniedGroup gives the principals that an ACL forbids to read by a group, by its own name
// or a pattern that fits it. ErrNoAuthorizer where the cluster has none.
func (a *Admin) DeniedGroup(ctx context.Context, group string) ([]string, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourceName, req.ResourcePatternType = kmsg.ACLResourceTypeGroup, &group, kmsg.ACLResourcePatternTypeMatch
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeDeny
	var denied []string
	err := insist(ctx, func() error {
		denied = nil
		resp, err := req.RequestWith(ctx, a.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return err
		}
		for _, r := range resp.Resources {
			for _, acl := range r.ACLs {
				if acl.Operation == kmsg.ACLOperationRead || acl.Operation == kmsg.ACLOperationAll {
					denied = append(denied, acl.Principal)
				}
			}
		}
		return nil
	})
	slices.Sort(denied)
	return slices.Compact(denied), a.aclError("read who is denied to read by", group, "Describe", err)
}

// MayAlterACLs says whether gantry itself may set and remove ACLs. A broker without an
// authorizer says yes; DeniedGroup knows better there.
func (a *Admin) MayAlterACLs(ctx context.Context) (bool, error) {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	allowed := int32(0)
	err := insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, a.client)
		if err == nil {
			allowed, err = resp.ClusterAuthorizedOperations, kerr.ErrorForCode(resp.ErrorCode)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ask what is allowed on the cluster: %w", a.attempts.join(Deny(err, "Describe", "cluster", "")))
	}
	return allowed&(1<<uint(kmsg.ACLOperationAlter)) != 0, nil
}

func (a *Admin) aclError(verb, group, operation string, err error) error {
	if errors.Is(err, kerr.SecurityDisabled) {
		return fmt.Errorf("%s group %s: %w: %w", verb, group, ErrNoAuthorizer, err)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s group %s: %w", verb, group, a.attempts.join(Deny(err, operation, "cluster", "")))
}
