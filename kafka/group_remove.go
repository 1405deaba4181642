package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// RemoveMembers takes members out of a group as an administrator does, dynamic and static
// ones, of classic groups and of KIP-848's, and says how many of them were there. A live
// member comes back within seconds unless it is denied to (DenyGroup). A member that has
// left meanwhile is no error, nor is a group that is gone.
func (a *Admin) RemoveMembers(ctx context.Context, group string, members []Member) (int, error) {
	if len(members) == 0 {
		return 0, nil
	}
	why := "gantry hands the work of this group over"
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = group
	for _, m := range members {
		leaving := kmsg.NewLeaveGroupRequestMember()
		leaving.Reason = &why
		if m.InstanceID != "" { // by name: its member id changes each time it comes back
			leaving.InstanceID = &m.InstanceID
		} else {
			leaving.MemberID = m.ID
		}
		req.Members = append(req.Members, leaving)
	}
	removed := 0
	err := insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, a.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return err
		}
		removed, err = answeredRemovals(resp)
		return err
	})
	if errors.Is(err, kerr.GroupIDNotFound) {
		return 0, nil
	}
	return removed, a.groupError("remove members of", group, "Read", err)
}

func answeredRemovals(resp *kmsg.LeaveGroupResponse) (removed int, err error) {
	for _, m := range resp.Members {
		switch code := kerr.ErrorForCode(m.ErrorCode); {
		case code == nil:
			removed++
		case errors.Is(code, kerr.UnknownMemberID):
		default:
			name := m.MemberID
			if m.InstanceID != nil {
				name = *m.InstanceID
			}
			err = errors.Join(err, fmt.Errorf("member %s: %w", name, code))
		}
	}
	return removed, err
}
