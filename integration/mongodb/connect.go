package mongodb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// connect gives the client, made when it is first needed.
func (c *collections) connect(ctx context.Context) (*mongo.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	// A repeated write is DocumentDB's not to know: the batch comes again instead.
	o := options.Client().ApplyURI(c.settings["uri"]).SetAppName("gantry").SetDialer(dialer(c.deps.Dial)).SetRetryWrites(false).
		SetWriteConcern(writeconcern.Majority()).SetMaxPoolSize(uint64(c.settings.Int("connections"))). //nolint:gosec // it is positive
		SetConnectTimeout(10 * time.Second).SetServerSelectionTimeout(10 * time.Second).SetTimeout(c.settings.Duration("timeout"))
	if err := c.secure(ctx, o); err != nil {
		return nil, err
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("read the uri: %w", err)
	}
	c.client = client
	return client, nil
}

func (c *collections) secure(ctx context.Context, o *options.ClientOptions) error {
	if (c.settings["login"] != "" || c.settings["ca"] != "") && c.deps.Secret == nil {
		return errors.New("there is nothing here that resolves references to secrets")
	}
	if ref := c.settings["login"]; ref != "" {
		text, err := c.deps.Secret(ctx, ref)
		if err != nil {
			return err
		}
		var l struct{ Username, Password string }
		if json.Unmarshal([]byte(text), &l) != nil || l.Username == "" {
			return fmt.Errorf(`the secret %s holds no login; want {"username": …, "password": …}`, ref)
		}
		o.SetAuth(options.Credential{AuthSource: c.settings["authSource"], Username: l.Username, Password: l.Password})
	}
	if ref := c.settings["ca"]; ref != "" {
		pem, err := c.deps.Secret(ctx, ref)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(pem)) {
			return fmt.Errorf("%s holds no PEM certificate", ref)
		}
		o.SetTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	}
	return nil
}

// drop forgets the client and its login, which the server refused.
func (c *collections) drop(client *mongo.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != client {
		return
	}
	c.client = nil
	if ref := c.settings["login"]; ref != "" {
		c.deps.Forget(ref)
	}
	go func() { _ = disconnect(client) }() // others may still be at work with it
}

func disconnect(client *mongo.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return client.Disconnect(ctx)
}

// Close implements sink.Sink.
func (c *collections) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		return nil
	}
	return disconnect(c.client)
}
