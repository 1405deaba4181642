package admin

import (
	"context"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

// records are records to be written. Value is base64, ValueText the same as text.
type records struct {
	Cluster string   `json:"cluster"`
	Brokers []string `json:"brokers"`
	Records []struct {
		Key       []byte  `json:"key"`
		KeyText   *string `json:"keyText"`
		Value     []byte  `json:"value"`
		ValueText *string `json:"valueText"`
		Headers   []struct {
			Key   string `json:"key"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"records"`
}

type positions struct {
	Positions []record.Position `json:"positions"`
}

func (s *Server) produce(ctx context.Context, c call[records]) (positions, error) {
	if len(c.In.Records) == 0 {
		return positions{}, badInput("records: there is none")
	}
	cluster, err := s.cfg.Kafka.Resolve(ctx, mapping.Source{Cluster: c.In.Cluster, Bootstrap: c.In.Brokers})
	if err != nil {
		return positions{}, badInput(err.Error())
	}
	producer, err := kafka.NewProducer(cluster)
	if err != nil {
		return positions{}, err
	}
	defer producer.Close()
	at, err := producer.Produce(ctx, c.path("topic"), messages(c.In)...)
	return positions{at}, err
}

func messages(in records) []kafka.Message {
	var out []kafka.Message
	for _, r := range in.Records {
		m := kafka.Message{Key: r.Key, Value: r.Value}
		if r.KeyText != nil {
			m.Key = []byte(*r.KeyText)
		}
		if r.ValueText != nil {
			m.Value = []byte(*r.ValueText)
		}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, record.Header{Key: h.Key, Value: []byte(h.Value)})
		}
		out = append(out, m)
	}
	return out
}
