// Package embedded is the built-in development broker: an in-memory Kafka on loopback
// ports that the kernel chooses. What is in it is gone when it stops. It is for trying
// things and for the demo, never for data that matters.
package embedded

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config shapes a broker. Topics that are not seeded are made when they are first asked for.
type Config struct {
	Topics     []string
	Partitions int // of each topic; 0 = 4
}

// Broker is one running broker.
type Broker struct{ cluster *kfake.Cluster }

const defaultPartitions = 4

// Start starts a broker.
func Start(cfg Config) (*Broker, error) {
	if cfg.Partitions == 0 {
		cfg.Partitions = defaultPartitions
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(cfg.Partitions),
	}
	if len(cfg.Topics) > 0 {
		opts = append(opts, kfake.SeedTopics(int32(cfg.Partitions), cfg.Topics...))
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start the built-in broker: %w", err)
	}
	return &Broker{c}, nil
}

// Brokers gives host:port of the broker.
func (b *Broker) Brokers() []string { return b.cluster.ListenAddrs() }

// Close stops the broker.
func (b *Broker) Close() { b.cluster.Close() }
