package mongodb

import (
	"context"
	"errors"
	"fmt"
	"net"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gantry/sink"
	"gantry/sink/row"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext implements options.ContextDialer.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Write implements sink.Sink.
func (c *collections) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	client, err := c.connect(ctx)
	if err != nil {
		return sink.Result{}, &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	result := sink.Result{Unordered: true} // what failed is all of its document
	changes, names := c.gather(records, &result)
	for _, name := range names {
		if err := c.bulk(ctx, client, name, changes[name], &result); err != nil {
			var refused mongo.CommandError
			if errors.As(err, &refused) && (refused.Code == 18 || refused.Code == 13) || isLogin(err) {
				c.drop(client)
			}
			fail(&result, changes[name], faultOf(fmt.Errorf("write to %s: %w", name, err)))
		}
	}
	return result, nil
}

// gather gives what the records come to, by collection in the order they first appear.
func (c *collections) gather(records []sink.Record, result *sink.Result) (byCollection map[string][]*change, names []string) {
	reader := c.decoders.Get().(*row.Decoder) //nolint:forcetypeassert // New puts nothing else in
	defer c.decoders.Put(reader)
	byCollection = map[string][]*change{}
	seen := map[string]*change{}
	for i := range records {
		one, err := c.read(reader, i, &records[i])
		if err == nil && one == nil {
			continue
		}
		var id string
		if err == nil {
			id, err = one.identity()
		}
		if err != nil {
			result.Failed = append(result.Failed, sink.Failure{Index: i, Err: err})
			continue
		}
		if before := seen[id]; before != nil {
			before.merge(one)
			continue
		}
		if seen[id] = one; byCollection[one.collection] == nil {
			names = append(names, one.collection)
		}
		byCollection[one.collection] = append(byCollection[one.collection], one)
	}
	return byCollection, names
}

// bulk writes to one collection. Its error is that of all of it.
func (c *collections) bulk(ctx context.Context, client *mongo.Client, name string, changes []*change, result *sink.Result) error {
	models := make([]mongo.WriteModel, len(changes))
	for i, one := range changes {
		models[i] = one.model()
	}
	_, err := client.Database(c.settings["database"]).Collection(name).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	var some mongo.BulkWriteException
	if !errors.As(err, &some) || some.WriteConcernError != nil {
		return err
	}
	for _, e := range some.WriteErrors {
		fail(result, changes[e.Index:e.Index+1], ofDocument(e))
	}
	return nil
}

func (c *change) model() mongo.WriteModel {
	filter := bson.D{{Key: "_id", Value: c.id}}
	switch {
	case c.delete:
		return mongo.NewDeleteOneModel().SetFilter(filter)
	case c.whole:
		return mongo.NewReplaceOneModel().SetFilter(filter).SetReplacement(append(bson.D{{Key: "_id", Value: c.id}}, c.fields...)).SetUpsert(true)
	case len(c.fields) == 0:
		return mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(bson.D{{Key: "$setOnInsert", Value: filter}}).SetUpsert(true)
	}
	return mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(bson.D{{Key: "$set", Value: c.fields}}).SetUpsert(true)
}

func fail(result *sink.Result, changes []*change, err error) {
	for _, one := range changes {
		for _, i := range one.records {
			result.Failed = append(result.Failed, sink.Failure{Index: i, Err: err})
		}
	}
}

// ofDocument says how the error of one document is to be taken (MongoDB: error codes).
func ofDocument(e mongo.BulkWriteError) error {
	err := fmt.Errorf("the server refused the document: %s (code %d)", e.Message, e.Code)
	switch e.Code {
	case 13, 18:
		return &sink.Fault{Cause: sink.Misconfigured, Err: err}
	case 50, 91, 112, 189, 11600, 11602, 10107, 13435, 13436, 16500: // a time over, a server that goes down, a conflict, no primary, DocumentDB's throttle
		return &sink.Fault{Cause: sink.Busy, Err: err}
	}
	return refuse(err)
}

func isLogin(err error) bool {
	var e mongo.ServerError
	return errors.As(err, &e) && e.HasErrorCode(18)
}

// faultOf says how the error of a bulk write is to be taken. What a server in doubt has
// written is written again, to the same end.
func faultOf(err error) error {
	var e mongo.CommandError
	if isLogin(err) || errors.As(err, &e) && (e.Code == 13 || e.Code == 73) {
		return &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	if errors.As(err, &e) && (e.Code == 10334 || e.Code == 2 || e.Code == 9) {
		return refuse(err)
	}
	return &sink.Fault{Cause: sink.Busy, Err: err}
}
