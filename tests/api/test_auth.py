"""Logging in, users, and the port that asks for a session."""
import base64
import contextlib
import hashlib
import hmac
import json
import re
import time

import pytest

from conftest import CONFIG, System, message
from corvette import wait_for
from rawhttp import RawClient

ROUNDS = "hash_iterations: 1000"


def start(folder, auth="", sections=""):
    config = CONFIG + f"auth: {{{ROUNDS}{auth}}}\n{sections}"
    return System(config, folder, ["--listen-auth", "127.0.0.1:0"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with start(tmp_path_factory.mktemp("auth"), sections="tls: {enabled: false}\n") as system:
        first_password(system)
        yield system


def first_password(system):
    return re.search(r"made user admin with password ([0-9a-f]{32})$",
                     system.wait_log("made user admin"))[1]


def log_in(system, user, password, **options):
    return system.request("POST", "/api/login", json={"user": user, "password": password}, **options)


def token_of(answer):
    return re.match(r"frigate_token=([^;]+);", answer.headers["Set-Cookie"])[1]


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def forge(secret, claims, algorithm="HS256"):
    """A token as anyone can make who knows the secret."""
    text = part(json.dumps({"alg": algorithm}).encode()) + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.digest(secret.encode(), text.encode(), "sha256"))


@pytest.fixture
def admin(guarded):
    """A session of a user of its own."""
    guarded.run_sql("DELETE FROM user")
    salt = "0123456789abcdef0123456789abcdef"
    key = hashlib.pbkdf2_hmac("sha256", b"open-sesame", salt.encode(), 1000)
    guarded.run_sql("INSERT INTO user VALUES ('admin', ?)",
                    f"pbkdf2_sha256$1000${salt}${base64.b64encode(key).decode()}")
    return token_of(log_in(guarded, "admin", "open-sesame"))


def test_the_first_user(tmp_path):
    """A user is made once, its password is said once and works."""
    with start(tmp_path, sections="tls: {enabled: false}\n") as system:
        password = first_password(system)
        assert system.json("/api/users") == [{"username": "admin"}]
        assert log_in(system, "admin", password).json() == {}
        row = system.run_sql("SELECT password_hash FROM user")[0][0]
        assert re.fullmatch(r"pbkdf2_sha256\$1000\$[0-9a-f]{32}\$[A-Za-z0-9+/]{43}=", row)
        system.stop()
        system.log.clear()
        system.url = None
        system.start()
        assert log_in(system, "admin", password).status_code == 200
        assert not [line for line in system.log if "password" in line]


def test_a_new_password_for_admin(tmp_path):
    with start(tmp_path, auth=", reset_admin_password: true") as system:
        old = first_password(system)
        system.stop()
        system.url = None
        system.start()
        line = system.wait_log("admin has the new password")
        new = re.search(r"new password ([0-9a-f]{32});", line)[1]
        assert new != old
        assert log_in(system, "admin", old).status_code == 400
        assert log_in(system, "admin", new).status_code == 200


def test_logging_in(guarded, admin):
    for where in (False, True):
        answer = log_in(guarded, "admin", "open-sesame", guarded=where)
        assert answer.status_code == 200 and answer.text == "{}\n"
        assert re.fullmatch(r"frigate_token=[\w.-]+; Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT;"
                            r" HttpOnly; Path=/", answer.headers["Set-Cookie"])
    claims = json.loads(base64.urlsafe_b64decode(admin.split(".")[1] + "=="))
    assert claims["sub"] == "admin" and abs(claims["exp"] - time.time() - 86400) < 60


@pytest.mark.parametrize("user, password", [
    ("admin", "open-sesamE"), ("admin", ""), ("", ""), ("Admin", "open-sesame"), ("nobody", "open-sesame"),
    ("admin' OR 1=1 --", "x"), ("\u8eca", "\u8eca"), ("a" * 1000, "b" * 1000)])
def test_failed_logins(guarded, admin, user, password):
    answer = log_in(guarded, user, password)
    assert answer.status_code == 400 and answer.json() == {"message": "Login failed"}
    assert "Set-Cookie" not in answer.headers
    assert not [line for line in guarded.log if len(password) > 4 and password in line]


@pytest.mark.parametrize("method, path", [("POST", "/api/login"), ("POST", "/api/users"),
                                          ("PUT", "/api/users/admin/password")])
def test_bodies(guarded, admin, method, path):
    def send(body, kind="application/json"):
        return guarded.request(method, path, data=body, headers={"Content-Type": kind})
    message(send('{"user":"a","username":"a","password":"b"}', "text/plain"), 415,
            "The body must be application/json")
    for bad in ("", "{", "[]", '"x"', "null", "{\"user\":\"\\u0000\"}", "\xff", '{"a":1,"a":2}',
                "[" * 100000):
        message(send(bad), 400, "The body is not a JSON object")
    for lacking in ('{}', '{"user":1,"username":1,"password":1}', '{"user":"u","username":"u","password":null}',
                    json.dumps({"user": "u" * 2000, "username": "u" * 2000, "password": "p" * 2000})):
        answer = send(lacking)
        assert answer.status_code == 400 and re.search("must be given|longer than", answer.json()["message"])


GUARDED = ["/api/", "/api/events", "/api/events/x", "/api/nocam", "/api/config", "/api/users", "/api/profile",
           "/api/back/latest.jpg", "/vod/back/start/1/end/2/master.m3u8", "/clips/x.jpg", "/recordings/",
           "/exports/", "/ws", "/live/x", "/%61pi/events", "/api/login/x", "/api/openapi.json",
           "/clips", "/%63lips/x.jpg"]


@pytest.mark.parametrize("path", GUARDED)
def test_nobody_gets_in_without_a_session(guarded, admin, path):
    for cookie in (None, "", "x", "a.b.c", admin[:-2], admin + "x"):
        cookies = {} if cookie is None else {"frigate_token": cookie}
        answer = guarded.request("GET", path, guarded=True, cookies=cookies)
        message(answer, 401, "Log in first")
        assert answer.headers["Location"] == "/login"
    with_session = guarded.request("GET", path, guarded=True, cookies={"frigate_token": admin})
    assert with_session.status_code != 401
    bearer = guarded.request("GET", path, guarded=True, headers={"Authorization": f"Bearer {admin}"})
    assert bearer.status_code == with_session.status_code and "Set-Cookie" not in bearer.headers


def test_what_was_answered_to_others_needs_a_session(guarded, admin):
    for _ in range(3):
        assert guarded.get("/api/labels").status_code == 200
        assert guarded.get("/api/labels", guarded=True).status_code == 401
        answer = guarded.get("/api/labels", guarded=True, cookies={"frigate_token": admin})
        assert answer.status_code == 200 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
def test_no_method_gets_around(guarded, admin, method):
    for path in ("/api/events", "/api/restart", "/api/users/admin", "/clips/x"):
        assert guarded.request(method, path, guarded=True).status_code == 401
    assert guarded.json("/api/users") == [{"username": "admin"}]


def test_the_page_is_free(guarded):
    for path in ("/", "/login", "/app.js", "/style.css", "/some/where"):
        assert guarded.request("GET", path, guarded=True).status_code == 200


def test_forged_tokens(guarded, admin):
    secret = (guarded.data / ".jwt_secret").read_text()
    later = int(time.time()) + 1000
    good = forge(secret, {"sub": "admin", "exp": later})
    bad = [forge("guess", {"sub": "admin", "exp": later}), forge(secret, {"sub": "admin", "exp": 1000}),
           forge(secret, {"sub": "admin"}), forge(secret, {"exp": later}),
           forge(secret, {"sub": 5, "exp": later}), forge(secret, {"sub": "admin", "exp": "9999999999"}),
           forge(secret, {"sub": "admin", "exp": later}, "none"),
           forge(secret, {"sub": "admin", "exp": later}, "HS512"), forge(secret, [])]
    for token, status in [(good, 202)] + [(token, 401) for token in bad]:
        answer = guarded.request("GET", "/api/auth", guarded=True, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.text) == (status, "{}\n")


def test_who_am_i(guarded, admin):
    assert guarded.json("/api/profile") == {"username": None}
    cookies = {"frigate_token": admin}
    assert guarded.json("/api/profile", guarded=True, cookies=cookies) == {"username": "admin"}
    answer = guarded.request("GET", "/api/auth", guarded=True, cookies=cookies)
    assert answer.headers["Remote-User"] == "admin"
    assert guarded.request("GET", "/api/auth").status_code == 202


def test_logging_out(guarded, admin):
    answer = guarded.request("GET", "/api/logout", guarded=True, allow_redirects=False)
    assert answer.status_code == 303 and answer.headers["Location"] == "/login"
    assert answer.headers["Set-Cookie"] == ("frigate_token=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; "
                                            "Max-Age=0; Path=/")


def test_users(guarded, admin):
    def add(name, password="p w"):
        return guarded.request("POST", "/api/users", json={"username": name, "password": password})
    assert add("new.user").json() == {"username": "new.user"}
    assert add("with/slash \u8eca").json() == {"username": "with/slash \u8eca"}
    assert [u["username"] for u in guarded.json("/api/users")] == ["admin", "new.user", "with/slash \u8eca"]
    message(add("new.user"), 400, "There is a user new.user already")
    assert log_in(guarded, "new.user", "p w").status_code == 200
    answer = guarded.request("PUT", "/api/users/new.user/password", json={"password": "other"})
    assert answer.text == '{"success":true}\n'
    assert log_in(guarded, "new.user", "p w").status_code == 400
    assert log_in(guarded, "new.user", "other").status_code == 200
    for name in ("new.user", "with%2Fslash%20%E8%BB%8A", "nobody"):
        assert guarded.request("DELETE", f"/api/users/{name}").text == '{"success":true}\n'
    assert guarded.json("/api/users") == [{"username": "admin"}]
    answer = guarded.request("PUT", "/api/users/new.user/password", json={"password": "x"})
    message(answer, 404, "There is no user new.user")


@pytest.mark.parametrize("name, password", [("", "x"), ("a" * 31, "x"), ("a\nb", "x"), ("ann", "")])
def test_users_that_cannot_be(guarded, admin, name, password):
    answer = guarded.request("POST", "/api/users", json={"username": name, "password": password})
    assert answer.status_code == 400
    assert guarded.json("/api/users") == [{"username": "admin"}]


def test_sessions_are_renewed(tmp_path):
    """With a cookie only, while the user is there."""
    auth = ", session_length: 60, refresh_time: 3600, cookie_secure: true, cookie_name: mine"
    with start(tmp_path, auth, "tls: {enabled: false}\n") as system:
        answer = log_in(system, "admin", first_password(system))
        assert re.search(r"^mine=.*; Secure; HttpOnly; Path=/$", answer.headers["Set-Cookie"])
        token = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
        def ask(**options):
            return system.request("GET", "/api/profile", guarded=True, **options)
        renewed = ask(cookies={"mine": token})
        assert renewed.status_code == 200 and renewed.headers["Set-Cookie"].startswith("mine=")
        assert "Set-Cookie" not in ask(headers={"Authorization": f"Bearer {token}"}).headers
        system.run_sql("DELETE FROM user")
        assert ask(cookies={"mine": token}).status_code == 401
        assert ask(headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_strangers_cannot_fill_the_memory(guarded, admin, chunked):
    """Their bodies are not taken in before it is known who they are."""
    def ask(path, size, length=None, **headers):
        lines = [f"POST {path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items())]
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length or size}")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size) if chunked else b"x" * size
        client = RawClient(guarded.guarded_url)
        with contextlib.closing(client):
            return client.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body).status
    wait_for(lambda: guarded.guarded_url, "the port that asks for a login")
    assert ask("/api/config/save", 60000) == 401
    assert ask("/api/login", 60000) == 415
    if chunked:
        assert ask("/api/login", 70000) == 413
        assert ask("/api/config/save", 70000) == 401
    else:
        # Nothing of it is sent: the answer does not wait for it.
        assert ask("/api/login", 0, 70000) == 413
        assert ask("/api/config/save", 0, 3000000) == 401
    assert ask("/api/config/save", 70000, Authorization=f"Bearer {admin}") == 400


def test_failed_logins_are_limited(tmp_path):
    auth = ', failed_login_rate_limit: "3/hour", trusted_proxies: [127.0.0.1]'
    with start(tmp_path, auth, "tls: {enabled: false}\n") as system:
        password = first_password(system)
        def attempt(word, client):
            return log_in(system, "admin", word, headers={"X-Forwarded-For": client})
        for _ in range(5):
            assert attempt(password, "1.2.3.4").status_code == 200
        assert [attempt("wrong", "1.2.3.4").status_code for _ in range(4)] == [400, 400, 400, 429]
        answer = attempt(password, "1.2.3.4")
        assert answer.status_code == 429 and 3000 < int(answer.headers["Retry-After"]) <= 3600
        assert attempt(password, "1.2.3.5").status_code == 200
        # What the client says of itself stands before what the proxy says, in one header or in two.
        assert attempt(password, "1.2.3.5, 1.2.3.4").status_code == 429
        body = b'{"user": "admin", "password": "wrong"}'
        with contextlib.closing(RawClient(system.url)) as client:
            headers = [("Content-Type", "application/json"), ("X-Forwarded-For", "1.2.3.5"),
                       ("X-Forwarded-For", "1.2.3.4")]
            assert client.request("POST", "/api/login", headers, body).status == 429


def test_a_proxy_that_authenticates(tmp_path):
    sections = "tls: {enabled: false}\nproxy: {header_map: {user: X-User}, auth_secret: s3cret}\n"
    with start(tmp_path, ", enabled: false", sections) as system:
        def ask(**headers):
            return system.request("GET", "/api/profile", guarded=True, headers=headers)
        assert ask().status_code == 401
        assert ask(**{"X-Proxy-Secret": "s3creT", "X-User": "ann"}).status_code == 401
        assert ask(**{"X-Proxy-Secret": "s3cret", "X-User": "ann"}).json() == {"username": "ann"}
        assert ask(**{"X-Proxy-Secret": "s3cret"}).json() == {"username": "anonymous"}
        assert system.json("/api/users") == []  # nobody needs one


def test_over_tls(tmp_path):
    with start(tmp_path) as system:
        wait_for(lambda: system.guarded_url, "the port that asks for a login")
        assert system.guarded_url.startswith("https://")
        certificate = tmp_path / "tls/fullchain.pem"
        assert (tmp_path / "tls/privkey.pem").stat().st_mode & 0o777 == 0o600
        url = system.guarded_url
        system.guarded_url = url.replace("127.0.0.1", "corvette")
        answer = None
        with resolved("corvette"):
            answer = system.request("POST", "/api/login", guarded=True, verify=str(certificate),
                                    json={"user": "admin", "password": first_password(system)})
            cookies = {"frigate_token": token_of(answer)}
            events = system.request("GET", "/api/events", guarded=True, verify=str(certificate),
                                    cookies=cookies)
        assert events.json() == []


class resolved:
    """The name stands for this machine."""
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        import socket
        self.socket, self.original = socket, socket.getaddrinfo
        socket.getaddrinfo = lambda host, *rest, **more: self.original(
            "127.0.0.1" if host == self.name else host, *rest, **more)

    def __exit__(self, *_):
        self.socket.getaddrinfo = self.original
