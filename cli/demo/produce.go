package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"gantry/kafka"
)

// producing is both services at their old work: writing orders and payments.
type producing struct {
	to     *kafka.Producer
	ledger *ledger
	rate   int // records a second, both topics together
	orders int
	paid   int
	debt   float64
}

// produceEvery is how often the services write what has come up meanwhile.
const produceEvery = 40 * time.Millisecond

// run writes until ctx ends. A write under way is waited for, so the ledger is whole.
func (p *producing) run(ctx context.Context) error {
	tick := time.NewTicker(produceEvery)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			p.debt += min(now.Sub(last).Seconds(), 1) * float64(p.rate)
			last = now
			if err := p.write(context.WithoutCancel(ctx)); err != nil {
				return err
			}
		}
	}
}

// write writes what is due: two orders for each payment.
func (p *producing) write(ctx context.Context) error {
	n := int(p.debt)
	p.debt -= float64(n)
	var orders, payments draft
	for range n {
		if p.orders < 2*(p.paid+1) {
			p.orders++
			orders.add(newOrder(p.orders))
		} else {
			p.paid++
			key, value := newPayment(p.paid)
			payments.add(key, value, fact{})
		}
	}
	if err := p.send(ctx, ordersTopic, orders); err != nil {
		return err
	}
	return p.send(ctx, paymentsTopic, payments)
}

// draft is what is about to be written, with the facts of it.
type draft struct {
	messages []kafka.Message
	facts    []fact
}

func (d *draft) add(key string, value any, f fact) {
	text, _ := json.Marshal(value) // plain values
	d.messages = append(d.messages, kafka.Message{Key: []byte(key), Value: text})
	d.facts = append(d.facts, f)
}

func (p *producing) send(ctx context.Context, topic string, d draft) error {
	if len(d.messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	at, err := p.to.Produce(ctx, topic, d.messages...)
	for i := range at {
		if at[i].Offset >= 0 {
			p.ledger.note(at[i], d.facts[i])
		}
	}
	if err != nil {
		return fmt.Errorf("write to %s: %w", topic, err)
	}
	return nil
}

// newOrder makes the n-th order. Every fifth customer is gold; about half of all orders
// are worth more than 100.
func newOrder(n int) (key string, value any, f fact) {
	number := rand.IntN(500)
	c := customer{ID: fmt.Sprintf("c-%03d", number), Tier: "standard"}
	if number%5 == 0 {
		c.Tier = "gold"
	}
	o := order{ID: fmt.Sprintf("o-%06d", n), Customer: c, Currency: "EUR"}
	for range 1 + rand.IntN(3) {
		i := item{Article: fmt.Sprintf("a-%02d", rand.IntN(80)), Count: 1 + rand.IntN(3), Price: float64(1 + rand.IntN(60))}
		o.Items = append(o.Items, i)
		o.Total += float64(i.Count) * i.Price
	}
	return c.ID, o, fact{total: o.Total, gold: c.Tier == "gold"}
}

// One payment in poisonEvery is poison, beginning with the twentieth.
const (
	poisonEvery = 250
	poisonAt    = 20
)

func newPayment(n int) (key string, value any) {
	p := payment{
		ID: fmt.Sprintf("p-%06d", n), Order: fmt.Sprintf("o-%06d", 2*n), Currency: "EUR",
		Amount: float64(rand.IntN(30_000)) / 100,
	}
	if n%poisonEvery == poisonAt {
		p.Amount = "n/a"
	}
	return p.Order, p
}
