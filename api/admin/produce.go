package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

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
	Positions []position `json:"positions"`
}

type position struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// produceTimeout bounds how long brokers that do not answer hold the caller.
const produceTimeout = 30 * time.Second

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
		return positions{}, badInput(err.Error())
	}
	defer producer.Close()
	writing, cancel := context.WithTimeout(ctx, produceTimeout)
	defer cancel()
	written, err := producer.Produce(writing, c.path("topic"), messages(c.In)...)
	if err != nil {
		return positions{}, notWritten(written, err)
	}
	var out positions
	for _, at := range written {
		out.Positions = append(out.Positions, position{at.Topic, at.Partition, at.Offset})
	}
	return out, nil
}

// notWritten says why records were not written, and how many were.
func notWritten(written []record.Position, err error) error {
	done := 0
	for _, at := range written {
		if at.Offset >= 0 {
			done++
		}
	}
	text := fmt.Sprintf("%d of %d records were written: %v", done, len(written), err)
	switch {
	case errors.Is(err, kafka.ErrUnknownTopic):
		return &apiError{http.StatusNotFound, "ResourceNotFoundException", text}
	case errors.Is(err, kafka.ErrTooLarge):
		return badInput(text)
	}
	if d := kafka.Diagnose(err); d.Try != "" {
		text += ". Try: " + d.Try
	}
	return &apiError{http.StatusBadGateway, "ClusterException", text}
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
