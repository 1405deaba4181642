package places

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bucket is an S3 bucket.
type Bucket struct {
	Client    Client
	Name      string
	Partition string
	Region    string // "" = the configuration's
}

// Object is an object as a listing shows it.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}

// MetaPrefix begins the names of metadata in headers.
const MetaPrefix = "X-Amz-Meta-"

// Put writes an object. Metadata travels as headers, so its values are escaped.
func (b Bucket) Put(ctx context.Context, key string, body []byte, meta map[string]string) error {
	header := map[string]string{"Content-Type": "application/json"}
	for name, value := range meta {
		if value != "" {
			header[MetaPrefix+name] = url.QueryEscape(value)
		}
	}
	return b.PutWith(ctx, key, body, header)
}

// PutWith writes an object with headers of S3's PutObject; empty ones are left out.
func (b Bucket) PutWith(ctx context.Context, key string, body []byte, header map[string]string) error {
	header = maps.Clone(header)
	maps.DeleteFunc(header, func(_, value string) bool { return value == "" })
	_, _, err := b.send(ctx, request{operation: "s3:PutObject", method: http.MethodPut, path: "/" + escaped(key), header: header, body: body})
	return err
}

// Get reads an object and its metadata.
func (b Bucket) Get(ctx context.Context, key string) ([]byte, map[string]string, error) {
	body, header, err := b.send(ctx, request{operation: "s3:GetObject", method: http.MethodGet, path: "/" + escaped(key)})
	if err != nil {
		return nil, nil, err
	}
	meta := map[string]string{}
	for name := range header {
		if short, ok := strings.CutPrefix(name, MetaPrefix); ok {
			if value, err := url.QueryUnescape(header.Get(name)); err == nil {
				meta[strings.ToLower(short)] = value
			}
		}
	}
	return body, meta, nil
}

// Tag sets the tags of an object, so that a lifecycle rule can find it.
func (b Bucket) Tag(ctx context.Context, key string, tags map[string]string) error {
	type tag struct{ Key, Value string }
	var set struct {
		XMLName xml.Name `xml:"Tagging"`
		Tags    []tag    `xml:"TagSet>Tag"`
	}
	for name, value := range tags {
		set.Tags = append(set.Tags, tag{name, value})
	}
	body, err := xml.Marshal(set)
	if err != nil {
		return err
	}
	_, _, err = b.send(ctx, request{
		operation: "s3:PutObjectTagging", method: http.MethodPut, path: "/" + escaped(key), query: url.Values{"tagging": {""}}, body: body,
	})
	return err
}

// List gives up to a thousand objects in order of key, behind one; more says that there
// are others.
func (b Bucket) List(ctx context.Context, prefix, after string) (objects []Object, more bool, err error) {
	query := url.Values{"list-type": {"2"}, "prefix": {prefix}}
	if after != "" {
		query.Set("start-after", after)
	}
	body, _, err := b.send(ctx, request{operation: "s3:ListBucket", method: http.MethodGet, path: "/", query: query})
	if err != nil {
		return nil, false, err
	}
	var got struct {
		Truncated bool `xml:"IsTruncated"`
		Contents  []struct {
			Key          string    `xml:"Key"`
			Size         int64     `xml:"Size"`
			LastModified time.Time `xml:"LastModified"`
		} `xml:"Contents"`
	}
	if err := xml.Unmarshal(body, &got); err != nil {
		return nil, false, fmt.Errorf("s3:ListBucket: read the answer: %w", err)
	}
	for _, o := range got.Contents {
		objects = append(objects, Object{o.Key, o.Size, o.LastModified})
	}
	return objects, got.Truncated, nil
}

// Look proves that the bucket can be reached.
func (b Bucket) Look(ctx context.Context) error {
	_, _, err := b.List(ctx, "gantry-looks/", "")
	return err
}

// send asks at the bucket's own host, or below its name where an endpoint is configured.
// A bucket of another region says where it is, and is asked there.
func (b Bucket) send(ctx context.Context, q request) ([]byte, http.Header, error) {
	q.service, q.id, q.partition, q.region = "s3", "S3", b.Partition, b.Region
	q.plainPath = "/" + b.Name + strings.TrimSuffix(q.path, "/")
	if strings.Contains(b.Name, ".") {
		q.path = q.plainPath // the certificate of *.s3.REGION does not hold for it
	} else {
		q.host = b.Name + "."
	}
	q.header = maps.Clone(q.header)
	body, header, err := b.Client.send(ctx, q)
	var e *Error
	if errors.As(err, &e) && e.region != "" && e.region != q.region && (e.Status == http.StatusMovedPermanently || e.Status == http.StatusTemporaryRedirect || e.Status == http.StatusBadRequest) {
		q.region = e.region
		return b.Client.send(ctx, q)
	}
	return body, header, err
}

// escaped is a key as it goes over the wire.
func escaped(key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(parts[i]), "+", "%20")
	}
	return strings.Join(parts, "/")
}
