"""The protocol around the endpoints: methods, headers, bodies, what is not there."""
import contextlib
import gzip
import pathlib
import re
import resource
import socket
from urllib.parse import urlsplit

import pytest

import openapi
from conftest import CONFIG, System, message
from corvette import PROGRAM


def test_version(system):
    answer = system.get("/api/version")
    assert answer.text.split("-")[0] == "0.14.1" and answer.text.startswith("0.14.1-corvette.")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert system.get("/api/").text == "Frigate is running. Alive and healthy!"


@pytest.mark.parametrize("method, path, allow", [
    ("POST", "/api/events", "GET, HEAD, OPTIONS"), ("DELETE", "/api/timeline", "GET, HEAD, OPTIONS"),
    ("PUT", "/api/exports", "GET, HEAD, OPTIONS"), ("PUT", "/api/events/x", "GET, HEAD, DELETE, OPTIONS"),
    ("POST", "/clips/x.jpg", "GET, HEAD, OPTIONS"), ("BREW", "/api/version", "GET, HEAD, OPTIONS"),
])
def test_wrong_methods(system, method, path, allow):
    answer = system.request(method, path)
    assert answer.status_code == 405 and answer.headers["Allow"] == allow
    assert answer.headers["Content-Type"].startswith("text/html")


def test_options(system):
    answer = system.request("OPTIONS", "/api/events")
    assert answer.status_code == 200 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_head(system):
    for path in ("/api/version", "/api/events", "/api/back", "/api/back/latest.jpg", "/"):
        answer = system.request("HEAD", path)
        assert answer.status_code == 200 and answer.content == b""


@pytest.mark.parametrize("path", ["/api/events/", "/api/nocam/a/b/c/d", "/api/back/latest.png", "/api",
                                  "/api/events/a/b/c"])
def test_what_is_not_there(system, path):
    answer = system.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/api/nocam", "/api/anything", "/api/restart", "/api/nocam/latest.jpg",
                                  "/api/nocam/latest.webp?h=10", "/api/nocam/grid.jpg", "/api/%00",
                                  "/api/birdseye/latest.jpg"])
def test_unknown_cameras(system, path):
    answer = system.get(path)
    if "%00" in path:
        assert answer.status_code == 400
    else:
        message(answer, 404, "Camera not found")


def test_what_comes_later(system):
    """Exactly what the description says is not there yet says so."""
    for operation in openapi.description(PROGRAM).operations:
        if "501" in operation.responses:
            path = re.sub(r"\{(start|end)\}", "1", operation.path)
            answer = system.request(operation.method, re.sub(r"\{\w+\}", "x", path))
            assert answer.status_code == 501
            assert "not implemented yet" in answer.json()["message"]


@pytest.mark.parametrize("method, path", [("GET", "/api/events"), ("GET", "/api/version"),
                                          ("DELETE", "/api/events/x"), ("POST", "/api/restart")])
def test_foreign_pages_are_refused(system, method, path):
    answer = system.request(method, path, headers={"Origin": "http://elsewhere.example"})
    message(answer, 401, "Missing CSRF header")
    headers = {"Origin": "http://elsewhere.example", "X-CSRF-TOKEN": "1"}
    if method == "GET":
        assert system.request(method, path, headers=headers).status_code == 200


def test_caching(system):
    assert system.get("/api/events").headers["Cache-Control"] == "no-store"
    assert system.get("/api/version").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in system.get("/api/events/nope").headers
    assert "Cache-Control" not in system.get("/api/back/cat/thumbnail.jpg").headers
    assert "Cache-Control" not in system.get("/api/back/cat/snapshot.jpg").headers


def test_compression(system):
    answer = system.get("/api/config", headers={"Accept-Encoding": "gzip"}, stream=True)
    assert answer.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer.headers["Vary"]
    packed = answer.raw.read(decode_content=False)
    plain = system.get("/api/config", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content and len(packed) < len(plain.content)


def test_bodies_on_get_are_ignored(system):
    assert system.get("/api/events", json={}).json() == []
    assert system.get("/api/version", data=b"\0" * 100000).status_code == 200


def test_too_large_a_body(system):
    answer = system.request("POST", "/api/events/x/sub_label", data=b"x" * (5 << 20))
    assert answer.status_code == 413 or answer.status_code == 400

    def endless():
        for _ in range(80):
            yield b"x" * 65536
    answer = system.request("POST", "/api/events/x/sub_label", data=endless())
    assert answer.status_code == 413


def talk(system, data):
    """Raw bytes there, and away again."""
    parts = urlsplit(system.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(data)


@pytest.mark.parametrize("data", [
    b"", b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
    b"GET / HTTP/9.9\r\n\r\n", b"GET /api/version HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/restart HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
    b"GET " + b"/a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/version HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
    b"GET /api/back HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
])
def test_nonsense_harms_nobody(system, data):
    for _ in range(5):
        talk(system, data)
    assert system.get("/api/version").status_code == 200


def test_deep_and_wide_addresses(system):
    assert system.get("/api" + "/a" * 100).status_code == 400
    assert system.get("/api/events?" + "&".join(f"a{i}=1" for i in range(500))).status_code == 400


def test_many_connections(system):
    """Connections that say nothing do not keep others out."""
    parts = urlsplit(system.url)
    idle = [socket.create_connection((parts.hostname, parts.port), timeout=30) for _ in range(200)]
    try:
        assert system.get("/api/version").status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_more_files_than_is_customary(tmp_path):
    """A soft limit of old is no limit: each connection takes a descriptor, each camera several."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        system = System(CONFIG, tmp_path).start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.ExitStack() as stack:
        stack.callback(system.stop)
        limits = pathlib.Path(f"/proc/{system.wait_pid('server')}/limits").read_text()
    assert int(re.search(r"Max open files +(\d+)", limits)[1]) == min(hard, 65536)
