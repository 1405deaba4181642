"""Settles payments and names those it could not (a partial batch response)."""
import base64
import json


def handler(event, context):
    failures = []
    for partition, records in event["records"].items():
        for record in records:
            try:
                settle(json.loads(base64.b64decode(record["value"])))
            except Exception as e:
                print(f"{partition}@{record['offset']}: {e}")
                failures.append({"itemIdentifier": {"partition": partition, "offset": record["offset"]}})
    return {"batchItemFailures": failures}


def settle(payment):
    if payment["amount"] <= 0:
        raise ValueError(f"payment {payment.get('id')}: amount {payment['amount']} is not positive")
