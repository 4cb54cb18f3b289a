"""What the tests of the http service share: a server of it, and answers that are easy to look at."""

import json

from support import ProgramTest, connect, read_to_end


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:500]!r}"


class HttpTest(ProgramTest):
    """Starts `type = "http"` as "web" with the options of the class."""

    OPTIONS = ""

    def setUp(self):
        self.server = self.start_http(self.OPTIONS)

    def start_http(self, options="", **more):
        return self.start(config='[server]\nname = "polyport"\n[services.web]\ntype = "http"\n'
                                 f'listen = "127.0.0.1:0"\n{options}\n', **more)

    @property
    def address(self):
        return self.server.address("web")

    def ask(self, path, method="GET", body=None, headers=None):
        return Answer(*self.server.get("web", path, method=method, body=body, headers=headers))

    def raw(self, request, half_close=False):
        """The bytes of a request, and everything that comes back until the server closes."""
        with connect(self.address) as sock:
            sock.sendall(request)
            if half_close:
                sock.shutdown(1)
            return read_to_end(sock)

    def ask_raw(self, path, method="GET", more=""):
        """One request that asks for the end of the connection; the answer's bytes."""
        return self.raw(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n"
                        .encode())

    def assert_statuses(self, wanted, **request):
        """{path: status}, each asked for."""
        for path, status in wanted.items():
            with self.subTest(path=path):
                answer = self.ask(path, **request)
                self.assertEqual(answer.status, status, answer)
                if status >= 400 and answer.body and "json" in answer.headers["Content-Type"]:
                    self.assertEqual(answer.json.get("status_code", status), status, answer)
