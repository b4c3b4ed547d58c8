"""An HTTP server for the machines Corvette speaks to, played by tests: on a free port, each
connection on a thread, clients that go away being nothing to speak of."""
import http.server
import sys
import threading


class PeerServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handle):
        """`handle(request)`, a BaseHTTPRequestHandler, is called for every GET, POST and PUT."""

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                handle(self)

            do_GET = do_PUT = do_POST

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_port

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def start(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
