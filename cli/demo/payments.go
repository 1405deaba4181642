package demo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/events"
)

// payment is what the payment service writes. Amount is not always a number: that is
// the poison record of the story.
type payment struct {
	ID       string `json:"id"`
	Order    string `json:"order"`
	Amount   any    `json:"amount"`
	Currency string `json:"currency"`
}

// Every bankFailsEvery-th call to the bank ends without an answer, beginning with the
// third of each process.
const (
	bankFailsEvery = 9
	bankFailsAt    = 3
)

// authorise is function 2.1. Its bank fails now and then, before anything was done: the
// whole batch fails, and gantry tries it again, in order.
func authorise(j *journal) any {
	var calls atomic.Int64
	return func(ctx context.Context, e events.KafkaEvent) error {
		if calls.Add(1)%bankFailsEvery == bankFailsAt {
			return errors.New("the bank did not answer in time")
		}
		var done []events.KafkaRecord
		for _, records := range e.Records {
			done = append(done, records...)
		}
		if err := work(ctx, len(done)); err != nil {
			return err
		}
		return j.done(done)
	}
}

// failures is AWS's partial batch response for Kafka.
type failures struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier identifier `json:"itemIdentifier"`
}

type identifier struct {
	Partition string `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Every lockedEvery-th payment finds its account locked the first time.
const lockedEvery = 149

// settle is function 2.2. It does what it can of a batch and names the rest: those
// records alone come again, and the poison ones end as dead letters.
func settle(j *journal) any {
	var seen atomic.Int64
	return func(ctx context.Context, e events.KafkaEvent) (failures, error) {
		out := failures{BatchItemFailures: []failure{}}
		var done []events.KafkaRecord
		for partition, records := range e.Records {
			for _, r := range records {
				if err := settleOne(r, seen.Add(1)); err != nil {
					fmt.Println(err)
					out.BatchItemFailures = append(out.BatchItemFailures, failure{identifier{partition, r.Offset}})
					continue
				}
				done = append(done, r)
			}
		}
		if err := work(ctx, len(done)); err != nil {
			return out, err
		}
		return out, j.done(done)
	}
}

func settleOne(r events.KafkaRecord, n int64) error {
	var p payment
	if err := decode(r, &p); err != nil {
		return err
	}
	if _, ok := p.Amount.(float64); !ok {
		return fmt.Errorf("payment %s: amount %v is no number", p.ID, p.Amount)
	}
	if n%lockedEvery == 0 {
		return fmt.Errorf("payment %s: the account is locked, try again", p.ID)
	}
	return nil
}
