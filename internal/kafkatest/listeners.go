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
func (b *broker) listeners(o Options) properties {
	var listening, addresses []string
	add := func(name string, port int) {
		listening = append(listening, fmt.Sprintf("%s://%s:%d", name, o.listen(), port))
		addresses = append(addresses, fmt.Sprintf("%s://%s:%d", name, o.name(), port))
	}
	add("PLAINTEXT", b.ports.plain)
	add("SASL", b.ports.sasl)
	add("MTLS", b.ports.mtls)
	if o.Tap != nil {
		listening = append(listening, fmt.Sprintf("TAP://127.0.0.1:%d", b.ports.tapped))
		addresses = append(addresses, fmt.Sprintf("TAP://127.0.0.1:%d", b.ports.tap))
	}
	protocols := "TAP:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT"
	own := properties{}
	for _, l := range o.Listeners {
		add(strings.ToUpper(l.Name), b.ports.more[l.Name])
		protocols += "," + strings.ToUpper(l.Name) + ":" + l.Protocol
		for key, value := range l.Properties {
			own["listener.name."+l.Name+"."+key] = value
		}
	}
	maps.Copy(own, properties{
		"listeners":                      fmt.Sprintf("%s,CONTROLLER://127.0.0.1:%d", strings.Join(listening, ","), b.ports.controller),
		"advertised.listeners":           strings.Join(addresses, ","),
		"inter.broker.listener.name":     "PLAINTEXT",
		"listener.security.protocol.map": protocols,
	})
	return own
}
