"""Runs calls that come as JSON lines on stdin with boto3, one answer line for each."""
import base64
import datetime
import json
import sys

import boto3
import botocore
from botocore.exceptions import ClientError

client = boto3.client("lambda", endpoint_url=sys.argv[1])


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        return base64.b64encode(value.read()).decode()
    return value


def call(step):
    given = step["Input"]
    if "ZipFile" in given:
        given["ZipFile"] = base64.b64decode(given["ZipFile"])
    if "ZipFile" in given.get("Code", {}):
        given["Code"]["ZipFile"] = base64.b64decode(given["Code"]["ZipFile"])
    if "Payload" in given:
        given["Payload"] = base64.b64decode(given["Payload"])
    method = getattr(client, botocore.xform_name(step["Operation"]))
    try:
        answer = method(**given)
    except ClientError as e:
        meta = e.response["ResponseMetadata"]
        return {"Error": {"Code": e.response["Error"]["Code"], "Message": e.response["Error"]["Message"],
                          "Status": meta["HTTPStatusCode"], "RequestID": meta.get("RequestId", "")}}
    return {"Output": plain(answer)}


for line in sys.stdin:
    print(json.dumps(call(json.loads(line))), flush=True)
