"""A function as it would run in AWS Lambda behind a Kafka trigger: nothing in it knows gantry."""
import base64
import json


def handler(event, context):
    count, total = 0, 0.0
    for partition, records in event["records"].items():
        for record in records:
            order = json.loads(base64.b64decode(record["value"]))
            count, total = count + 1, total + order.get("total", 0)
        print(f"{partition}: offsets {records[0]['offset']} to {records[-1]['offset']}")
    return {"orders": count, "total": total}
