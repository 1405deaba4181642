"""Runs a Python function for Lambda's Runtime API, with the standard library only.

The error documents, the context object and the log format are those of AWS's own
runtime client, which is used instead of this file where it is installed.
"""

import decimal
import importlib
import json
import logging
import math
import os
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime/"
NBSP = "\u00a0"  # keeps the indentation of a trace where blanks are folded


class Fault(Exception):
    """A fault of the function's package, with Lambda's name for it."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


class Client:
    """One kept connection to the Runtime API. The server is known: it always sends
    Content-Length, so this needs no general HTTP client and its cost."""

    def __init__(self, address):
        self.host = address.encode()
        name, _, port = address.rpartition(":")
        self.socket = socket.create_connection((name, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", 1 << 16)

    def call(self, method, path, body=b"", headers=()):
        lines = [b"%s %s%s HTTP/1.1" % (method, API.encode(), path.encode()), b"Host: " + self.host]
        lines += [b"%s: %s" % (k.encode(), str(v).encode("latin-1", "replace")) for k, v in headers]
        if method == b"POST":
            lines.append(b"Content-Length: %d" % len(body))
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if len(body) < 1 << 16:
            self.socket.sendall(head + body)
        else:
            self.socket.sendall(head)
            self.socket.sendall(body)
        return self.answer()

    def answer(self):
        status = self.reader.readline().split(b" ", 2)
        if len(status) < 2:
            sys.exit("the Runtime API closed the connection")
        headers = {}
        while True:
            line = self.reader.readline().rstrip(b"\r\n")
            if not line:
                break
            name, _, value = line.partition(b":")
            headers[name.strip().lower().decode()] = value.strip().decode("utf-8", "replace")
        body = self.reader.read(int(headers.get("content-length", 0)))
        return int(status[1]), headers, body

    def expect(self, want, method, path, body=b"", headers=()):
        status, got, answer = self.call(method, path, body, headers)
        if status != want:
            sys.exit("the Runtime API answered %s to %s: %s" % (status, path, answer.decode("utf-8", "replace")))
        return got, answer


class Fields:
    """An object whose attributes are the members of a JSON object; missing ones are None."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, (values or {}).get(name))

    def __repr__(self):
        return "%s(%s)" % (type(self).__name__, self.__dict__)


class Context:
    """What a handler gets as its second argument."""

    def __init__(self, headers):
        env = os.environ.get
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = env("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = env("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = self.parse_client(headers.get("lambda-runtime-client-context"))
        self.identity = Fields(("cognito_identity_id", "cognito_identity_pool_id"), {})
        self._deadline = int(headers["lambda-runtime-deadline-ms"])

    @staticmethod
    def parse_client(text):
        if not text:
            return None
        try:
            values = json.loads(text)
        except ValueError as e:
            raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse Client Context JSON: %s" % e)
        context = Fields(("custom", "env", "client"), values)
        if context.client is not None:
            context.client = Fields(
                ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"), context.client)
        return context

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return "LambdaContext(%s)" % {k: v for k, v in self.__dict__.items() if not k.startswith("_")}


def find_handler(name):
    module, dot, attribute = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName",
                    "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module)
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module, e))
    except SyntaxError as e:
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, e),
                    ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)])
    try:
        return getattr(loaded, attribute)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (attribute, module))


def document(error, request_id=""):
    """The error document, without the frames of this file."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        while frames and frames[0].filename == __file__:
            frames = frames[1:]
        # As tuples: newer versions would mark the place in the line, and Lambda does not.
        trace = traceback.format_list([(f.filename, f.lineno, f.name, f.line) for f in frames])
        kind = type(error).__name__
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def log_error(doc):
    """One line for CloudWatch: its parts are separated by carriage returns."""
    lines = ["[ERROR] %s: %s" % (doc["errorType"], doc["errorMessage"]), "Traceback (most recent call last):"]
    for entry in doc["stackTrace"]:
        for line in entry.splitlines():
            indent = len(line) - len(line.lstrip(" "))
            lines.append(NBSP * indent + line[indent:])
    sys.stdout.write("\r".join(lines) + "\n")


def plain(value):
    """JSON of a value that json does not know."""
    if isinstance(value, decimal.Decimal):
        if value.is_nan():
            return math.nan
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def encoder():
    """Python 3.12 and later leave letters beyond ASCII as they are."""
    version = os.environ.get("AWS_EXECUTION_ENV", "").rpartition("python3.")[2]
    ascii_only = not (version.isdigit() and int(version) >= 12)
    return json.JSONEncoder(default=plain, ensure_ascii=ascii_only).encode


def encoded(encode, result):
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return encode(result).encode("utf-8"), "application/json"
    except Exception as e:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e)


def decoded(body):
    try:
        return json.loads(body)
    except ValueError as e:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e)


class RequestFilter(logging.Filter):
    """Gives log records the request id."""

    request_id = ""

    def filter(self, record):
        record.aws_request_id = self.request_id
        return True


def set_up_logging():
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    marker = RequestFilter()
    handler.addFilter(marker)
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    if level in ("TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
        root.setLevel("DEBUG" if level == "TRACE" else level)
    return marker


def invoke(client, handler, encode, marker):
    headers, body = client.expect(200, b"GET", "invocation/next")
    request = headers["lambda-runtime-aws-request-id"]
    marker.request_id = request
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
    same = [("Lambda-Runtime-Invocation-Id", headers.get("lambda-runtime-invocation-id", ""))]
    try:
        context = Context(headers)
        answer, kind = encoded(encode, handler(decoded(body), context))
    except Exception as e:
        doc = document(e, request)
        log_error(doc)
        client.expect(202, b"POST", "invocation/%s/error" % request, encode(doc).encode("utf-8", "replace"),
                      same + [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", doc["errorType"])])
    else:
        client.expect(202, b"POST", "invocation/%s/response" % request, answer, same + [("Content-Type", kind)])


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]  # in the place of this file's folder
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    encode = encoder()
    marker = set_up_logging()
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as e:
        doc = document(e)
        log_error(doc)
        client.expect(202, b"POST", "init/error", encode(doc).encode("utf-8", "replace"),
                      [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", doc["errorType"])])
        sys.exit(1)
    while True:
        invoke(client, handler, encode, marker)


if __name__ == "__main__":
    main()
