# ctest: timeout=300
"""nginx and HAProxy in front of the http service, as they stand in front of everything in production."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from support import (Server, TIMEOUT, ProgramTest, connect, peak_bytes, read_exactly, read_to_end, tool,
                     tool_environment)
from websocket_client import BINARY, TEXT, WebSocket, close, frame, text

MIB = 1024 * 1024
PROXY, CLIENT = "127.0.0.11", "127.0.0.12"  # both on loopback, and not the server's 127.0.0.1

WEB = """
[services.web]
type = "http"
listen = "127.0.0.1:0"
trusted_proxies = ["127.0.0.11"]
[services.wary]
type = "http"
listen = "127.0.0.1:0"
max_body = "10KiB"
"""

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream web {{ server 127.0.0.1:{web}; keepalive 8; }}
  upstream wary {{ server 127.0.0.1:{wary}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_bind 127.0.0.11;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto https;
    proxy_request_buffering off;
    proxy_buffering off;
    location / {{ proxy_pass http://web; }}
    location /wary/ {{ proxy_pass http://wary/; }}
    location /old/ {{
      proxy_http_version 1.0;
      proxy_set_header Connection "";
      proxy_request_buffering on;
      proxy_buffering on;
      proxy_pass http://web/;
    }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 512
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  option forwardfor
  http-reuse always
frontend front
  bind fd@{fd}
  http-request set-header X-Forwarded-Proto https
  http-request set-var(txn.wary) bool(true) if {{ path_beg /wary/ }}
  http-request replace-path /wary(/.*) \\1
  use_backend wary if {{ var(txn.wary) -m bool }}
  default_backend web
backend web
  server s 127.0.0.1:{web} source 127.0.0.11
backend wary
  server s 127.0.0.1:{wary} source 127.0.0.11
"""


