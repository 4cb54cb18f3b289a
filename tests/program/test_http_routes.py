"""Every row of the http service's table of endpoints, and every parameter of it, is in a test.

The rows come from the program, the tests are read as text: a path counts where a request could be made of it.
That the tests say what they should is theirs to see; that none was forgotten is seen here.
"""

import http.client
import re
import unittest

from http_support import HttpTest
from support import SOURCE, TIMEOUT, cli

HERE = SOURCE / "tests/program"
# docs/http_misbehave.md is a table of requests too: test_http_wire.py sends each of them.
TESTS = [path for pattern in ("test_http*.py", "test_websocket.py", "websocket_client.py", "test_browser.py")
         for path in sorted(HERE.glob(pattern)) if path.name != "test_http_routes.py"]
TESTS += [SOURCE / "docs/http_misbehave.md", *sorted((SOURCE / "tests/data").glob("http*/*.md"))]


def rows():
    """[(path, methods, [parameter])] of the table."""
    reference = cli("services", "http", "--reference").out
    found = []
    for path, methods, rest in re.findall(r"(?m)^\| `(\S+)` \| (\S+) \| (.*)\|$", reference):
        parameters = re.findall(r"`\?([\w-]+)(?:=[^`]*)?`", rest)
        found.append((path, methods, parameters))
    return found


def as_pattern(path):
    """What a request of this path looks like in a test; "/api" is the prefix of some."""
    parts = re.split(r"\{\w+\}", path)
    return r"(?<![\w/}])(?:/api)?" + r"[^/\s\"'?]+".join(map(re.escape, parts))


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows()
        cls.text = "\n".join(path.read_text() for path in TESTS)

    def test_the_table_is_read(self):
        self.assertGreaterEqual(len(self.rows), 120)
        self.assertIn(("/status/{code}", "any", []), self.rows)
        self.assertIn(("/range/{n}", "any", ["duration"]), self.rows)

    def test_every_path_is_asked_for(self):
        missing = [path for path, _, _ in self.rows
                   if not re.search(as_pattern(path) + r"(?![\w/-])", self.text)]
        self.assertEqual(missing, [])

    def test_every_parameter_is_used(self):
        missing = [f"{path}?{name}" for path, _, names in self.rows for name in names
                   if not re.search(as_pattern(path) + r"\?[^\"'\s]*?(?<=[?&])" + re.escape(name) + r"\b",
                                    self.text)]
        self.assertEqual(missing, [])

    def test_what_is_no_test_is_not_taken_for_one(self):
        self.assertIsNone(re.search(as_pattern("/no/such/{thing}"), self.text))
        self.assertIsNone(re.search(as_pattern("/get") + r"(?![\w/-])", '"/getter" "/a/get"'))
        self.assertIsNotNone(re.search(as_pattern("/a/{b}/c") + r"(?![\w/-])", '"/a/{x}/c?d=1"'))


class Table(HttpTest):
    """Each route of the table with each of its methods, and with one that it has not."""

    OPTIONS = "unsafe = true\n"
    # What an answer to the example is, where it is not good; everything else is below 400.
    EXPECTED = {"/status/{code}": 418, "/basic-auth/{user}/{password}": 401,
                "/hidden-basic-auth/{user}/{password}": 404, "/bearer": 401, "/header": 400,
                "/redirect-to": 400, "/dial": 400, "/base64/{operation}/{data}": 400,
                "/websocket/echo": 426}
    # They take their time, or end something; each has tests of its own.
    LEFT_OUT = ("/misbehave/", "/exit", "/delay/", "/drip", "/sse", "/unstable", "/health", "/ready",
                "/flaky/")

    def setUp(self):
        folder = self.folder()
        (folder / "index.html").write_text("<!doctype html><title>here</title>")
        super().setUp()
        self.server = self.start_http(f'{self.OPTIONS}root = "{folder}"\n')
        self.connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT)
        self.addCleanup(self.connection.close)

    def answer(self, method, path, body=None):
        self.connection.request(method, path, body=body)
        response = self.connection.getresponse()
        response.read()
        self.assertEqual(response.headers["X-Served-By"], "web", (method, path))
        return response

    def test_every_row_answers_as_it_says(self):
        paths = self.ask("/openapi.json").json["paths"]
        self.assertGreater(len(paths), 90)
        for kind in ("cut", "reset"):  # of an answer of 97 bytes
            number = paths["/misbehave/%s/{n}" % kind]["get"]["parameters"][0]["example"]
            self.assertLessEqual(int(number), 97)
        for path, operations in paths.items():
            if path.startswith(self.LEFT_OUT):
                continue
            first = next(iter(operations.values()))
            address = path
            for parameter in first["parameters"]:
                if parameter["in"] == "path":
                    value = "" if path.startswith("/files/") else parameter["example"]
                    address = address.replace("{%s}" % parameter["name"], value)
            wanted = 401 if path.startswith("/digest-auth/") else self.EXPECTED.get(path)
            for method, operation in operations.items():
                with self.subTest(path=path, method=method):
                    body = "a body" if "requestBody" in operation else None
                    status = self.answer(method.upper(), address, body).status
                    if wanted:
                        self.assertEqual(status, wanted)
                    else:
                        self.assertLess(status, 400)
            if len(operations) == 6:
                continue
            with self.subTest(path=path, method="another"):
                answer = self.answer("BREW", address)
                self.assertEqual(answer.status, 405)
                own = {method.upper() for method in operations}
                own |= {"OPTIONS"} | ({"HEAD"} if "GET" in own else set())
                self.assertEqual(set(answer.headers["Allow"].split(", ")), own)


if __name__ == "__main__":
    unittest.main()
