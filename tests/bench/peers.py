"""The peers from Debian: configured for the same work, one worker, no access log.

Each starter takes a Bench and gives a Running, or raises NotHere. They are set as well as their pages
say, TCP_DEFER_ACCEPT and TCP_NODELAY where they have it, and no limit of requests a connection.
"""

import socket

import tools
from processes import Process
from servers import PLAIN_BODY, NotHere, Running, certificate, free_port, read_line, wait_for_port

SOCKETS = 20000


def _start(bench, name, command, port, kind=socket.SOCK_STREAM):
    process = Process(command, bench.server_core, bench.folder, tools.environment(),
                      name=f"{name}-{port}")
    wait_for_port(process, port, kind)
    return Running(name, process, port)


def _tool(name):
    path = tools.find(name)
    if path is None:
        raise NotHere(f"{name} is not on this machine (scripts/unpack_tools bench)")
    return path


def _folder(bench, name):
    """A folder of its own, with the file that GET /plain answers with."""
    folder = bench.folder / name
    (folder / "www").mkdir(parents=True, exist_ok=True)
    (folder / "www" / "plain").write_bytes(PLAIN_BODY)
    (folder / "www" / "bulk").write_bytes(bytes(1 << 20))
    return folder


# --- HTTP ----------------------------------------------------------------------------------------


