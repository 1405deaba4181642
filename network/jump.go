package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A jump host that does not answer for two intervals is taken for gone: what goes
// through fails at once then, and is dialled anew.
const aliveEvery = 15 * time.Second

// jump reaches targets from an SSH server (direct-tcpip channels, RFC 4254 section 7.2).
// One connection carries everything; it is made when first needed and made again when
// it is lost. Names are resolved by the jump host.
type jump struct {
	cfg     Jump
	address string
	base    direct
	secrets Secrets
	log     *slog.Logger

	turn   chan struct{} // holds one token; whoever has it may look at client or connect
	client *ssh.Client   // nil = not connected
}

func newJump(cfg Jump, base direct, o Options) *jump {
	j := &jump{cfg: cfg, address: cfg.Host, base: base, secrets: o.Secrets, log: o.Log, turn: make(chan struct{}, 1)}
	if !hasPort(cfg.Host) {
		j.address = net.JoinHostPort(strings.Trim(cfg.Host, "[]"), "22")
	}
	return j
}

// dial opens a channel, on a new connection where the one there was turns out to be dead.
func (j *jump) dial(ctx context.Context, address string) (net.Conn, error) {
	for attempt := 1; ; attempt++ {
		client, fresh, err := j.connected(ctx, address)
		if err != nil {
			return nil, err
		}
		conn, err := client.DialContext(ctx, "tcp", address)
		if err == nil {
			return newChannel(conn), nil
		}
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			return nil, j.refused(address, refused)
		}
		if ctx.Err() != nil {
			return nil, j.failed(address, "the jump host did not make the connection in time",
				"check that the jump host can reach the target", context.Cause(ctx))
		}
		j.drop(client)
		if fresh || attempt > 1 {
			return nil, j.failed(address, "the connection to the jump host broke", "look into the jump host's log", err)
		}
	}
}

func (j *jump) refused(address string, err *ssh.OpenChannelError) error {
	if err.Reason == ssh.Prohibited {
		return j.failed(address, "the jump host does not allow this target",
			"allow it there: AllowTcpForwarding yes and PermitOpen in sshd_config, and no restrict or permitopen with the key", err)
	}
	return j.failed(address, "the jump host could not reach the target",
		"check from the jump host that the name resolves and that something listens at that port", err)
}

func (j *jump) failed(address, cause, try string, err error) *Error {
	return &Error{Target: address, Cause: cause, Try: try, Err: fmt.Errorf("through the jump host %s@%s: %w", j.cfg.User, j.address, err)}
}

// connected gives the connection there is, or makes one.
func (j *jump) connected(ctx context.Context, target string) (client *ssh.Client, fresh bool, err error) {
	select {
	case j.turn <- struct{}{}:
		defer func() { <-j.turn }()
	case <-ctx.Done():
		return nil, false, j.failed(target, "the jump host did not answer in time", "check the network to it", context.Cause(ctx))
	}
	if j.client != nil {
		return j.client, false, nil
	}
	client, err = j.connect(ctx, target)
	if err != nil {
		return nil, false, err
	}
	j.client = client
	go j.watch(client)
	return client, true, nil
}

func (j *jump) drop(client *ssh.Client) {
	_ = client.Close()
	j.turn <- struct{}{}
	if j.client == client {
		j.client = nil
	}
	<-j.turn
}

func (j *jump) close() {
	j.turn <- struct{}{}
	client := j.client
	<-j.turn
	if client != nil {
		j.drop(client)
	}
}

// watch asks for a sign of life and ends the connection when none comes. It ends with
// the connection.
func (j *jump) watch(client *ssh.Client) {
	gone := make(chan struct{})
	go func() { _ = client.Wait(); close(gone) }()
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	answers := make(chan error, 1)
	waiting := false
	for {
		select {
		case <-gone:
			j.drop(client)
			return
		case err := <-answers:
			if waiting = false; err != nil {
				_ = client.Close()
			}
		case <-tick.C:
			if waiting {
				j.log.Warn("the jump host gives no sign of life, its connection is ended", "host", j.address)
				_ = client.Close()
				continue
			}
			waiting = true
			go func() {
				_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
				answers <- err
			}()
		}
	}
}