class Proxied:
    """What every proxy must bring about; start_proxy() is that of the class below."""

    @classmethod
    def setUpClass(cls):
        program = tool(cls.PROGRAM)
        cls.server = Server(config=WEB)
        cls.addClassCleanup(cls.server.remove)
        cls.addClassCleanup(cls.server.stop)
        # The proxy gets a socket that listens already: a free port, and no time at which it is not there.
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            cls.address = listener.getsockname()
            folder = pathlib.Path(cls.server.folder)
            ports = {name: cls.server.port(name) for name in ("web", "wary")}
            command, more = cls.command(program, folder, listener.fileno(), ports)
            cls.log = open(folder / "proxy.log", "wb")
            cls.proxy = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=cls.log,
                                         stderr=cls.log, env=tool_environment(more),
                                         pass_fds=[listener.fileno()], start_new_session=True)
        cls.addClassCleanup(cls.end_proxy)
        try:
            with socket.create_connection(cls.address, timeout=TIMEOUT) as sock:
                sock.sendall(b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert read_to_end(sock).endswith(b"Hello, World!")
        except (OSError, AssertionError):
            raise AssertionError(f"{cls.PROGRAM} did not start:\n"
                                 + (folder / "proxy.log").read_text(errors="replace"))

    @classmethod
    def end_proxy(cls):
        cls.proxy.terminate()
        try:
            cls.proxy.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(cls.proxy.pid, signal.SIGKILL)
            cls.proxy.wait(10)
        cls.log.close()

    def client(self):
        connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT,
                                                source_address=(CLIENT, 0))
        self.addCleanup(connection.close)
        return connection

    def ask(self, path, method="GET", body=None, headers=None, connection=None, **more):
        connection = connection or self.client()
        connection.request(method, path, body=body, headers=headers or {}, **more)
        response = connection.getresponse()
        return response, response.read()

    def test_one_connection_to_the_server_for_many_requests(self):
        connection = self.client()
        ports, requests = set(), 0
        for number in range(30):
            answer, body = self.ask(f"/anything/{number}", "POST", b"x" * number, connection=connection)
            self.assertEqual((answer.status, json.loads(body)["url"].rpartition("/")[2]),
                             (200, str(number)))
            seen = json.loads(self.ask("/socket", connection=connection)[1])
            ports.add(seen["client"]["port"])
            requests = max(requests, seen["requests"])
        self.assertLessEqual(len(ports), 2)
        self.assertGreaterEqual(requests, 30)

    def test_answers_without_a_body_keep_their_place(self):
        connection = self.client()
        for _ in range(5):
            for method, path, status, size in (
                    ("HEAD", "/bytes/1000", 200, 0), ("GET", "/status/204", 204, 0),
                    ("HEAD", "/stream/3", 200, 0), ("GET", "/etag/x", 304, 0), ("GET", "/plain", 200, 13),
                    ("GET", "/range/100", 206, 10)):
                headers = {"If-None-Match": '"x"'} if "etag" in path else {"Range": "bytes=0-9"}
                answer, body = self.ask(path, method, headers=headers, connection=connection)
                self.assertEqual((answer.status, len(body)), (status, size), path)

    def test_chunks_in_both_directions(self):
        pieces = [bytes([65 + i]) * (i * 1000 + 1) for i in range(20)]
        answer, body = self.ask("/wire?format=json", "POST", iter(pieces), encode_chunked=True,
                                headers={"Transfer-Encoding": "chunked"})
        lines = [line["line"].lower() for line in json.loads(body)["head"]]
        self.assertIn("transfer-encoding: chunked", lines)
        answer, body = self.ask("/anything", "POST", iter(pieces), encode_chunked=True,
                                headers={"Transfer-Encoding": "chunked", "Content-Type": "text/plain"})
        self.assertEqual(json.loads(body)["data"].encode(), b"".join(pieces))
        answer, body = self.ask("/stream/50")
        self.assertEqual(answer.headers["Transfer-Encoding"], "chunked")
        self.assertEqual(body.count(b"\n"), 50)
        answer, body = self.ask(f"/stream-bytes/{MIB}?seed=1&chunk_size=777")
        self.assertEqual(body, self.server.get("web", f"/bytes/{MIB}?seed=1")[2])

    def test_a_stream_is_passed_on_as_it_comes(self):
        with socket.create_connection(self.address, timeout=TIMEOUT) as sock:
            sock.sendall(b"GET /sse?count=2&duration=9s HTTP/1.1\r\nHost: a\r\n\r\n")
            data = b""
            while b"event: ping" not in data:
                data += sock.recv(4096)
        self.assertEqual(data.count(b"event: ping"), 1)  # the second is nine seconds away

    def test_large_bodies(self):
        before = peak_bytes(self.server.pid)
        answer, body = self.ask("/upload", "POST", (b"u" * MIB for _ in range(64)),
                                headers={"Content-Length": str(64 * MIB)})
        self.assertEqual(json.loads(body), {"bytes_received": 64 * MIB})
        answer, body = self.ask("/upload", "POST", (b"u" * MIB for _ in range(32)), encode_chunked=True,
                                headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(json.loads(body), {"bytes_received": 32 * MIB})
        answer, body = self.ask("/data?size=64&unit=mb")
        self.assertEqual(len(body), 64_000_000)
        self.assertLess(peak_bytes(self.server.pid) - before, 16 * MIB)

    def test_a_body_is_asked_for(self):
        with socket.create_connection(self.address, timeout=TIMEOUT) as sock:
            sock.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                         b"Content-Length: 5\r\nConnection: close\r\n\r\n")
            self.assertTrue(read_exactly(sock, 25).startswith(b"HTTP/1.1 100 "))
            sock.sendall(b"hello")
            self.assertIn(b'"bytes_received": 5', read_to_end(sock))

    def test_the_client_is_who_the_proxy_says_where_it_is_trusted(self):
        # What the client writes itself stands left of what the proxy adds.
        headers = {"X-Forwarded-For": "192.0.2.1", "Host": "shop.example"}
        echo = json.loads(self.ask("/get", headers=headers)[1])
        self.assertEqual((echo["origin"], echo["url"]), (CLIENT, "https://shop.example/get"))
        self.assertEqual(json.loads(self.ask("/ip", headers=headers)[1])["origin"], CLIENT)
        self.assertEqual(self.ask("/absolute-redirect/1", headers=headers)[0].headers["Location"],
                         "https://shop.example/get")
        self.assertEqual(json.loads(self.ask("/socket")[1])["client"]["address"], PROXY)
        echo = json.loads(self.ask("/wary/get", headers=headers)[1])
        self.assertEqual((echo["origin"], echo["url"]), (PROXY, "http://shop.example/get"))

    def test_a_websocket_goes_through(self):
        with WebSocket(self.address) as client:
            self.assertEqual(client.status, 101, client.head)
            for size in (0, 1, 125, 126, 65535, 65536, 500_000):
                client.send(frame(BINARY, bytes(size)))
                self.assertEqual(client.message(), (BINARY, bytes(size)))
            client.send(text("one") + text("two") + close(1000))
            self.assertEqual(client.rest(), [(TEXT, b"one"), (TEXT, b"two"), ("close", 1000)])
        with WebSocket(self.address) as client:
            client.send(text(b"\xff"))
            self.assertEqual(client.rest(), [("close", 1007)])

    def test_broken_answers_are_not_passed_on_as_good_ones(self):
        for path in ("empty", "reset/10"):
            self.assertEqual(self.ask(f"/misbehave/{path}")[0].status, 502, path)
        for path in ("length-long", "no-last-chunk", "bad-chunk-size", "reset/90"):
            with self.subTest(path=path):
                try:
                    answer, _ = self.ask(f"/misbehave/{path}")
                except (http.client.IncompleteRead, ValueError, ConnectionError):
                    continue  # the client sees that something is missing
                self.assertEqual(answer.status, 502)
        self.assertEqual(self.ask("/plain")[1], b"Hello, World!")

    def test_errors_of_the_server_arrive(self):
        connection = self.client()
        for path, status in (("/nothing", 404), ("/status/418", 418), ("/bytes/x", 400)):
            self.assertEqual(self.ask(path, connection=connection)[0].status, status)
        # All of a body that is too large is on its way already; the server reads 256 KiB of it and drops them.
        answer, body = self.ask("/wary/anything", "POST", b"x" * 200_000)
        self.assertEqual(answer.status, 413)
        self.assertEqual(json.loads(body)["status_code"], 413)


