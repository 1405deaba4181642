import logging
import os
import sys
import time
from decimal import Decimal


class NoSuchOrder(Exception):
    pass


def find(order):
    raise NoSuchOrder("order %s is unknown" % order)


def handler(event, context):
    do = event.get("do")
    if do == "fail":
        find(event["order"])
    if do == "exit":
        os._exit(3)
    if do == "sys.exit":
        sys.exit(5)
    if do == "hang":
        while True:
            time.sleep(1)
    if do == "big":
        return "x" * event["size"]
    if do == "log":
        print("printed")
        print("an error", file=sys.stderr)
        logging.getLogger().warning("logged")
    if do == "unserializable":
        return object()
    if do == "nothing":
        return None
    if do == "decimal":
        return {"price": Decimal("9.50"), "count": Decimal(3)}
    if do == "context":
        return {
            "id": context.aws_request_id,
            "name": context.function_name,
            "version": context.function_version,
            "memory": int(context.memory_limit_in_mb),
            "arn": context.invoked_function_arn,
            "group": context.log_group_name,
            "stream": context.log_stream_name,
            "left": context.get_remaining_time_in_millis(),
            "client": context.client_context.custom if context.client_context else None,
            "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        }
    return event
