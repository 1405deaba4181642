package places

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Queue is an SQS queue.
type Queue struct {
	Client    Client
	Name      string
	Region    string
	Account   string
	Partition string
}

// Message is a message of a queue. Attributes are its string attributes.
type Message struct {
	ID         string
	Receipt    string // of this delivery: deletes it or gives it back
	Body       string
	Attributes map[string]string
	Sent       time.Time
}

type attribute struct {
	DataType    string `json:"DataType"`
	StringValue string `json:"StringValue"`
}

// attributes are string attributes as the JSON protocol takes them. SQS and SNS refuse
// empty values and characters that XML does not have.
func attributes(from map[string]string) map[string]attribute {
	out := map[string]attribute{}
	for name, value := range from {
		if value = writable(value); value != "" {
			out[name] = attribute{"String", value}
		}
	}
	return out
}

// writable puts a question mark in the place of what an attribute can't hold.
func writable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && !strings.ContainsRune("\t\n\r", r) || r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, s)
}

// Send puts a message into the queue.
func (q Queue) Send(ctx context.Context, body string, with map[string]string) error {
	_, err := q.call(ctx, "SendMessage", map[string]any{"MessageBody": body, "MessageAttributes": attributes(with)})
	return err
}

// mostMessages is what one call of SQS takes or gives.
const mostMessages = 10

// Receive takes up to ten messages and hides them from others for the time given. There
// may be more although none came.
func (q Queue) Receive(ctx context.Context, hidden, wait time.Duration) ([]Message, error) {
	answer, err := q.call(ctx, "ReceiveMessage", map[string]any{
		"MaxNumberOfMessages": mostMessages, "VisibilityTimeout": int(hidden.Seconds()), "WaitTimeSeconds": int(wait.Seconds()),
		"MessageAttributeNames": []string{"All"}, "AttributeNames": []string{"SentTimestamp"},
	})
	if err != nil {
		return nil, err
	}
	var got struct {
		Messages []struct {
			MessageID  string               `json:"MessageId"`
			Receipt    string               `json:"ReceiptHandle"`
			Body       string               `json:"Body"`
			Attributes map[string]string    `json:"Attributes"`
			With       map[string]attribute `json:"MessageAttributes"`
		} `json:"Messages"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("sqs:ReceiveMessage: read the answer: %w", err)
	}
	var out []Message
	for _, m := range got.Messages {
		one := Message{ID: m.MessageID, Receipt: m.Receipt, Body: m.Body, Attributes: map[string]string{}}
		for name, value := range m.With {
			one.Attributes[name] = value.StringValue
		}
		var ms int64
		if _, err := fmt.Sscan(m.Attributes["SentTimestamp"], &ms); err == nil {
			one.Sent = time.UnixMilli(ms).UTC()
		}
		out = append(out, one)
	}
	return out, nil
}

// Delete removes messages by the receipts of their last delivery.
func (q Queue) Delete(ctx context.Context, receipts ...string) error {
	return q.batch(ctx, "DeleteMessageBatch", receipts, nil)
}

// Return shows messages to others again.
func (q Queue) Return(ctx context.Context, receipts ...string) error {
	return q.batch(ctx, "ChangeMessageVisibilityBatch", receipts, map[string]any{"VisibilityTimeout": 0})
}

func (q Queue) batch(ctx context.Context, action string, receipts []string, more map[string]any) error {
	for some := range slices.Chunk(receipts, mostMessages) {
		var entries []map[string]any
		for i, receipt := range some {
			entry := map[string]any{"Id": fmt.Sprint(i), "ReceiptHandle": receipt}
			maps.Copy(entry, more)
			entries = append(entries, entry)
		}
		answer, err := q.call(ctx, action, map[string]any{"Entries": entries})
		if err != nil {
			return err
		}
		var got struct {
			Failed []struct{ Code, Message string } `json:"Failed"`
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			return fmt.Errorf("sqs:%s: read the answer: %w", action, err)
		}
		if len(got.Failed) > 0 {
			return fmt.Errorf("sqs:%s: %d of %d messages: %s %s", action, len(got.Failed), len(some), got.Failed[0].Code, got.Failed[0].Message)
		}
	}
	return nil
}

// Count is about how many messages wait in the queue; it proves that it can be reached.
func (q Queue) Count(ctx context.Context) (int64, error) {
	answer, err := q.call(ctx, "GetQueueAttributes", map[string]any{"AttributeNames": []string{"ApproximateNumberOfMessages"}})
	if err != nil {
		return 0, err
	}
	var got struct {
		Attributes map[string]string `json:"Attributes"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return 0, fmt.Errorf("sqs:GetQueueAttributes: read the answer: %w", err)
	}
	var n int64
	_, err = fmt.Sscan(got.Attributes["ApproximateNumberOfMessages"], &n)
	return n, err
}

// call is one action of the AWS JSON protocol. The queue's URL is what AWS makes it; a
// server of one's own reads account and name from it.
func (q Queue) call(ctx context.Context, action string, in map[string]any) ([]byte, error) {
	in["QueueUrl"] = "https://sqs." + q.Region + "." + suffix(q.Partition) + "/" + q.Account + "/" + q.Name
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	answer, _, err := q.Client.send(ctx, request{
		service: "sqs", id: "SQS", operation: "sqs:" + action, region: q.Region, partition: q.Partition, method: http.MethodPost, path: "/", body: body,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action},
	})
	return answer, err
}
