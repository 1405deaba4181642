"""AWS's side of a call, by botocore's own models, validators, serializers and signer.

peer.py compare   reads requests as JSON lines and says how each differs from the one
                  botocore makes of the same input
peer.py serve     is an AWS endpoint on loopback: it prints its port, checks signature
                  and input of every request, and answers in the shape of the model
"""
import base64
import http.server
import json
import re
import sys
import threading
import time
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.loaders
import botocore.model
import botocore.serialize
import botocore.validate
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.endpoint_provider import EndpointProvider

KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token"
SPOKEN = ("json", "rest-json", "query")

loader = botocore.loaders.Loader()
models = {}


def model(service):
    if service not in models:
        models[service] = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)
    return models[service]


def protocol(service):
    m = model(service).metadata
    return next(p for p in [m["protocol"], *m.get("protocols", [])] if p in SPOKEN)


def native(shape, value):
    """The value as botocore takes it: blobs are bytes."""
    if value is None or getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        return {k: native(shape.members[k], v) if k in shape.members else v for k, v in value.items()}
    if shape.type_name == "list":
        return [native(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {k: native(shape.value, v) for k, v in value.items()}
    if shape.type_name == "blob" and isinstance(value, dict):
        return base64.b64decode(value["$base64"])
    return value


def signature_fault(method, url, headers, body):
    """Recomputes the signature with botocore and says what is wrong with it."""
    given = headers.get("Authorization", "")
    m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", given)
    if not m:
        return "IncompleteSignature", "there is no SigV4 signature", None
    key, date, region, service, signed, signature = m.groups()
    if key != KEY:
        return "UnrecognizedClientException", "the security token included in the request is invalid", service
    if headers.get("X-Amz-Security-Token") != TOKEN or "x-amz-security-token" not in signed:
        return "UnrecognizedClientException", "the session token is missing, wrong or not signed", service
    chosen = HTTPHeaders()
    for name in signed.split(";"):
        if headers.get(name) is None:
            return "InvalidSignatureException", f"the signed header {name} is missing", service
        chosen[name] = headers[name]
    if "host" not in chosen or "x-amz-date" not in chosen:
        return "InvalidSignatureException", "host and x-amz-date are to be signed", service
    signer = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)(Credentials(KEY, SECRET, TOKEN), service, region)
    signer.headers_to_sign = lambda request: chosen
    request = botocore.awsrequest.AWSRequest(method, url, data=body)
    for name in ("X-Amz-Content-SHA256",):
        if headers.get(name):
            request.headers[name] = headers[name]
    request.context["timestamp"] = headers["X-Amz-Date"]
    if headers["X-Amz-Date"][:8] != date:
        return "InvalidSignatureException", "the date of the scope is not that of the request", service
    said = time.mktime(time.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) - time.timezone
    if abs(said - time.time()) > 300:
        return "InvalidSignatureException", "signature expired", service
    if signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request) != signature:
        return "InvalidSignatureException", "the request signature we calculated does not match the signature you provided", service
    return None, None, service


def same_body(proto, want, got, content):
    if proto == "query":
        return sorted((k, str(v)) for k, v in want.items()) == sorted(parse_qsl(got.decode(), keep_blank_values=True))
    if isinstance(want, str):
        want = want.encode()
    if want == got:
        return True
    try:
        return json.loads(want) == json.loads(got)
    except ValueError:
        return False