class Nginx(Proxied, ProgramTest):
    PROGRAM = "nginx"

    @classmethod
    def command(cls, program, folder, fd, ports):
        file = folder / "nginx.conf"
        file.write_text(NGINX.format(folder=folder, port=cls.address[1], **ports))
        command = [program, "-e", "stderr", "-p", str(folder), "-c", str(file)]
        if os.geteuid() == 0:
            command += ["-g", "user root;"]  # or its folders would have to be another user's
        return command, {"NGINX": f"{fd};"}


    def test_as_it_is_without_settings_it_speaks_http_1_0(self):
        connection = self.client()
        answer, body = self.ask("/old/wire", "POST", iter([b"a" * 10, b"b"]), connection=connection,
                                encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        self.assertTrue(body.startswith(b"POST /wire HTTP/1.0\r\n"), body)
        self.assertTrue(body.endswith(b"\r\n\r\n" + b"a" * 10 + b"b"), body)
        for path, size in (("/old/stream-bytes/100000", 100_000), ("/old/bytes/100000", 100_000),
                           ("/old/drip?duration=0&delay=0&numbytes=7", 7), ("/old/plain", 13)):
            self.assertEqual(len(self.ask(path, connection=connection)[1]), size, path)


class HAProxy(Proxied, ProgramTest):
    PROGRAM = "haproxy"

    @classmethod
    def command(cls, program, folder, fd, ports):
        file = folder / "haproxy.cfg"
        file.write_text(HAPROXY.format(fd=fd, **ports))
        return [program, "-f", str(file), "-db"], None


if __name__ == "__main__":
    unittest.main()
