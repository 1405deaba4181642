package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
)

// Errors as the poll stage meets them: wrapped by kgo, joined with others, without what
// Admin adds.
func TestDiagnosisOfWhatPollMeets(t *testing.T) {
	t.Parallel()
	refused := &ConnectError{Broker: "k:1", Security: "SSL", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}
	for _, c := range []struct {
		name                        string
		err                         error
		problem, reason, cause, try string
	}{
		{name: "nothing"},
		{name: "cancelled", err: fmt.Errorf("poll: %w", context.Canceled)},
		{name: "closed", err: kgo.ErrClientClosed},
		{"topic", fmt.Errorf("fetch orders/0: %w", kerr.TopicAuthorizationFailed), mapping.ProblemAuthorize, mapping.ReasonSourceAuthz, "Describe and Read on the topic", "--operation Describe --operation Read --topic NAME"},
		{"topic, told", Deny(kerr.TopicAuthorizationFailed, "Read", "topic", "orders"), mapping.ProblemAuthorize, mapping.ReasonSourceAuthz, "Read on the topic", "--operation Read --topic orders"},
		{"another resource than told", Deny(kerr.GroupAuthorizationFailed, "Read", "topic", "orders"), mapping.ProblemAuthorize, mapping.ReasonSourceAuthz, "on the group", "--group NAME"},
		{"group", &kgo.ErrGroupSession{Err: kerr.GroupAuthorizationFailed}, mapping.ProblemAuthorize, mapping.ReasonSourceAuthz, "on the group", "--group NAME"},
		{"cluster", kerr.ClusterAuthorizationFailed, mapping.ProblemAuthorize, mapping.ReasonSourceAuthz, "on the cluster", "--cluster"},
		{"transactional id", kerr.TransactionalIDAuthorizationFailed, mapping.ProblemAuthorize, mapping.ReasonSourceAuthz, "on the transactional-id", "--transactional-id NAME"},
		{"topic gone", kerr.UnknownTopicID, mapping.ProblemConnection, mapping.ReasonConfigNotValid, "does not exist", "create it"},
		{"timeout", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, mapping.ProblemConnection, "", "did not answer in time", "firewall"},
		{"no route", os.NewSyscallError("connect", syscall.EHOSTUNREACH), mapping.ProblemConnection, "", "no route", "VPN"},
		{"cancelled after a refusal", errors.Join(context.Canceled, refused), mapping.ProblemConnection, "", "nothing listens", "host and port"},
		{"a password says more than a dead broker", errors.Join(refused, kerr.SaslAuthenticationFailed), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "refused user", "rotated"},
		{"wrong mechanism", kerr.UnsupportedSaslMechanism, mapping.ProblemSASL, mapping.ReasonSourceAuthn, "does not offer", "sasl.enabled.mechanisms"},
		{"certificate", fmt.Errorf("x: %w", ErrCertificate), mapping.ProblemCertificate, mapping.ReasonConfigNotValid, "not usable", "PKCS#8"},
		{"access", fmt.Errorf("%w x", ErrAccessMissing), mapping.ProblemConnection, mapping.ReasonConfigNotValid, "no access", "allowPlaintext"},
		{"anything else", kerr.KafkaStorageError, mapping.ProblemConnection, "", "KAFKA_STORAGE_ERROR", "brokers' log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := Diagnose(c.err)
			require.Equal(t, c.problem, d.Problem)
			require.Equal(t, c.reason, d.Reason)
			require.Contains(t, d.Cause, c.cause)
			require.Contains(t, d.Try, c.try)
		})
	}
}

func TestATimeoutDoesNotHideTheRefusalBeforeIt(t *testing.T) {
	t.Parallel()
	refused := &ConnectError{Broker: "k:1", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	late := &ConnectError{Broker: "k:1", Err: &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}}
	var a attempts
	hear := a.listen(nil)
	hear("k:1", late)
	require.Contains(t, Diagnose(a.join(context.DeadlineExceeded)).Cause, "did not answer")
	hear("k:1", refused)
	hear("k:1", late)
	require.Contains(t, Diagnose(a.join(context.DeadlineExceeded)).Cause, "nothing listens")
	hear("k:1", nil)
	require.Equal(t, context.DeadlineExceeded.Error(), a.join(context.DeadlineExceeded).Error(), "a connection that worked ends the story")
}
