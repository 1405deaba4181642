"""Says of each order that it was seen, before anything else is done with it."""
import base64
import json
import os
import urllib.request


def send(topic, *records):
    request = urllib.request.Request(
        os.environ["GANTRY_PRODUCE_URL"] + topic + "/records",
        json.dumps({"records": records}).encode(),
        {"Authorization": "Bearer " + os.environ["GANTRY_PRODUCE_TOKEN"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["records"]


def handler(event, context):
    for records in event["records"].values():
        for record in records:
            order = json.loads(base64.b64decode(record["value"]))
            at = f"{record['topic']}-{record['partition']}-{record['offset']}"
            sent = send("orders.seen", {"keyText": order["id"], "valueJson": order, "headers": [{"source": at}]})
            print(f"{at} is written to {sent[0]['partition']}-{sent[0]['offset']}")
