package kafkatest

import "gantry/internal/freeport"

// ports are where one broker listens; they stay the same when it is started again.
type ports struct {
	plain, sasl, mtls, controller int
	more                          map[string]int // of Options.Listeners
	tap, tapped                   int            // where Options.Tap listens, and the broker behind it

	claims []freeport.Claim
}

// pickPorts claims them until release.
func pickPorts(more []Listener) (ports, error) {
	p := ports{more: map[string]int{}}
	take := func() (port int, err error) {
		c, err := freeport.Take()
		if err == nil {
			p.claims = append(p.claims, c)
		}
		return c.Port, err
	}
	for _, port := range []*int{&p.plain, &p.sasl, &p.mtls, &p.controller, &p.tap, &p.tapped} {
		var err error
		if *port, err = take(); err != nil {
			p.release()
			return ports{}, err
		}
	}
	for _, l := range more {
		port, err := take()
		if err != nil {
			p.release()
			return ports{}, err
		}
		p.more[l.Name] = port
	}
	return p, nil
}

func (p ports) release() {
	for _, c := range p.claims {
		c.Release()
	}
}
