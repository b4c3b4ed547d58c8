"""HTTP as bytes: what no proper client would send, over one connection kept open."""
import collections
import socket
from urllib.parse import urlsplit

Reply = collections.namedtuple("Reply", "status headers body")
PATIENCE_S = 30


class Hang(AssertionError):
    pass


class RawClient:
    def __init__(self, url):
        self.url = url
        self.socket = None

    def connect(self):
        parts = urlsplit(self.url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send(self, data):
        """The reply to these bytes; None when the connection was closed without one."""
        try:
            if self.socket is None:
                self.connect()
            try:
                self.socket.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before it had all; the answer may be there
            return self._read(data.startswith(b"HEAD "))
        except TimeoutError:
            self.close()
            raise Hang(f"no answer in {PATIENCE_S} s to {data[:200]!r}") from None

    def request(self, method, target, headers=(), body=None):
        """`target`: text or bytes, sent as it is."""
        target = target if isinstance(target, bytes) else target.encode()
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: x"]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in headers]
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        return self.send(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))

    def _more(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.rest += data
        return bool(data)

    def _read(self, head):
        while b"\r\n\r\n" not in self.rest:
            if not self._more():
                self.close()
                return None
        top, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = top.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {name.strip().lower(): value.strip()
                   for name, _, value in (line.partition(":") for line in lines[1:])}
        if status == 100:
            return self._read(head)
        if "content-length" not in headers or status == 101:
            if not head and status not in (204, 304):
                self.close()  # endless, or ends with the connection: the headers are enough
            return Reply(status, headers, b"")
        length = 0 if head or status in (204, 304) else int(headers["content-length"])
        while len(self.rest) < length:
            if not self._more():
                self.close()
                return Reply(status, headers, self.rest)
        body, self.rest = self.rest[:length], self.rest[length:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, headers, body)
