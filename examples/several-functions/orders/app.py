import base64
import json


def values(event):
    for records in event["records"].values():
        for record in records:
            yield json.loads(base64.b64decode(record["value"]))


def archive(event, context):
    for order in values(event):
        print("archived", order["id"])


def price(event, context):
    for order in values(event):
        print("priced", order["id"], order["total"])


def refund(event, context):
    for order in values(event):
        print("refunded", order["id"], -order["amount"])
