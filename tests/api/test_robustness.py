"""Everything the description names, asked with everything it should not be asked with. Whatever comes:
an answer the description knows, no failure of ours, no wait, and the program goes on."""
import contextlib
import json
import re
import socket
import time
import zlib

import pytest

import openapi
from conftest import System, jpeg
from corvette import PROGRAM
from rawhttp import RawClient

LONG = "a" * 6000
TEXTS = ["", "all", "None", ",", "," * 300, "a,b,,c", "*", "[", "[^a", "?", "%", "%zz", "%25", "%00", "a%00b",
         "%ff%fe", "%c0%80", "%2F", "..%2F..%2F..%2Fetc%2Fpasswd", "%E8%BD%A6", "%F0%9F%9A%97", "%22", "%27%20OR%201=1--",
         "%0d%0aX:%20y", "%1b[31m", "<script>", "{}", "+", LONG]
NUMBERS = ["", "abc", "1", "0", "-1", "-0", "1.5", "1e3", "1e309", "-1e309", "nan", "inf", "0x10", "+5", "%205", "5%20",
           "1,5", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "99999999999999999999999",
           "1e-400", "1700000000", "1700000000.123456", "%D9%A3", "%00", "9" * 5000]
ZONES = ["", "utc", "UTC", "Europe/Berlin", "europe/berlin", "Nowhere/Here", "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd",
         ".", "Europe", "%00", LONG]
NAMES = ["back", "front_door", "nosuch", "any", "birdseye", "all", "event", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd",
         "%00", "a%00", "%ff", "%E8%BD%A6", "%2F", "%", "'", "%22", "*", "%0a", "1.5-abcdef", "2024-01", "a" * 2000]
POSITIONS = ["0", "1", "1.5", "1700000000", "1700000000.5", "00001", "0.0000000001", "9" * 25, "9" * 400]
BODIES = [b"", b"{}", b"[]", b"null", b"1", b'"x"', b"{", b"{bad", b"\xff\xfe", b"\0", b'{"a":"\\u0000"}', b"[" * 50000,
          b'{"a":' * 5000, b'{"ids":' + b"[" * 1000 + b"]" * 1000 + b"}", b'{"a":1,"a":2}', b'{"a":1e999}', b"a: [b"]
VALUES = [None, True, 0, -1, 1.5, 1e308, "", "x", "\ud83d\ude97", "a" * 5000, [], [None], [[]], ["x"] * 1000, {}, {"x": {}},
          {"boxes": [{"box": [1e9, -5, "a", None]}]}]
# What may fail for reasons that are no fault of ours: pictures of cameras that never sent one, clips of
# recordings that are gone; of endless streams there are only so many.
MAY_FAIL = {"/api/{camera}/grid.jpg": {500}, "/api/{camera}/latest.jpg": {500}, "/api/{camera}/latest.webp": {500},
            "/api/{camera}/start/{start}/end/{end}/clip.mp4": {500}, "/api/events/{id}/clip.mp4": {500},
            "/api/{camera}/{label}/clip.mp4": {500}, "/api/{camera}": {503}}
NOT_ASKED = {"/api/restart"}  # does what it says


def operations():
    return [o for o in openapi.description(PROGRAM).operations if o.path not in NOT_ASKED]


