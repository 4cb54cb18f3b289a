"""The cases: what is asked of whom, and how much of it may cost."""

import dataclasses

import peers
import servers
from load import Client, Wrk

HEAD = b"Host: 127.0.0.1\r\n\r\n"


def get(path):
    return f"GET {path} HTTP/1.1\r\n".encode() + HEAD


def post(path, body, kind="application/octet-stream"):
    return (f"POST {path} HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode()
            + HEAD + body)


@dataclasses.dataclass(frozen=True)
class Target:
    """`server` "floor", the name of a peer, or "best" of all peers; polyport / server <= limit."""
    server: str
    limit: float


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    unit: str
    starters: dict          # of each server; "polyport" comes first
    kind: str               # of client, or "wrk"
    targets: tuple = ()
    connections: int = 64
    depth: int = 1
    request: bytes = b""
    body: bytes = b""       # of every answer, where it is one and the same
    any_body: bool = False
    path: str = ""          # for wrk
    paths: dict = dataclasses.field(default_factory=dict)  # of servers that have another one
    tls: bool = False
    resume: bool = False
    dialects: dict = dataclasses.field(default_factory=dict)
    strace: bool = True     # with system calls counted

    def client(self, bench, running):
        if self.kind == "wrk":
            return Wrk(bench, running.port, self.paths.get(running.name, self.path), self.connections, self.tls)
        arguments = ["--connections", str(self.connections), "--depth", str(self.depth)]
        for option, content in (("request", self.request), ("body", self.body)):
            if content:
                path = bench.folder / f"{self.name}.{option}"
                path.write_bytes(content)
                arguments += [f"--{option}", str(path)]
        arguments += ["--any-body"] if self.any_body else []
        arguments += ["--resume"] if self.resume else []
        if self.kind == "fanout":
            arguments += ["--dialect", self.dialects.get(running.name, "raw")]
        return Client(bench, running.name, self.kind, running.port, arguments)


def polyport(service, transport=None):
    return lambda bench: servers.start_polyport(bench, service, transport)


def floor(name, *arguments):
    return lambda bench: servers.start_floor(bench, name, *arguments)


PLAIN = get("/plain")
PLAIN_CLOSE = PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
JSON_BODY = b'{"user": "ada", "numbers": [1, 2, 3, 5, 8], "deep": {"er": "than this"}, "text": "' + (
    b"x" * 400) + b'"}'

WEB_PEERS = {"nginx": peers.nginx, "lighttpd": peers.lighttpd, "h2o": peers.h2o,
             "haproxy": peers.haproxy, "node": peers.node}
WEB = {"polyport": polyport("web"),
       "floor": lambda bench: servers.start_floor_http(bench, PLAIN), **WEB_PEERS}
WEB_CLOSE = {"polyport": polyport("web"),
             "floor": lambda bench: servers.start_floor_http(bench, PLAIN_CLOSE, close=True),
             **WEB_PEERS}
ECHO = {"polyport": polyport("echo"), "floor": floor("echo"), "socat": peers.socat,
        "xinetd": peers.xinetd}
# socat stops for good once it and its pipe are full at both ends.
ECHO_STREAM = {name: ECHO[name] for name in ("polyport", "floor", "xinetd")}
ECHO_UDP = {"polyport": polyport("echo", "udp"), "floor": floor("udp"), "socat": peers.socat_udp,
            "xinetd": peers.xinetd_udp}
ROOM = {"polyport": polyport("chat"), "floor": floor("fanout"), "redis": peers.redis}
ROOM_DIALECTS = {"polyport": "chat", "redis": "redis", "floor": "raw"}
NODE = {"polyport": polyport("web"), "node": peers.node}
SECURE = {"polyport": polyport("secure"), "nginx": peers.nginx_tls}

CASES = [
    Case("http", "HTTP, GET /plain, 64 connections that stay", "request", WEB, "exchange",
         (Target("floor", 1.06), Target("nginx", 0.92)), request=PLAIN, body=servers.PLAIN_BODY),
    Case("http-wrk", "the same, asked by wrk", "request", WEB, "wrk",
         (Target("floor", 1.06), Target("nginx", 0.92)), path="/plain", strace=False),
    Case("http-pipelined", "HTTP, the same, 16 requests at a time on each connection", "request", WEB,
         "exchange", (Target("floor", 1.3), Target("best", 0.12)), depth=16, request=PLAIN,
         body=servers.PLAIN_BODY),
    Case("http-close", "HTTP, a connection for each request, 64 at a time", "request", WEB_CLOSE,
         "close", (Target("floor", 1.1), Target("h2o", 0.85)), request=PLAIN_CLOSE,
         body=servers.PLAIN_BODY),
    Case("http-json", "HTTP, POST /echo: 500 bytes of JSON told back", "request", NODE, "exchange",
         (Target("node", 0.4),), request=post("/echo", JSON_BODY, "application/json"), any_body=True),
    Case("http-bytes", "HTTP, GET /bytes/65536: random bytes", "request", NODE, "exchange",
         (Target("node", 0.4),), connections=16, request=get("/bytes/65536"), any_body=True),
    Case("http-chunked", "HTTP, GET /stream-bytes/65536 in chunks of 1,024", "request", NODE,
         "exchange", (Target("node", 0.4),), connections=16,
         request=get("/stream-bytes/65536?chunk_size=1024"), any_body=True),
    Case("http-upload", "HTTP, POST /upload with 1 MiB", "request", NODE, "exchange",
         (Target("node", 0.4),), connections=4, request=post("/upload", bytes(1 << 20))),
    Case("echo", "echo over TCP, 64 bytes there and back, 64 connections", "exchange", ECHO, "echo",
         (Target("floor", 1.05), Target("socat", 0.5), Target("xinetd", 0.5))),
    Case("echo-stream", "echo over TCP, one stream, writes of 64 KiB", "64 KiB", ECHO_STREAM, "stream",
         (Target("floor", 1.05),), connections=1),
    Case("echo-udp", "echo over UDP, 64 bytes there and back, 64 sockets", "datagram", ECHO_UDP, "udp",
         (Target("floor", 1.1), Target("best", 0.5))),
    Case("chat", "chat, one sender, 2,000 readers, a line of 100 bytes at a time", "delivery", ROOM,
         "fanout", (Target("floor", 1.15), Target("redis", 0.9)), connections=2000,
         dialects=ROOM_DIALECTS),
    Case("chat-burst", "chat, the same, bursts of 200 lines", "delivery", ROOM, "fanout",
         (Target("redis", 1.0),), connections=2000, depth=200, dialects=ROOM_DIALECTS),
    Case("tls-handshake", "TLS 1.3, a full handshake and a request for each connection", "connection",
         SECURE, "tls", (Target("nginx", 1.0),), connections=1, request=PLAIN,
         body=servers.PLAIN_BODY, tls=True),
    Case("tls-resumed", "TLS 1.3, the same, with the session resumed", "connection", SECURE, "tls",
         (Target("nginx", 1.0),), connections=1, request=PLAIN, body=servers.PLAIN_BODY, tls=True,
         resume=True),
    Case("tls", "HTTP over TLS, GET /plain, 64 connections that stay (wrk)", "request", SECURE, "wrk",
         (Target("nginx", 1.0),), path="/plain", tls=True, strace=False),
    Case("tls-bulk", "HTTP over TLS, 1 MiB an answer, 8 connections that stay (wrk)", "MiB", SECURE, "wrk",
         (Target("nginx", 1.0),), connections=8, path="/bytes/1048576", paths={"nginx": "/bulk"},
         tls=True, strace=False),
]
