package kafka

import (
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AdvertisedError says that bootstrap servers answered and the brokers they name did not.
type AdvertisedError struct{ Err error }

func (e *AdvertisedError) Error() string { return "reach the advertised brokers: " + e.Err.Error() }

func (e *AdvertisedError) Unwrap() error { return e.Err }

// Check makes one authenticated round trip to a bootstrap server and one to a broker
// under its advertised address. It reports the failure of every server as soon as all
// have failed, without kgo's retries; give ctx a deadline for those that stay silent.
func (a *Admin) Check(ctx context.Context) error {
	err := a.check(ctx)
	if a.cluster.forget != nil && refusedAuthentication(err) {
		err = a.check(ctx) // the refusal made the secrets be forgotten: they may have been rotated
	}
	var connect *ConnectError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &connect) && err.Error() == connect.Error():
		return err // one broker, and all is said
	default:
		return &ConnectError{Broker: strings.Join(a.cluster.Brokers, ","), Security: a.cluster.Security(), Mechanism: a.cluster.Mechanism, Err: err}
	}
}

func (a *Admin) check(ctx context.Context) error {
	a.attempts.clear()
	if errs := firstAnswer(ctx, a.client.SeedBrokers()); errs != nil {
		return a.attempts.join(errs...)
	}
	a.attempts.clear() // one bootstrap server is enough, whatever became of the others
	if len(a.client.DiscoveredBrokers()) == 0 {
		if _, err := a.admin.BrokerMetadata(ctx); err != nil {
			return a.attempts.join(err)
		}
	}
	a.attempts.clear()
	if errs := firstAnswer(ctx, a.client.DiscoveredBrokers()); errs != nil {
		return &AdvertisedError{Err: a.attempts.join(errs...)}
	}
	return nil
}

// firstAnswer asks all brokers at once and waits for the first that answers, or for the
// failure of all. Requests pinned to a broker are not retried by kgo.
func firstAnswer(ctx context.Context, brokers []*kgo.Broker) []error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(brokers))
	for _, broker := range brokers {
		go func() {
			req := kmsg.NewPtrMetadataRequest()
			req.Topics = []kmsg.MetadataRequestTopic{} // no topic, just the brokers
			_, err := broker.Request(ctx, req)
			answers <- err
		}()
	}
	var errs []error
	for range brokers {
		err := <-answers
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errs
}