CONFIG = """
mqtt: {enabled: false}
telemetry: {version_check: false}
record: {retain: {days: 100000}, events: {retain: {default: 100000}}}
auth: {hash_iterations: 1}
snapshots: {enabled: true, retain: {default: 100000}}
cameras:
  back:
    ffmpeg: {inputs: [{path: "rtsp://127.0.0.1:1/x", roles: [detect]}]}
    detect: {width: 320, height: 240, fps: 5}
  front_door:
    enabled: false
    ffmpeg: {inputs: [{path: "rtsp://127.0.0.1:1/y", roles: [detect]}]}
    detect: {width: 320, height: 240, fps: 5}
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """A system with a row of everything."""
    with System(CONFIG, tmp_path_factory.mktemp("robust")) as system:
        system.add_event("1700000000.5-abcdef", zones=["yard"], sub_label="bob")
        system.run_sql("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, segment_size, motion, "
                       "objects, dBFS) VALUES ('r', 'back', '/media/frigate/recordings/gone.mp4', 1700000000, 1700000010, "
                       "10, 1.5, 3, 1, -30)")
        system.run_sql("INSERT INTO reviewsegment VALUES ('1700000000.5-rrrrrr', 'back', 1700000000.5, 1700000060.5, 0, "
                       "'alert', '/media/frigate/clips/review/x.webp', '{\"detections\":[],\"objects\":[\"person\"],"
                       "\"sub_labels\":[],\"zones\":[],\"audio\":[]}')")
        system.run_sql("INSERT INTO timeline VALUES (1700000000.5, 'back', 'tracked_object', '1700000000.5-abcdef', "
                       "'visible', '{\"label\":\"person\"}')")
        before = system.pids()
        yield system
        assert system.get("/api/version").status_code == 200
        assert system.pids()["server"] == before["server"], "the server died"


class Client(RawClient):
    """Checks what comes back."""

    def ask(self, method, target, headers=(), body=None, may=()):
        reply = self.request(method, target, headers, body)
        where = f"{method} {target[:300]} {headers} {(body or b'')[:100]!r}"
        assert reply is not None, f"{where}: the connection was closed"
        operation, _ = openapi.description(PROGRAM).find(method, target)
        allowed = {501, *may, *MAY_FAIL.get(operation.path if operation else "", ())}
        assert reply.status < 500 or reply.status in allowed, f"{where}: {reply.status} {reply.body[:300]!r}"
        openapi.description(PROGRAM).check(method, target, Answer(reply))
        return reply


class Answer:
    def __init__(self, reply):
        self.status_code = reply.status
        self.headers = {"Content-Type": reply.headers.get("content-type", "")}
        self.body = reply.body
        self.text = reply.body[:500].decode(errors="replace")

    def json(self):
        return json.loads(self.body)


@pytest.fixture
def client(tried):
    client = Client(tried.url)
    yield client
    client.close()


def fill(path, /, **values):
    """The path with something for every variable."""
    usual = {"camera": "back", "label": "person", "start": "1700000000", "end": "1700000010", "id": "1700000000.5-abcdef"}
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], usual.get(m[1], "x")), path)


def wrong_values(parameter):
    kind = parameter["schema"]
    if parameter["in"] == "path":
        return POSITIONS if kind["type"] == "number" else NAMES
    if kind["type"] in ("integer", "number"):
        edges = [str(kind[k] + d) for k in ("minimum", "maximum") if k in kind for d in (-1, 0, 1)]
        return NUMBERS + edges
    if kind.get("default") == "utc":
        return ZONES
    return TEXTS + kind.get("enum", [])


@pytest.mark.parametrize("operation", operations(), ids=repr)
def test_every_parameter(client, operation):
    for parameter in operation.parameters:
        for value in wrong_values(parameter):
            if parameter["in"] == "path":
                client.ask(operation.method, fill(operation.path, **{parameter["name"]: value}))
                continue
            target = fill(operation.path)
            client.ask(operation.method, f"{target}?{parameter['name']}={value}")
        if parameter["in"] == "query":
            name = parameter["name"]
            for query in (name, f"{name}&{name}=1", f"{name}=1&{name}=x", f"&&{name}==&=", f"%{name}=1"):
                client.ask(operation.method, f"{fill(operation.path)}?{query}")


def nonsense(parameter):
    """Values that can mean nothing to a parameter."""
    kind = parameter["schema"]
    if kind["type"] in ("integer", "number"):
        low, high = kind.get("minimum"), kind.get("maximum")
        return ["", "abc", "1x", "nan"] + [str(edge + d) for edge, d in ((low, -1), (high, 1)) if edge is not None]
    if "enum" in kind:
        return ["nonsense", kind["enum"][-1] + "x"]
    return ["Nowhere/Here"] if kind.get("default") == "utc" else []


@pytest.mark.parametrize("operation", [o for o in operations() if "501" not in o.responses and any(
    p["in"] == "query" for p in o.parameters)], ids=repr)
def test_what_is_described_as_strict_is(client, operation):
    """Nonsense is refused by name, or taken as if it were not there."""
    target = fill(operation.path)
    usual = client.ask(operation.method, target).status
    for parameter in operation.parameters:
        for value in nonsense(parameter) if parameter["in"] == "query" else []:
            reply = client.ask(operation.method, f"{target}?{parameter['name']}={value}")
            if parameter["x-strict"]:
                assert reply.status == 400 and json.loads(reply.body)["message"].startswith(f"{parameter['name']}: ")
            else:
                assert reply.status == usual, f"{parameter['name']}={value}"


@pytest.mark.parametrize("operation", [o for o in operations() if o.method != "GET"], ids=repr)
def test_every_body(client, operation):
    target = fill(operation.path)
    kinds = ("application/json", "application/json; charset=utf-8", "text/plain", "", "application/json" * 50)
    for body in BODIES:
        for kind in kinds if body == b"{}" else kinds[:1]:
            client.ask(operation.method, target, [("Content-Type", kind)], body)
    if "requestBody" not in operation.described:
        return
    media = operation.described["requestBody"]["content"].get("application/json")
    if media is None:
        return
    name = media["schema"]["$ref"].rsplit("/", 1)[1]
    keys = operation.document["components"]["schemas"][name]["properties"]
    usual = {"user": "u", "username": "u", "password": "p", "ids": ["x"], "subLabel": "x"}
    for key in keys:
        for value in VALUES:
            body = {**{k: v for k, v in usual.items() if k in keys}, key: value}
            client.ask(operation.method, target, [("Content-Type", "application/json")], json.dumps(body).encode())


def test_wrong_methods(client):
    """405 says what is right; HEAD is GET without a body; OPTIONS is answered."""
    described = openapi.description(PROGRAM)
    for path in sorted({o.path for o in operations()}):
        target = fill(path)
        right = {o.method for o in described.operations if described.find(o.method, target)[0] is o}
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "BREW", "OPTIONS"):
            if method in right or path in NOT_ASKED:
                continue
            reply = client.ask(method, target)
            assert reply.status == (200 if method == "OPTIONS" else 405), f"{method} {target}"
            assert right <= set(reply.headers["allow"].split(", "))
        if "GET" in right:
            head = client.ask("HEAD", target)
            assert head.body == b""


def test_bodies_that_are_too_large(client):
    for headers in ([("Content-Length", "5000000")], [("Content-Length", "99999999999999999999")],
                    [("Content-Length", "9223372036854775807")]):
        reply = client.request("POST", "/api/events/x/sub_label", headers)
        assert reply is None or reply.status in (400, 413), reply
        client.close()
    body = b"x" * (5 << 20)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[i:i + 65536]
                                                                       for i in range(0, len(body), 65536)))
    reply = client.send(b"POST /api/events/x/sub_label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert reply is None or reply.status == 413
    client.close()
    packed = zlib.compress(b"[" * (1 << 20))
    client.ask("POST", "/api/events/x/sub_label",
               [("Content-Type", "application/json"), ("Content-Encoding", "deflate")], packed)


BROKEN = [
    b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/events?\xff=\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /api/ev\xffents HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://x/api/events HTTP/1.1\r\nHost: x\r\n\r\n", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET api/events HTTP/1.1\r\nHost: x\r\n\r\n", b"GET ../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /clips/../corvette.db HTTP/1.1\r\nHost: x\r\n\r\n", b"GET //api//events HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"a/" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /?" + b"a=1&" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 200000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    b"POST /api/events/x/sub_label HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/events/x/sub_label HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
    b"POST /api/events/x/sub_label HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n: \r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", b"GET /api/profile HTTP/1.1\r\nHost: x\r\nCookie: =;;;a==;\"\r\n\r\n",
    b"GET /api/profile HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("data", BROKEN, ids=lambda data: repr(data[:40]))
def test_broken_requests(tried, data):
    """Refused or answered, or waited for the rest of; never with a failure."""
    client = RawClient(tried.url)
    client.connect()
    with contextlib.suppress(ConnectionError, OSError):  # refused before all was sent
        client.socket.sendall(data)
        client.socket.shutdown(socket.SHUT_WR)
    client.socket.settimeout(2)  # libmicrohttpd does not always see half a close that comes with the data
    reply = None
    with contextlib.suppress(TimeoutError):
        reply = client._read(False)
    assert reply is None or reply.status < 500 or reply.status in (501, 505)
    client.close()
    assert tried.get("/api/version").status_code == 200


RANGES = [
    ("bytes=0-", 206), ("bytes=0-0", 206), ("bytes=-1", 206), ("bytes=-99999999", 206), ("bytes=0-99999999", 206),
    ("bytes=99999999-", 416), ("bytes=-0", 416), ("bytes=99999999999999999999-", 200), ("bytes=5-2", 200), ("bytes=", 200),
    ("bytes", 200), ("bytes=-", 200), ("bytes=a-b", 200), ("bytes=--1", 200), ("bytes=0-1,3-4", 200), ("bytes=0x0-1", 200),
    ("bytes=0 - 1", 200), ("items=0-1", 200), ("bytes=18446744073709551616-18446744073709551617", 200),
    ("bytes=9223372036854775807-", 416), ("", 200), ("bytes=" + "0" * 5000 + "-1", 206), ("bytes=0-1;", 200),
]


def test_ranges(client, tried):
    (tried.clips / "range.jpg").write_bytes(jpeg())
    size = len(jpeg())
    for header, status in RANGES:
        reply = client.ask("GET", "/clips/range.jpg", [("Range", header)])
        assert reply.status == status, header
        if status == 206:
            first, last, total = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", reply.headers["content-range"]).groups())
            assert total == size and reply.body == jpeg()[first:last + 1], header
        elif status == 416:
            assert reply.headers["content-range"] == f"bytes */{size}"
        else:
            assert reply.body == jpeg()


def test_conditions(client, tried):
    (tried.clips / "known.jpg").write_bytes(jpeg())
    def ask(*headers):
        return client.ask("GET", "/clips/known.jpg", headers)
    known = ask().headers
    etag, date = known["etag"], known["last-modified"]
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 86400))
    earlier = "Sun, 06 Nov 1994 08:49:37 GMT"
    for headers, status in [
            ([("If-None-Match", etag)], 304), ([("If-None-Match", "W/" + etag)], 304), ([("If-None-Match", "*")], 304),
            ([("If-None-Match", f'"a", {etag} , "b"')], 304), ([("If-None-Match", '"a"')], 200), ([("If-None-Match", "")], 200),
            ([("If-None-Match", etag[1:-1])], 200), ([("If-None-Match", etag[:-1])], 200), ([("If-None-Match", '"' * 999)], 200),
            ([("If-Modified-Since", date)], 304), ([("If-Modified-Since", later)], 304),
            ([("If-Modified-Since", earlier)], 200), ([("If-Modified-Since", "yesterday")], 200),
            ([("If-Modified-Since", date + " ago")], 200), ([("If-Modified-Since", "0")], 200),
            ([("If-None-Match", '"a"'), ("If-Modified-Since", date)], 200),
            ([("Range", "bytes=0-1"), ("If-Range", etag)], 206), ([("Range", "bytes=0-1"), ("If-Range", date)], 206),
            ([("Range", "bytes=0-1"), ("If-Range", '"a"')], 200), ([("Range", "bytes=0-1"), ("If-Range", "W/" + etag)], 200),
            ([("Range", "bytes=0-1"), ("If-Range", later)], 200), ([("Range", "bytes=0-1"), ("If-Range", "")], 200),
            ([("Range", "bytes=0-1"), ("If-None-Match", etag)], 304)]:
        reply = ask(*headers)
        assert reply.status == status, headers
        assert reply.status != 304 or reply.headers["etag"] == etag


@pytest.mark.parametrize("target", ["/%61pi/events", "/api/%65vents", "/%61%70%69/version"])
def test_no_spelling_gets_around_the_origin_rule(client, target):
    assert client.ask("GET", target).status == 200
    assert client.ask("GET", target, [("Origin", "http://elsewhere")]).status == 401


def test_the_page_asks_as_the_rule_wants(client):
    """What our page and its pictures send is let through."""
    assert client.ask("GET", "/api/stats", [("Origin", "http://x"), ("X-CSRF-TOKEN", "1")]).status == 200
    assert client.ask("GET", "/", [("Origin", "http://x")]).status == 200
    assert client.ask("GET", "/app.js", [("Origin", "http://x")]).status == 200
    assert client.ask("GET", "/clips/", [("Origin", "http://x")]).status == 200


def test_many_connections_at_once(tried):
    """More connections than are served wait; none is forgotten."""
    clients = [RawClient(tried.url) for _ in range(100)]
    for client in clients:
        client.connect()
        client.socket.sendall(b"GET /api/version HTTP/1.1\r\nHost: x\r\n")
    assert tried.get("/api/version").status_code == 200
    for client in clients:
        reply = client.send(b"\r\n")
        assert reply.status == 200
        client.close()
