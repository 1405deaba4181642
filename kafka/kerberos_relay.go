package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/config"
)

// relay leads the Kerberos library, which opens its own connections, through a Dialer:
// it listens on loopback, one port for each KDC of the configuration, and passes on what
// comes. KDCs that the configuration leaves to DNS are not looked up: the library would
// reach them directly, past every allow list.
type relay struct {
	dial      Dialer
	ctx       context.Context // ends with close
	end       context.CancelFunc
	listeners []net.Listener
	work      sync.WaitGroup

	mu     sync.Mutex
	failed map[string]error // KDC → why it was not reached the last time
}

func newRelay(dial Dialer) *relay {
	ctx, end := context.WithCancel(context.Background())
	return &relay{dial: dial, ctx: ctx, end: end, failed: map[string]error{}}
}

// stand puts the relay between the configuration and its KDCs, over TCP alone.
func (r *relay) stand(conf *config.Config) error {
	conf.LibDefaults.UDPPreferenceLimit = 1 // the library's way to say TCP
	conf.LibDefaults.DNSLookupKDC = false
	var errs []error
	for i := range conf.Realms {
		for j, kdc := range conf.Realms[i].KDC {
			address, err := r.lead(withKDCPort(kdc))
			errs = append(errs, err)
			conf.Realms[i].KDC[j] = address
		}
	}
	if err := errors.Join(errs...); err != nil {
		r.close()
		return err
	}
	return nil
}

func withKDCPort(kdc string) string {
	if _, _, err := net.SplitHostPort(kdc); err == nil {
		return kdc
	}
	return net.JoinHostPort(strings.Trim(kdc, "[]"), "88")
}

// lead listens for connections to one KDC.
func (r *relay) lead(kdc string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	r.listeners = append(r.listeners, l)
	r.work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			r.work.Go(func() { r.pass(conn, kdc) })
		}
	})
	return l.Addr().String(), nil
}

// pass copies both ways until one side has ended or the relay is closed.
func (r *relay) pass(near net.Conn, kdc string) {
	defer func() { _ = near.Close() }()
	ctx, cancel := context.WithTimeout(r.ctx, connectTimeout)
	defer cancel()
	far, err := r.dial(ctx, "tcp", kdc)
	r.note(kdc, err)
	if err != nil {
		return // the library sees a connection that ends, and says that no KDC answered
	}
	defer func() { _ = far.Close() }()
	stop := context.AfterFunc(r.ctx, func() { _, _ = near.Close(), far.Close() })
	defer stop()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(near, far) // an end is an end
		_ = near.Close()
	}()
	_, _ = io.Copy(far, near)
	_ = far.Close()
	<-back
}

func (r *relay) note(kdc string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed[kdc] = err; err == nil {
		delete(r.failed, kdc)
	}
}

// explain adds what the way did not carry to an error of the library, which has seen
// nothing but connections that end.
func (r *relay) explain(failed *KerberosError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kdc := range slices.Sorted(maps.Keys(r.failed)) {
		failed.Err = fmt.Errorf("%w (%w)", failed.Err, r.failed[kdc])
	}
	if failed.Kind == KDCUnreachable && len(r.listeners) == 0 {
		failed.Err = fmt.Errorf("%w (where a network is named, krb5.conf has to name the KDCs: those of DNS would be reached past it)", failed.Err)
	}
}

// close ends everything and waits for it. Twice is harmless.
func (r *relay) close() {
	r.end()
	for _, l := range r.listeners {
		_ = l.Close()
	}
	r.work.Wait()
}