def compare(line):
    if "region" in line:
        rules = loader.load_service_model(line["service"], "endpoint-rule-set-1")
        provider = EndpointProvider(rules, loader.load_data("partitions"))
        return [provider.resolve_endpoint(Region=line["region"], UseFIPS=line["fips"], UseDualStack=False).url]
    op = model(line["service"]).operation_model(line["operation"])
    proto = protocol(line["service"])
    params = native(op.input_shape, line["params"]) if op.input_shape else {}
    faults = []
    if op.input_shape:
        report = botocore.validate.ParamValidator().validate(params, op.input_shape)
        if report.has_errors():
            return ["botocore: " + report.generate_report()]
    want = botocore.serialize.create_serializer(proto, include_validation=False).serialize_to_request(params, op)
    url, body = urlsplit(line["url"]), base64.b64decode(line["body"])
    headers = HTTPHeaders()
    for name, value in line["headers"].items():
        headers[name] = value
    path, _, query = want["url_path"].partition("?")
    if path != url.path:
        faults.append(f"path {url.path}, botocore has {path}")
    if want["method"] != line["method"]:
        faults.append(f"method {line['method']}, botocore has {want['method']}")
    pairs = parse_qsl(query, keep_blank_values=True)
    for k, v in (want["query_string"] or {}).items():
        pairs += [(k, str(x)) for x in (v if isinstance(v, list) else [v])]
    if sorted(pairs) != sorted(parse_qsl(url.query, keep_blank_values=True)):
        faults.append(f"query {url.query}, botocore has {pairs}")
    for name, value in want["headers"].items():
        if name == "x-amzn-query-mode":
            continue  # asks for error codes of an older protocol
        if headers.get(name) != value:
            faults.append(f"header {name}: {headers.get(name)!r}, botocore has {value!r}")
    if not same_body(proto, want["body"], body, headers.get("Content-Type")):
        faults.append(f"body {body!r}, botocore has {want['body']!r}")
    if want.get("host_prefix") and not url.netloc.startswith(want["host_prefix"]):
        faults.append(f"host {url.netloc}, botocore has {want['host_prefix']} before it")
    if headers.get("Authorization") or not op.auth_type:
        code, message, _ = signature_fault(line["method"], line["url"], headers, body)
        if code:
            faults.append(f"{code}: {message}")
    return faults


# What the endpoint answers, by operation. A dict is the output; a call makes it.
tasks = {}


def create_quantum_task(params):
    known = tasks.setdefault(params["clientToken"], params)
    if known != params:
        raise Refusal(409, "ConflictException", "the client token was used for another task")
    n = list(tasks).index(params["clientToken"])
    return {"quantumTaskArn": f"arn:aws:braket:eu-west-2:123456789012:quantum-task/00000000-0000-0000-0000-{n:012d}"}


jobs = {}


def create_model_invocation_job(params):
    jobs.setdefault(params["clientRequestToken"], params)
    n = list(jobs).index(params["clientRequestToken"])
    return {"jobArn": f"arn:aws:bedrock:eu-west-2:123456789012:model-invocation-job/{n:012d}"}


def invoke_model(params):
    doc = json.loads(params["body"])
    if "inputText" not in doc:
        raise Refusal(400, "ValidationException", "Malformed input request: required key [inputText] not found")
    words = len(doc["inputText"].split())
    return {"body": json.dumps({"inputTextTokenCount": words, "results": [{"outputText": doc["inputText"].upper(), "completionReason": "FINISH"}]}).encode(),
            "contentType": "application/json"}