def _nginx(bench, listen, extra=""):
    folder, port, path = _folder(bench, "nginx"), free_port(), _tool("nginx")
    config = folder / f"nginx-{port}.conf"
    temporary = "".join(f"{part}_temp_path {folder}/tmp;\n" for part in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(f"""
daemon off; user root; worker_processes 1; worker_rlimit_nofile {SOCKETS};
pid {folder}/{port}.pid; error_log {folder}/error.log crit;
events {{ worker_connections {SOCKETS}; }}
http {{
  {temporary}
  access_log off; server_tokens off; tcp_nodelay on; default_type text/plain;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{port} backlog=4096 {listen};
    {extra}
    location = /plain {{ return 200 "{PLAIN_BODY.decode()}"; }}
    location / {{ root {folder}/www; }}
  }}
}}
""")
    return _start(bench, "nginx", [path, "-c", config, "-p", folder, "-e", folder / "error.log"], port)


def nginx(bench):
    return _nginx(bench, "deferred")


def nginx_tls(bench):
    cert, key = certificate(bench)
    return _nginx(bench, "ssl", f"""
    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    ssl_ecdh_curve X25519; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    ssl_session_cache off; ssl_session_tickets on;""")


def haproxy(bench):
    folder, port, path = _folder(bench, "haproxy"), free_port(), _tool("haproxy")
    config = folder / f"{port}.cfg"
    config.write_text(f"""
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout client 600s
  timeout connect 5s
  timeout server 600s
  timeout http-keep-alive 600s
frontend web
  bind 127.0.0.1:{port} defer-accept backlog 4096
  http-request return status 200 content-type text/plain hdr Server haproxy string "{PLAIN_BODY.decode()}"
""")
    return _start(bench, "haproxy", [path, "-db", "-q", "-f", config], port)


def lighttpd(bench):
    folder, port, path = _folder(bench, "lighttpd"), free_port(), _tool("lighttpd")
    config = folder / f"{port}.conf"
    config.write_text(f"""
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.listen-backlog = 4096
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 600
server.max-fds = {SOCKETS}
server.max-connections = {SOCKETS - 1000}
server.tag = "lighttpd"
server.modules = ()
server.errorlog = "{folder}/error.log"
mimetype.assign = ("" => "text/plain")
""")
    return _start(bench, "lighttpd", [path, "-D", "-f", config], port)


def h2o(bench):
    folder, port, path = _folder(bench, "h2o"), free_port(), _tool("h2o")
    config = folder / f"{port}.conf"
    config.write_text(f"""
user: root
num-threads: 1
max-connections: {SOCKETS - 1000}
http1-request-timeout: 600
listen:
  host: 127.0.0.1
  port: {port}
error-log: {folder}/error.log
pid-file: {folder}/{port}.pid
hosts:
  default:
    paths:
      /:
        file.dir: {folder}/www
""")
    return _start(bench, "h2o", [path, "-c", config], port)


NODE_SCRIPT = """
const http = require('http'), crypto = require('crypto');
function json(answer, value) {
  const body = Buffer.from(JSON.stringify(value, null, 2) + '\\n');
  answer.writeHead(200, {'Content-Type': 'application/json', 'Content-Length': body.length});
  answer.end(body);
}
function whole(request, then) {
  const parts = [];
  request.on('data', part => parts.push(part));
  request.on('end', () => then(Buffer.concat(parts)));
}
const server = http.createServer((request, answer) => {
  const url = new URL(request.url, 'http://localhost');
  const [, first, second] = url.pathname.split('/');
  if (first === 'plain') {
    answer.writeHead(200, {'Content-Type': 'text/plain', 'Content-Length': 13});
    answer.end('Hello, World!');
  } else if (first === 'bytes') {
    const body = crypto.randomBytes(Number(second));
    answer.writeHead(200, {'Content-Type': 'application/octet-stream', 'Content-Length': body.length});
    answer.end(body);
  } else if (first === 'stream-bytes') {
    const size = Number(url.searchParams.get('chunk_size'));
    answer.writeHead(200, {'Content-Type': 'application/octet-stream'});
    for (let left = Number(second); left > 0; left -= size) answer.write(crypto.randomBytes(size));
    answer.end();
  } else if (first === 'upload') {
    let size = 0;
    request.on('data', part => { size += part.length; });
    request.on('end', () => json(answer, {bytes_received: size}));
  } else {
    whole(request, body => json(answer, {
      method: request.method, version: 'HTTP/' + request.httpVersion, target: request.url,
      path: url.pathname, args: Object.fromEntries(url.searchParams), headers: request.headersDistinct,
      origin: request.socket.remoteAddress, port: request.socket.remotePort,
      body: body.toString(), json: JSON.parse(body.toString())}));
  }
});
server.keepAliveTimeout = 600000;
server.requestTimeout = 0;
server.headersTimeout = 0;
server.listen({host: '127.0.0.1', port: 0, backlog: 4096}, () => {
  console.log('listening ' + server.address().port);
});
"""


def node(bench):
    script = bench.folder / "server.js"
    script.write_text(NODE_SCRIPT)
    process = Process([_tool("node"), script], bench.server_core, bench.folder, tools.environment(),
                      name="node")
    return Running("node", process, int(read_line(process).split()[1]))


# --- echo ----------------------------------------------------------------------------------------


def socat(bench):
    port = free_port()
    listen = f"TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=4096"
    return _start(bench, "socat", [_tool("socat"), "-b", "65536", listen, "PIPE"], port)


def socat_udp(bench):
    port = free_port(socket.SOCK_DGRAM)
    listen = f"UDP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork"
    return _start(bench, "socat", [_tool("socat"), listen, "PIPE"], port, socket.SOCK_DGRAM)


def _xinetd(bench, kind, protocol, wait):
    number = getattr(socket, f"SOCK_{kind.upper()}")
    port = free_port(number)
    config = bench.folder / f"xinetd-{port}.conf"
    config.write_text(f"""
defaults
{{
  instances = UNLIMITED
  per_source = UNLIMITED
  cps = 1000000 1
}}
service echo
{{
  type = INTERNAL UNLISTED
  id = echo-{kind}
  socket_type = {kind}
  protocol = {protocol}
  user = root
  wait = {wait}
  bind = 127.0.0.1
  port = {port}
}}
""")
    return _start(bench, "xinetd", [_tool("xinetd"), "-dontfork", "-f", config, "-pidfile",
                                    bench.folder / f"xinetd-{port}.pid"], port, number)


def xinetd(bench):
    return _xinetd(bench, "stream", "tcp", "no")


def xinetd_udp(bench):
    return _xinetd(bench, "dgram", "udp", "yes")


# --- rooms ---------------------------------------------------------------------------------------


def redis(bench):
    port = free_port()
    return _start(bench, "redis", [
        _tool("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
        "--appendonly", "no", "--maxclients", "10000", "--tcp-backlog", "4096", "--dir", bench.folder,
        "--client-output-buffer-limit", "pubsub", "0", "0", "0"], port)
