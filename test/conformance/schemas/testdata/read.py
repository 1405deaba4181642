"""Reads values (hex, one a line: FORMAT HEX) with Confluent's deserializers and prints them as JSON."""
import base64
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

registry = SchemaRegistryClient({"url": sys.argv[1]})

# What protoc would make of the test's schema, written by hand.
file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
file.message_type.add(name="Other")
order = file.message_type.add(name="Order")
for number, (name, kind) in enumerate([("id", 3), ("note", 9), ("price", 1)], 1):
    order.field.add(name=name, number=number, type=kind, label=1)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
message = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))

for line in sys.stdin:
    form, value = line.split()
    data = bytes.fromhex(value)
    at = SerializationContext(form, MessageField.VALUE)  # the test's topics have the formats' names
    if form == "avro":
        out = AvroDeserializer(registry)(data, at)
        out = {name: field.isoformat() if hasattr(field, "isoformat") else str(field) for name, field in out.items()}
    elif form == "json":
        out = JSONDeserializer(None, schema_registry_client=registry)(data, at)
    else:
        # The client wants the schema compiled (format=serialized), which the registry of the
        # test can't do; magic byte, id, index and message are read by the client itself.
        compiled = base64.b64encode(file.SerializeToString()).decode()
        registry.get_schema = lambda *_: Schema(compiled, "PROTOBUF")
        out = ProtobufDeserializer(message, {"use.deprecated.format": False}, registry)(data, at)
        out = json_format.MessageToDict(out)
    print(json.dumps(out, sort_keys=True), flush=True)
