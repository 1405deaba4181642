package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// order is what the order service writes.
type order struct {
	ID       string   `json:"id"`
	Customer customer `json:"customer"`
	Items    []item   `json:"items"`
	Total    float64  `json:"total"`
	Currency string   `json:"currency"`
}

type customer struct {
	ID   string `json:"id"`
	Tier string `json:"tier"`
}

type item struct {
	Article string  `json:"article"`
	Count   int     `json:"count"`
	Price   float64 `json:"price"`
}

// database is the time a service's database takes for a batch.
const database = 3 * time.Millisecond

// perRecord is the work of a function on one record.
const perRecord = 50 * time.Microsecond

// validate is function 1.1: the total of an order is the sum of its items.
func validate(j *journal) any {
	return func(ctx context.Context, e events.KafkaEvent) error {
		return eachOrder(ctx, e, j, func(o order) error {
			sum := 0.0
			for _, i := range o.Items {
				sum += float64(i.Count) * i.Price
			}
			if math.Abs(sum-o.Total) > 0.005 {
				return fmt.Errorf("order %s: its items are worth %.2f, its total says %.2f", o.ID, sum, o.Total)
			}
			return nil
		})
	}
}

// price is function 1.2: a discount on what is worth one.
func price(j *journal) any {
	return func(ctx context.Context, e events.KafkaEvent) error {
		return eachOrder(ctx, e, j, func(o order) error {
			if discount := o.Total * 0.05; discount <= 5 {
				return fmt.Errorf("order %s: a discount of %.2f should have been filtered out", o.ID, discount)
			}
			return nil
		})
	}
}

// notify is function 1.3: gold customers hear of their order at once.
func notify(j *journal) any {
	return func(ctx context.Context, e events.KafkaEvent) error {
		return eachOrder(ctx, e, j, func(o order) error {
			if o.Customer.Tier != "gold" {
				return fmt.Errorf("order %s: customer %s is no gold customer", o.ID, o.Customer.ID)
			}
			return nil
		})
	}
}

// eachOrder works through a batch, then notes it as done.
func eachOrder(ctx context.Context, e events.KafkaEvent, j *journal, do func(order) error) error {
	var done []events.KafkaRecord
	for _, records := range e.Records {
		for _, r := range records {
			var o order
			if err := decode(r, &o); err != nil {
				return err
			}
			if err := do(o); err != nil {
				return err
			}
			done = append(done, r)
		}
	}
	if err := work(ctx, len(done)); err != nil {
		return err
	}
	return j.done(done)
}

// decode reads the value of a record.
func decode(r events.KafkaRecord, into any) error {
	value, err := base64.StdEncoding.DecodeString(r.Value)
	if err != nil {
		return fmt.Errorf("%s-%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("%s-%d@%d: not an order or payment: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return nil
}

// work takes as long as the real thing would.
func work(ctx context.Context, records int) error {
	select {
	case <-time.After(database + time.Duration(records)*perRecord):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
