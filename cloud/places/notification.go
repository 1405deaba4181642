package places

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Notification is an SNS topic.
type Notification struct {
	Client    Client
	ARN       string
	Region    string
	Partition string
}

// Publish sends a message to whoever has subscribed. SNS takes 256 KiB with all attributes.
func (n Notification) Publish(ctx context.Context, message string, with map[string]string) error {
	form := url.Values{"Action": {"Publish"}, "TopicArn": {n.ARN}, "Message": {message}}
	attributes := attributes(with)
	for i, name := range slices.Sorted(maps.Keys(attributes)) {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		form.Set(entry+"Name", name)
		form.Set(entry+"Value.DataType", attributes[name].DataType)
		form.Set(entry+"Value.StringValue", attributes[name].StringValue)
	}
	return n.call(ctx, form)
}

// Look asks for the topic's attributes; it proves that the topic can be reached.
func (n Notification) Look(ctx context.Context) error {
	return n.call(ctx, url.Values{"Action": {"GetTopicAttributes"}, "TopicArn": {n.ARN}})
}

// call is one action of the AWS query protocol. Nothing of the answers is needed.
func (n Notification) call(ctx context.Context, form url.Values) error {
	form.Set("Version", "2010-03-31")
	_, _, err := n.Client.send(ctx, request{
		service: "sns", id: "SNS", operation: "sns:" + form.Get("Action"), region: n.Region, partition: n.Partition, method: http.MethodPost, path: "/",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: []byte(form.Encode()),
	})
	return err
}
