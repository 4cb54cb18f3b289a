# ctest: timeout=300
"""The http service in a browser: its pages, forms, events and WebSockets as a person and a script meet them."""

import json
import shutil
import tempfile
import unittest

from browser import Browser
from support import ProgramTest

CONFIG = """
[services.web]
type = "http"
listen = "127.0.0.1:0"
[services.other]
type = "http"
listen = "127.0.0.1:0"
[services.closed]
type = "http"
listen = "127.0.0.1:0"
cors = false
[services.echo]
listen = "127.0.0.1:0"
"""
VIEWS = [{"width": width, "height": 740, "dark": dark} for width in (320, 1200)
         for dark in (False, True)]

# The texts of the page that differ too little from what is behind them: WCAG 2 wants 4.5 to 1.
PALE = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parts(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const pale = new Set();
  for (const node of document.querySelectorAll("body *")) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    const [a, b] = [parts(getComputedStyle(node).color), behind(node)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.add(node.tagName + ": " + ratio.toFixed(1));
  }
  return [...pale];
})()"""


class BrowserTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="polyport-test-")
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        cls.browser = Browser(cls.home)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.server = self.start(config=CONFIG)

    def page(self, path, service="web", **view):
        page = self.browser.page(**view)
        page.goto(self.server.url(service, path))
        return page

    def assert_readable(self, page, dark):
        self.assertEqual(page.errors, [])
        self.assertEqual(page.run(PALE), [])
        self.assertLessEqual(page.run("document.documentElement.scrollWidth"), page.run("innerWidth"))
        red = int(page.run("getComputedStyle(document.body).backgroundColor").strip("rgb(").split(",")[0])
        self.assertEqual(red < 128, dark)


class Pages(BrowserTest):
    def test_the_index_on_every_screen(self):
        for view in VIEWS:
            with self.subTest(**view):
                page = self.page("/", **view)
                host, port = self.server.address("web")
                self.assertRegex(page.text("h1"),
                                 rf"^You are {host}:\d+\.\s+You reached {host}:{port}\.$")
                self.assertIn(str(self.server.port("echo")), page.text("ul"))
                self.assert_readable(page, view["dark"])

    def test_the_index_leads_to_the_endpoints(self):
        page = self.page("/")
        page.submit('a[href="/headers"]')
        self.assertIn("Accept-Language", page.text())
        self.assertEqual(page.errors, [])

    def test_the_page_to_try_them_on_every_screen(self):
        for view in VIEWS:
            with self.subTest(**view):
                page = self.page("/docs", **view)
                page.wait_until("document.querySelectorAll('details').length > 60")
                page.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
                page.wait_until("document.querySelectorAll('details button').length > 60")
                self.assert_readable(page, view["dark"])

    def try_it(self, page, name, fields=(), body=None):
        """Opens an endpoint of the page, fills its fields in, sends it; the answer as the page shows it."""
        page.run(f"""window.row = [...document.querySelectorAll("details")]
            .find((row) => row.querySelector("code").textContent === {json.dumps(name)})""")
        page.click("(row.querySelector('summary'))")
        for label, value in fields:
            page.type(f"""([...row.querySelectorAll("label")].find(
                (label) => label.querySelector("code").textContent === {json.dumps(label)}))""", value)
        if body is not None:
            page.type("(row.querySelector('textarea'))", body)
        page.click("(row.querySelector('button'))")
        return page.wait_until("/ms\\)|no answer/.test(row.querySelector('pre').innerText) "
                               "&& row.querySelector('pre').innerText")

    def test_an_endpoint_is_tried_by_clicking(self):
        for view in (VIEWS[1], VIEWS[2]):
            page = self.page("/docs", **view)
            page.wait_until("document.querySelectorAll('details').length > 60")
            for name, fields, body, wanted in (
                    ("GET /plain", (), None, ("GET /plain\n200 OK", "\n\nHello, World!")),
                    ("GET /get", [("arguments", "a=1&b=x y")], None, ('"b": [\n      "x y"',)),
                    ("POST /post", (), "some words", ("POST /post\n200 OK", '"some words"')),
                    ("PUT /upload", (), "12345", ('"bytes_received": 5',)),
                    ("GET /base64/encode/{data}", [("data", "a/b?c")], None, ("YS9iP2M=",)),
                    ("GET /range/{n}", [("n", "100"), ("Range", "bytes=2-4")], None,
                     ("206 Partial Content", "\n\ncde")),
                    ("GET /status/{code}", [("code", "201")], None, ("\n201 Created",)),
                    ("GET /bytes/{n}", [("n", "77")], None, ("77 bytes of application/octet-stream",)),
                    # What a path needs is there already, so that one click is enough.
                    ("GET /cache/{seconds}", (), None, ("200 OK", "max-age=60"))):
                with self.subTest(name=name, **view):
                    shown = self.try_it(page, name, fields, body)
                    for part in wanted:
                        self.assertIn(part, shown)
            self.assertEqual(page.errors, [])

    def test_below_a_prefix(self):
        server = self.start(config='[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\n'
                                   'prefix = "/api"\n')
        page = self.browser.page()
        page.goto(server.url("web", "/api/"))
        page.submit('a[href="/api/docs"]')
        page.wait_until("document.querySelectorAll('details').length > 60")
        self.assertIn("GET /api/plain\n200 OK", self.try_it(page, "GET /plain"))
        self.assertEqual(page.errors, [])

    def test_the_form_is_sent(self):
        page = self.page("/forms/post")
        page.type("[name=custname]", "A & B")
        page.type("[name=comments]", "two\nlines")
        page.click("[name=size][value=large]")
        page.click("[name=topping][value=cheese]")
        page.click("[name=topping][value=onion]")
        page.submit("form button")
        answer = json.loads(page.text("pre"))
        self.assertEqual(answer["method"], "POST")
        self.assertEqual(answer["form"], {"custname": ["A & B"], "custtel": [""], "custemail": [""],
                                          "size": ["large"], "topping": ["cheese", "onion"],
                                          "delivery": [""], "comments": ["two\r\nlines"]})
        self.assertEqual(page.errors, [])

    def test_pictures_and_codings_are_shown(self):
        page = self.page("/html")
        for path in ("/image/png", "/image/jpeg", "/image/svg", "/image/webp", "/image"):
            size = page.run(f"""new Promise((done) => {{
                const image = new Image();
                image.onload = () => done([image.naturalWidth, image.naturalHeight]);
                image.onerror = () => done(null);
                image.src = "{path}";
            }})""")
            self.assertEqual(size, [128, 128], path)
        for path, word in (("/gzip", "gzipped"), ("/deflate", "deflated"), ("/brotli", "brotli"),
                           ("/zstd", "zstd")):
            self.assertIs(page.run(f"fetch('{path}').then((a) => a.json()).then((j) => j.{word})"), True,
                          path)
        self.assertEqual(page.errors, [])

    def test_cookies_and_redirects(self):
        page = self.page("/cookies/set?flavour=oat")
        self.assertEqual(json.loads(page.text("pre")), {"flavour": "oat"})
        self.assertTrue(page.run("location.pathname").endswith("/cookies"))
        self.assertEqual(page.run("document.cookie"), "")  # HttpOnly
        page.goto(self.server.url("web", "/cookies/delete?flavour"))
        self.assertEqual(json.loads(page.text("pre")), {})
        page.goto(self.server.url("web", "/redirect/3"))
        self.assertTrue(page.run("location.pathname").endswith("/get"))
        self.assertEqual(page.errors, [])


class Scripts(BrowserTest):
    def test_events_arrive_and_the_browser_comes_back(self):
        """An EventSource connects again when its stream ends: the second stream begins with event 0."""
        page = self.page("/docs")
        seen = page.run("""new Promise((done) => {
            const source = new EventSource("/sse?count=3&duration=100ms");
            const seen = [];
            source.addEventListener("ping", (event) => {
              seen.push(JSON.parse(event.data).id);
              if (seen.length === 6) { source.close(); done(seen); }
            });
            source.onerror = () => {
              seen.push(source.readyState === EventSource.CONNECTING ? "again" : "closed");
              if (source.readyState === EventSource.CLOSED) done(seen);
            };
        })""")
        self.assertEqual(seen[:5], [0, 1, 2, "again", 0])
        self.assertEqual(page.errors, [])

    def test_a_stream_is_read_while_it_comes(self):
        page = self.page("/docs")
        first = page.run("""(async () => {
            const answer = await fetch("/drip?duration=9s&delay=0s&numbytes=5");
            const reader = answer.body.getReader();
            const { value, done } = await reader.read();
            reader.cancel();
            return value.length;
        })()""")
        self.assertLess(first, 5)  # the others are two seconds away, each

    def test_a_websocket_echoes(self):
        page = self.page("/docs")
        seen = page.run("""new Promise((done) => {
            const socket = new WebSocket("ws://" + location.host + "/websocket/echo?hello=true");
            socket.binaryType = "arraybuffer";
            const large = "\\u00e4".repeat(200000);
            const seen = [socket.extensions];
            socket.onopen = () => {
              socket.send("one");
              socket.send(large);
              socket.send(new Uint8Array([0, 255, 254]));
            };
            socket.onmessage = ({ data }) => {
              seen.push(typeof data === "string" ? (data === large ? "large" : data)
                                                 : [...new Uint8Array(data)]);
              if (seen.length === 5) socket.close(1000, "enough");
            };
            socket.onclose = ({ code, wasClean }) => done([...seen, code, wasClean, socket.extensions]);
        })""")
        self.assertIn("127.0.0.1", seen[1])
        self.assertEqual(seen[2:7], ["one", "large", [0, 255, 254], 1000, True])
        self.assertIn("permessage-deflate", seen[7])
        self.assertEqual(page.errors, [])

    def test_pages_of_another_site_may_read_the_answers(self):
        page = self.page("/html")
        ask = """fetch(%s, { method: "PUT", credentials: "include", body: "{}",
                             headers: { "Content-Type": "application/json", "X-Mine": "1" } })
                 .then((answer) => answer.json()).then((echo) => echo.headers["X-Mine"][0])
                 .catch(() => "refused")"""
        # Another port is another origin: the browser asks with OPTIONS first.
        url = self.server.url("other", "/anything")
        self.assertEqual(page.run(ask % json.dumps(url)), "1")
        self.assertEqual(page.errors, [])
        self.assertEqual(page.run(ask % json.dumps(self.server.url("closed", "/anything"))), "refused")

    def test_broken_answers_are_refused(self):
        page = self.page("/html")
        for path in ("two-lengths", "bad-chunk-size", "length-long", "no-last-chunk", "empty",
                     "reset/90"):
            self.assertEqual(page.run(f"fetch('/misbehave/{path}', {{ cache: 'no-store' }})"
                                      ".then((answer) => answer.text()).catch(() => 'refused')"),
                             "refused", path)


if __name__ == "__main__":
    unittest.main()
