package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// connect makes the connection to the jump host. Key and known_hosts are read anew.
func (j *jump) connect(ctx context.Context, target string) (*ssh.Client, error) {
	signer, err := j.signer(ctx)
	if err != nil {
		return nil, j.failed(target, "the key for the jump host could not be read",
			"give a private key in PEM (ssh-keygen writes it) and its passphrase, if it has one, in keyPassphrase", err)
	}
	known, err := knownhosts.New(j.cfg.KnownHosts)
	if err != nil {
		return nil, j.failed(target, "known_hosts could not be read", "give the path of a file in OpenSSH's known_hosts format", err)
	}
	conn, err := j.base.dial(ctx, j.address)
	if err != nil {
		return nil, j.failed(target, "the jump host could not be reached", "check jump.host, the network to it, and whether sshd runs there", err)
	}
	client, err := j.handshake(ctx, conn, signer, known)
	if err != nil {
		_ = conn.Close()
		return nil, j.explained(target, err)
	}
	return client, nil
}

func (j *jump) signer(ctx context.Context) (ssh.Signer, error) {
	text, err := j.secrets.Plain(ctx, j.cfg.Key)
	if err != nil {
		return nil, err
	}
	var passphrase string
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		fields, err := j.secrets.Fields(ctx, j.cfg.Key)
		if err != nil {
			return nil, err
		}
		text, passphrase = fields["privateKey"], fields["privateKeyPassword"]
	}
	if j.cfg.KeyPassphrase != "" {
		if passphrase, err = j.secrets.Plain(ctx, j.cfg.KeyPassphrase); err != nil {
			return nil, err
		}
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	var signer ssh.Signer
	if passphrase == "" {
		signer, err = ssh.ParsePrivateKey([]byte(text))
	} else {
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(text), []byte(passphrase))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.cfg.Key, err)
	}
	return signer, nil
}

// keyRefused is a login that failed after the host had shown who it is.
type keyRefused struct{ error }

func (k *keyRefused) Unwrap() error { return k.error }

func (j *jump) handshake(ctx context.Context, conn net.Conn, signer ssh.Signer, known ssh.HostKeyCallback) (*ssh.Client, error) {
	verified := false
	release := bind(ctx, conn)
	c, channels, requests, err := ssh.NewClientConn(conn, j.address, &ssh.ClientConfig{
		User: j.cfg.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyAlgorithms: algorithms(known, j.address, conn.RemoteAddr()),
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			err := known(host, remote, key)
			verified = err == nil
			return err
		},
	})
	if late := release(); late != nil && err == nil {
		_ = c.Close()
		return nil, late
	}
	switch {
	case err == nil:
		return ssh.NewClient(c, channels, requests), nil
	case verified && ctx.Err() == nil:
		return nil, &keyRefused{err}
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, err
}

func (j *jump) explained(target string, err error) error {
	var key *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	var refused *keyRefused
	switch {
	case errors.As(err, &revoked):
		return j.failed(target, "the jump host showed a revoked key", "do not trust it; ask who runs the host", err)
	case errors.As(err, &key) && len(key.Want) > 0:
		return j.failed(target, "the jump host showed another key than known_hosts has",
			"find out whether it was set up anew or somebody is in between; put its new key into "+j.cfg.KnownHosts, err)
	case errors.As(err, &key):
		return j.failed(target, "the jump host's key is not in known_hosts",
			"compare the key with its owner and put it into "+j.cfg.KnownHosts+" (ssh-keyscan prints the line)", err)
	case errors.As(err, &refused):
		j.secrets.Forget(j.cfg.Key)
		return j.failed(target, "the jump host did not accept user and key",
			"put the public key into authorized_keys of "+j.cfg.User+" there; a rotated key is read again at the next attempt", err)
	}
	return j.failed(target, "the SSH connection could not be made", "check that sshd listens at that port and what its log says", err)
}

// algorithms are those of the keys that known_hosts has of a host. Without them the host
// might show one of its other keys, which then looks like a foreign one.
func algorithms(known ssh.HostKeyCallback, host string, remote net.Addr) []string {
	var key *knownhosts.KeyError
	if !errors.As(known(host, remote, noKey{}), &key) {
		return nil
	}
	var names []string
	for _, want := range key.Want {
		switch name := want.Key.Type(); name {
		case ssh.KeyAlgoRSA:
			names = append(names, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			names = append(names, name)
		}
	}
	return names
}

// noKey is a key that no host has: asked about it, known_hosts names those it knows.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
