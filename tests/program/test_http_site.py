# ctest: timeout=300
"""The http service as a whole: health, the end, the access log, its own documents."""

import json
import os
import re
import signal
import socket
import subprocess
import unittest

from http_support import HttpTest
from support import BINARY, SOURCE, cli, connect, read_to_end, run_tool, wait_until


class Health(HttpTest):
    def test_it_can_be_set(self):
        for path in ("/health", "/ready"):
            self.assertEqual(self.ask(path).status, 200)
            for status in (503, 404, 200, 599):
                self.assertEqual(self.ask(path, method="POST", body=f"{status}\n").status, 200)
                self.assertEqual(self.ask(path).status, status)
            for bad in ("199", "600", "", "x", "200 200", "{}"):
                self.assertEqual(self.ask(path, method="POST", body=bad).status, 400, bad)
            self.assertEqual(self.ask(path).status, 599)
            self.assertEqual(self.ask(path, method="DELETE").headers["Allow"],
                             "GET, HEAD, POST, PUT, OPTIONS")

    def test_a_draining_server_is_not_ready(self):
        with connect(self.address) as sock:
            sock.sendall(b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(sock.recv(65536).startswith(b"HTTP/1.1 200 "))

            def is_draining():
                sock.sendall(b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n")
                return b"draining" in sock.recv(65536)

            self.server.signal(signal.SIGTERM)
            wait_until(is_draining, "/ready says so")
        self.assertEqual(self.server.wait(), 0)


class End(HttpTest):
    OPTIONS = "unsafe = true\n"

    def test_as_a_crash(self):
        answer = self.ask("/exit?code=7", method="POST")
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.server.wait(), 7)
        self.assertIn("exit_asked_for", self.server.stderr())

    def test_in_order(self):
        self.assert_statuses({"/exit?code=-1": 400, "/exit?code=256": 400, "/exit?code=x": 400,
                              "/exit?wait=11s": 400})
        self.assertEqual(self.ask("/exit?wait=100ms").status, 200)
        self.assertEqual(self.ask("/plain").status, 200)
        self.assertEqual(self.server.wait(), 0)


class NoEnd(HttpTest):
    def test_nobody_can_end_it(self):
        self.assertEqual(self.ask("/exit", method="POST").status, 404)


class AccessLog(HttpTest):
    OPTIONS = ""

    def logged(self, kind, requests, lines, options=""):
        """The lines of a server's log after these requests."""
        path = self.folder() / "access.log"
        server = self.start_http(f'access_log = "{kind}"\naccess_log_target = "{path}"\n{options}')
        for request in requests:
            with connect(server.address("web")) as sock:
                sock.sendall(request)
                read_to_end(sock)
        # Handed over after a second at most, without the server's end.
        text = wait_until(lambda: path.read_text() if path.read_text().count("\n") >= lines else "",
                          "the lines are written")
        server.stop()
        self.assertEqual(path.read_text(), text)
        return text.splitlines()

    REQUESTS = [b"GET /plain?a=\"b HTTP/1.1\r\nHost: a\r\nReferer: http://x/\"\r\n"
                b"User-Agent: t\xe4st\\er\r\nConnection: close\r\n\r\n",
                b"POST /status/503 HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
                b"nonsense\r\n\r\n"]

    def test_common(self):
        lines = self.logged("common", self.REQUESTS, 3)
        time = r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\]"
        self.assertRegex(lines[0], rf'^127\.0\.0\.1 - - {time} "GET /plain\?a=\\"b HTTP/1\.1" 200 13$')
        self.assertRegex(lines[1], rf'^127\.0\.0\.1 - - {time} "POST /status/503 HTTP/1\.0" 503 -$')
        self.assertRegex(lines[2], rf'^127\.0\.0\.1 - - {time} "-" 400 \d+$')

    def test_combined(self):
        lines = self.logged("combined", self.REQUESTS, 3)
        self.assertTrue(lines[0].endswith(r' 200 13 "http://x/\"" "t\xe4st\\er"'), lines[0])
        self.assertTrue(lines[1].endswith(' 503 - "-" "-"'), lines[1])

    def test_json_and_the_client_behind_a_proxy(self):
        request = (b"GET /get HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n"
                   b"Connection: close\r\n\r\n")
        lines = self.logged("json", self.REQUESTS + [request], 4, 'trusted_proxies = "127.0.0.1"\n')
        entries = [json.loads(line) for line in lines]
        self.assertEqual(entries[0]["target"], '/plain?a="b')
        self.assertEqual((entries[0]["status"], entries[0]["bytes"], entries[0]["method"],
                          entries[0]["version"], entries[0]["service"]),
                         (200, 13, "GET", "HTTP/1.1", "web"))
        self.assertEqual(entries[0]["user_agent"], "t\ufffdst\\er")
        self.assertTrue(entries[0]["complete"])
        self.assertRegex(entries[0]["request"], r"^w\d+-\d+-\d+/1$")
        self.assertEqual(entries[3]["client"], "192.0.2.7")
        self.assertEqual(entries[2]["status"], 400)

    def test_an_answer_that_was_cut_is_logged_as_such(self):
        path = self.folder() / "access.log"
        server = self.start_http(f'access_log = "json"\naccess_log_target = "{path}"')
        with connect(server.address("web")) as sock:
            sock.sendall(b"GET /drip?duration=5s&delay=0s&numbytes=5 HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        entry = json.loads(wait_until(lambda: path.read_text(), "the line is written"))
        self.assertEqual((entry["complete"], entry["status"]), (False, 200))
        self.assertLess(entry["bytes"], 5)

    def test_off_is_off(self):
        server = self.start_http("access_log = false\n")
        server.get("web", "/get")
        server.stop()
        self.assertNotIn("/get", server.stdout() + server.stderr())

    def test_standard_output(self):
        server = self.start_http('access_log = "common"\n')
        server.get("web", "/get")
        server.stop()
        self.assertRegex(server.stdout(), r'"GET /get HTTP/1\.1" 200 \d+\n')

    def test_a_target_that_cannot_be_opened(self):
        with self.assertRaises(AssertionError) as caught:
            self.start_http('access_log = "common"\naccess_log_target = "/nonexistent/x/log"')
        self.assertIn("cannot be written", str(caught.exception))
        self.assertRegex(str(caught.exception), r"polyport\.toml:7:\d+")

    def test_a_reader_that_stands_still_stalls_nobody(self):
        fifo = self.folder() / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        server = self.start_http(f'access_log = "combined"\naccess_log_target = "{fifo}"')
        request = b"GET /plain HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"x" * 100 + b"\r\n\r\n"
        answers = 0
        with connect(server.address("web")) as sock:
            for _ in range(40):  # some 7 MB of lines; pipe and blocks hold little over 1 MB
                sock.sendall(request * 1000)
                left = 1000
                data = b""
                while left:
                    data = data[-20:] + sock.recv(1 << 16)
                    found = data.count(b"Hello, World!")
                    left -= found
                    answers += found
                    data = data[data.rfind(b"Hello, World!") + 1:] if found else data
        self.assertEqual(answers, 40_000)
        wait_until(lambda: "access_log_dropped" in server.stderr(), "the loss is told")
        self.assertEqual(server.get("web", "/plain")[0], 200)


class Documents(HttpTest):
    OPTIONS = 'prefix = "/api"\n'

    def test_the_index_lists_every_endpoint(self):
        text = self.ask("/api/").text
        page = self.ask("/api/", headers={"Accept": "text/html"}).text
        reference = cli("services", "http", "--reference").out
        for row in re.findall(r"(?m)^\| `(\S+)` \| \S+ \| (.*?) \|", reference):
            path, summary = row
            if "(only with" in summary:
                self.assertNotIn(path + " ", text)
                continue
            self.assertIn(path, text)
            self.assertIn(f"<code>{path}</code>", page)
        for link in re.findall(r'href="(/api/[^"]*)"', page):
            link = link.replace("&amp;", "&")
            if "/misbehave" in link or "/delay" in link or "/drip" in link or "hidden" in link:
                continue
            status = self.ask(link).status
            self.assertNotIn(status, (404, 405), link)

    def test_openapi(self):
        document = self.ask("/api/openapi.json").json
        self.assertEqual(document["openapi"], "3.0.3")
        self.assertEqual(document["servers"][0]["url"], self.server.url("web", "/api"))
        self.assertEqual(set(document["paths"]["/upload"]), {"post", "put", "patch"})
        self.assertEqual(set(document["paths"]["/health"]), {"get", "post", "put"})
        self.assertIn("requestBody", document["paths"]["/post"]["post"])
        for path, operations in document["paths"].items():
            placed = set(re.findall(r"\{(\w+)\}", path))
            self.assertTrue(operations, path)
            for method, operation in operations.items():
                described = {parameter["name"] for parameter in operation["parameters"]
                             if parameter["in"] == "path"}
                self.assertEqual(described, placed, path)
                self.assertIn("default", operation["responses"])
                for parameter in operation["parameters"]:
                    self.assertIn(parameter["schema"]["type"],
                                  ("string", "integer", "number", "boolean", "object"))

    def test_the_page_to_try_them_runs_its_own_script_only(self):
        import base64, hashlib
        answer = self.ask("/api/docs")
        script = re.search(r"<script>(.*)</script>", answer.text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        self.assertIn(f"script-src 'sha256-{digest}'", answer.headers["Content-Security-Policy"])
        file = self.folder() / "page.js"
        file.write_text(script)
        done = run_tool("node", "--check", file)
        self.assertEqual(done.code, 0, done)

    def test_the_pages_of_the_tree_are_those_of_the_table(self):
        done = subprocess.run([str(SOURCE / "scripts/http_reference"), "--check", str(BINARY)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout.decode())


NODE = """
const http = require("http"), assert = require("assert");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ask = (method, path, body) => new Promise((done, failed) => {
  const request = http.request(process.argv[2] + path, { method, agent }, (answer) => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (part) => (text += part));
    answer.on("end", () => done({ answer, text }));
    answer.on("error", failed);
  });
  request.on("error", failed);
  request.end(body);
});
(async () => {
  const echo = JSON.parse((await ask("POST", "/anything", "a=1")).text);
  assert.strictEqual(echo.method, "POST");
  const { answer } = await ask("POST", "/trailers?X-Sum=42", "");
  assert.strictEqual(answer.trailers["x-sum"], "42");
  const lines = (await ask("GET", "/stream/5")).text.trim().split("\\n");
  assert.strictEqual(lines.length, 5);
  const events = (await ask("GET", "/sse?count=3&duration=50ms")).text;
  assert.strictEqual(events.split("event: ping").length, 4);
  assert.strictEqual(JSON.parse((await ask("GET", "/socket")).text).requests, 5);
  const upload = await new Promise((done, failed) => {
    const headers = { Expect: "100-continue", "Transfer-Encoding": "chunked" };
    const request = http.request(process.argv[2] + "/upload", { method: "PUT", agent, headers });
    request.on("continue", () => {
      for (let i = 0; i < 100; ++i) request.write("x".repeat(1000));
      request.end();
    });
    request.on("response", (answer) => answer.on("data", (part) => done(JSON.parse(part))));
    request.on("error", failed);
    request.flushHeaders();
  });
  assert.deepStrictEqual(upload, { bytes_received: 100000 });
  for (const path of ["two-lengths", "both-framings", "bad-chunk-size", "no-colon", "garbage",
                      "length-long", "no-last-chunk", "empty", "reset/90"]) {
    await assert.rejects(ask("GET", "/misbehave/" + path), path);
  }
  agent.destroy();
  console.log("all good");
})().catch((error) => { console.error(error); process.exit(1); });
"""


class Node(HttpTest):
    def test_its_client_keeps_alive_reads_streams_and_notices_what_is_broken(self):
        script = self.folder() / "client.js"
        script.write_text(NODE)
        done = run_tool("node", script, self.server.url("web", ""), timeout=60)
        self.assertEqual((done.code, done.out), (0, "all good\n"), done)


class Reference(HttpTest):
    def setUp(self):
        pass

    def test_only_for_types_that_have_one(self):
        self.assertEqual(cli("services", "http", "--reference").code, 0)
        for args in (("services", "echo", "--reference"), ("services", "--reference")):
            result = cli(*args)
            self.assertEqual((result.code, result.out), (2, ""))
            self.assertIn("http", result.err)


if __name__ == "__main__":
    unittest.main()
