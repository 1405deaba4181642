package engine

import (
	"context"
	"fmt"
	"strings"

	"gantry/cloud/places"
	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/deliver"
)

// destination makes the way for dead letters: a topic of the same cluster, or a place in
// AWS. The letters of each function name it.
func (r *running) destination(s *settings) error {
	to, err := mapping.ParseDestination(r.mapping.OnFailure)
	if err != nil || to.Kind == "" {
		return err
	}
	if to.Kind == mapping.ToTopic {
		if err := r.openProducer(); err != nil {
			return fmt.Errorf("open the destination %s: %w", r.mapping.OnFailure, err)
		}
	}
	for i := range s.pipe.Consumers {
		c := &s.pipe.Consumers[i]
		origin := deliver.Origin{
			MappingUUID: r.mapping.UUID, FunctionARN: r.e.cfg.ARN(c.Name),
			SourceARN: r.mapping.Source.ARN, Bootstrap: strings.Join(r.mapping.Source.Bootstrap, ","),
		}
		if to.Kind != mapping.ToTopic {
			c.Deliver = r.e.inAWS(to, origin, s)
			continue
		}
		origin.FunctionARN += ":" + function.LatestVersion
		c.Deliver = &deliver.Topic{Name: to.Name, Encoder: s.enc, Producer: produce{r.producer}, Origin: origin}
	}
	return nil
}

func (e *Engine) inAWS(to mapping.Destination, origin deliver.Origin, s *settings) *deliver.AWS {
	d := &deliver.AWS{Name: to.ARN, Origin: origin, Encoder: s.enc, Shown: e.cfg.Shown}
	client := places.Client{Config: e.cfg.AWS}
	switch to.Kind {
	case mapping.ToQueue:
		d.Sender = places.Queue{Client: client, Name: to.Name, Region: to.Region, Account: to.Account, Partition: to.Partition}
	case mapping.ToSNS:
		d.Sender = published{places.Notification{Client: client, ARN: to.ARN, Region: to.Region, Partition: to.Partition}}
	default:
		d.Putter = places.Bucket{Client: client, Name: to.Name, Partition: to.Partition}
	}
	return d
}

// published lets deliver send with SNS's word for it.
type published struct{ places.Notification }

// Send implements deliver.Sender.
func (p published) Send(ctx context.Context, body string, with map[string]string) error {
	return p.Publish(ctx, body, with)
}
