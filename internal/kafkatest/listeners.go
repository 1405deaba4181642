package kafkatest

import (
	"fmt"
	"maps"
	"strings"
)

// Listener is one more door of each broker, beside the three every cluster has.
type Listener struct {
	Name       string            // letters, in lower case
	Protocol   string            // SASL_SSL, SSL, SASL_PLAINTEXT, PLAINTEXT
	Properties map[string]string // of this listener alone, without the prefix listener.name.NAME.
}

// ListenerBrokers gives the addresses of a listener that Options.Listeners asked for.
func (c *Cluster) ListenerBrokers(name string) []string {
	return c.addresses(func(p ports) int { return p.more[name] })
}

// listeners gives the doors of a broker. Only PLAIN needs its users in the file.
func (b *broker) listeners(more []Listener) properties {
	var addresses []string
	add := func(name string, port int) {
		addresses = append(addresses, fmt.Sprintf("%s://127.0.0.1:%d", name, port))
	}
	add("PLAINTEXT", b.ports.plain)
	add("SASL", b.ports.sasl)
	add("MTLS", b.ports.mtls)
	protocols := "PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT"
	own := properties{}
	for _, l := range more {
		add(strings.ToUpper(l.Name), b.ports.more[l.Name])
		protocols += "," + strings.ToUpper(l.Name) + ":" + l.Protocol
		for key, value := range l.Properties {
			own["listener.name."+l.Name+"."+key] = value
		}
	}
	public := strings.Join(addresses, ",")
	maps.Copy(own, properties{
		"listeners":                      fmt.Sprintf("%s,CONTROLLER://127.0.0.1:%d", public, b.ports.controller),
		"advertised.listeners":           public,
		"inter.broker.listener.name":     "PLAINTEXT",
		"listener.security.protocol.map": protocols,
	})
	return own
}
