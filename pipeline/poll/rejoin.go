package poll

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Rejoin has the broker put this member out of the group. The next heartbeat learns of it:
// then Lost runs for everything that is assigned, and the client joins as a new member.
func (p *Poller) Rejoin(ctx context.Context) error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = p.cfg.Group, p.Member().ID // before version 3
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = req.MemberID
	if p.cfg.Membership.Instance != "" {
		member.InstanceID = &p.cfg.Membership.Instance
	}
	req.Members = append(req.Members, member)
	resp, err := req.RequestWith(ctx, p.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	for i := 0; err == nil && i < len(resp.Members); i++ {
		err = kerr.ErrorForCode(resp.Members[i].ErrorCode)
	}
	if err != nil && !errors.Is(err, kerr.UnknownMemberID) { // one that is not there has left
		return fmt.Errorf("leave group %s to join it again: %w", p.cfg.Group, err)
	}
	return nil
}