answers = {
    ("braket", "CreateQuantumTask"): create_quantum_task,
    ("bedrock", "CreateModelInvocationJob"): create_model_invocation_job,
    ("bedrock-runtime", "InvokeModel"): invoke_model,
    ("sagemaker-runtime", "InvokeEndpointAsync"): lambda p: {"InferenceId": p.get("InferenceId", "made-here"), "OutputLocation": "s3://answers/1"},
    ("sts", "GetCallerIdentity"): lambda p: {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/a", "UserId": "AIDA"},
}
seen = []
lock = threading.Lock()


class Refusal(Exception):
    def __init__(self, status, code, message):
        self.status, self.code, self.message = status, code, message


def signing_names():
    """(signing name, a request) → services that may be meant."""
    names = {}
    for service in ("braket", "bedrock", "bedrock-runtime", "sagemaker-runtime", "sts", "managedblockchain", "managedblockchain-query"):
        m = model(service).metadata
        names.setdefault(m.get("signingName", m["endpointPrefix"]), []).append(service)
    return names


names = signing_names()


def parse(service, method, url, headers, body):
    """The operation and the input of a request, by the model. None = not of this service."""
    if protocol(service) == "query":
        form = dict(parse_qsl(body.decode()))
        if form.get("Version") != model(service).metadata["apiVersion"] or form.get("Action") not in model(service).operation_names:
            return None
        op = model(service).operation_model(form["Action"])
        return op, {k: v for k, v in form.items() if k not in ("Action", "Version")}
    for name in model(service).operation_names:
        op = model(service).operation_model(name)
        template = op.http["requestUri"].partition("?")[0]
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", template)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        m = re.fullmatch(pattern, url.path)
        if m and op.http["method"] == method:
            return op, from_rest(op, {k: unquote(v) for k, v in m.groupdict().items()}, url, headers, body)
    return None


def from_rest(op, labels, url, headers, body):
    params, shape = {}, op.input_shape
    if shape is None:
        return params
    query, payload = dict(parse_qsl(url.query)), shape.serialization.get("payload")
    rest = json.loads(body) if body and not payload else {}
    for name, member in shape.members.items():
        where, wire = member.serialization.get("location"), member.serialization.get("name", name)
        got = {"uri": labels, "querystring": query, "header": headers}.get(where, rest).get(wire)
        if name == payload:
            got = body if member.type_name in ("blob", "string") else json.loads(body)
        if got is not None:
            params[name] = decode(member, got)
    unknown = set(rest) - {m.serialization.get("name", n) for n, m in shape.members.items()}
    if unknown:
        raise Refusal(400, "ValidationException", f"unknown members {sorted(unknown)}")
    return params


def decode(shape, value):
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        known = {m.serialization.get("name", n): n for n, m in shape.members.items()}
        return {known.get(k, k): decode(shape.members[known[k]], v) if k in known else v for k, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [decode(shape.member, v) for v in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {k: decode(shape.value, v) for k, v in value.items()}
    if shape.type_name == "blob" and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if shape.type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    return value


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/-/seen":
            return self.reply(200, json.dumps(seen).encode())
        url = "http://" + self.headers["Host"] + self.path
        code, message, service = signature_fault(self.command, url, self.headers, body)
        if code:
            raise Refusal(403, code, message)
        if service == "managedblockchain" and self.path == "/":
            return self.json_rpc(body)
        for candidate in names.get(service, []):
            got = parse(candidate, self.command, urlsplit(url), self.headers, body)
            if got:
                return self.answer(candidate, *got)
        raise Refusal(404, "UnknownOperationException", f"{service} has no such operation")

    def answer(self, service, op, params):
        if op.input_shape:
            report = botocore.validate.ParamValidator().validate(params, op.input_shape)
            if report.has_errors():
                raise Refusal(400, "ValidationException", report.generate_report())
        with lock:
            out = answers[service, op.name](params)
            seen.append({"service": service, "operation": op.name, "params": json.loads(json.dumps(params, default=lambda b: b.decode()))})
        report = botocore.validate.ParamValidator().validate(out, op.output_shape)
        assert not report.has_errors(), report.generate_report()
        if protocol(service) == "query":
            inner = "".join(f"<{k}>{v}</{k}>" for k, v in out.items())
            return self.reply(200, f"<{op.name}Response><{op.name}Result>{inner}</{op.name}Result></{op.name}Response>".encode(), kind="text/xml")
        payload = op.output_shape.serialization.get("payload")
        headers = {m.serialization.get("name", n): out[n] for n, m in op.output_shape.members.items()
                   if m.serialization.get("location") == "header" and n in out}
        if payload:
            return self.reply(200, out[payload], headers)
        self.reply(200, json.dumps({k: v for k, v in out.items() if k not in headers}).encode(), headers)

    def json_rpc(self, body):
        doc = json.loads(body)
        if doc.get("jsonrpc") != "2.0" or "method" not in doc or "id" not in doc:
            return self.reply(200, json.dumps({"jsonrpc": "2.0", "id": doc.get("id"), "error": {"code": -32600, "message": "Invalid Request"}}).encode())
        with lock:
            seen.append({"service": "managedblockchain", "operation": doc["method"], "params": doc})
        self.reply(200, json.dumps({"jsonrpc": "2.0", "id": doc["id"], "result": "0x" + base64.b16encode(str(doc["id"]).encode()).decode().lower()}).encode())

    def reply(self, status, body, headers=None, kind="application/json"):
        self.send_response(status)
        for k, v in ({"Content-Type": kind} | (headers or {}) | {"Content-Length": len(body), "x-amzn-RequestId": "peer-1"}).items():
            self.send_header(k, str(v))
        self.end_headers()
        self.wfile.write(body)

    def guarded(self):
        try:
            self.handle_one()
        except Refusal as r:
            self.reply(r.status, json.dumps({"message": r.message}).encode(), {"x-amzn-errortype": r.code})
        except Exception as e:  # a fault of this file
            self.reply(500, json.dumps({"message": repr(e)}).encode(), {"x-amzn-errortype": "InternalServerException"})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = guarded


if sys.argv[1] == "compare":
    for line in sys.stdin:
        try:
            faults = compare(json.loads(line))
        except Exception as e:
            faults = [f"peer: {e!r}"]
        print(json.dumps(faults), flush=True)
else:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    print(server.server_port, flush=True)
    server.serve_forever()
