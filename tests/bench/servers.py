"""How each server is started for each protocol: polyport, the floors; peers stand in peers.py.

A starter takes a Bench (folder, cores, binary) and gives a Running. The work is the same for all of
a protocol: HTTP answers `GET /plain` with `Hello, World!`, echo gives back what comes, fan-out has
one room.
"""

import contextlib
import dataclasses
import json
import pathlib
import random
import re
import select
import socket
import subprocess
import time

import tools
from processes import Process

PLAIN_BODY = b"Hello, World!"


class NotHere(Exception):
    """A server that cannot run here, and why."""


@dataclasses.dataclass
class Bench:
    folder: pathlib.Path
    binary: pathlib.Path
    server_core: int
    client_core: int


@dataclasses.dataclass
class Running:
    name: str
    process: Process
    port: int
    services: list = ()  # of polyport: what its ready line says of them

    def stop(self):
        self.process.stop()


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def free_ports(count):
    """So many below those that the kernel lends, which a connection that ends may still have: free for
    TCP and UDP, in both families."""
    with contextlib.ExitStack() as held:
        ports = []
        for port in random.sample(range(20000, 32000), 12000):
            try:
                for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        held.enter_context(socket.socket(family, kind)).bind((address, port))
            except OSError:
                continue
            ports.append(port)
            if len(ports) == count:
                return ports
    raise NotHere(f"there are no {count} free ports from 20000 to 31999")


def read_line(process, seconds=20):
    """The first line a program says."""
    if not select.select([process.popen.stdout], [], [], seconds)[0]:
        process.stop()
        raise NotHere(f"{process.command[0]} says nothing: {process.words()}")
    line = process.popen.stdout.readline().decode()
    if not line:
        process.stop()
        raise NotHere(f"it ended at once: {process.words().strip()}")
    return line


def _listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _has_udp(port):
    rows = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") for row in rows)


def wait_for_port(process, port, kind=socket.SOCK_STREAM, seconds=20):
    is_there = _listens if kind == socket.SOCK_STREAM else _has_udp
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.popen.poll() is not None:
            words = process.words().strip()
            process.stop()
            raise NotHere(f"it ended with code {process.popen.returncode}: {words}")
        if is_there(port):
            return
        time.sleep(0.02)
    process.stop()
    raise NotHere(f"it does not listen on {port}: {process.words().strip()}")


def fetch(port, request):
    """The bytes of one answer, up to the server's FIN or half a second of silence."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(request)
        data = sock.recv(65536)
        sock.settimeout(0.5)
        try:
            while part := sock.recv(65536):
                data += part
        except TimeoutError:
            pass
    return data


# --- polyport ------------------------------------------------------------------------------------

CONFIG = tools.ROOT / "config/loadtest.toml"


def certificate(bench):
    """(certificate, key) of this run, the same for every server."""
    paths = bench.folder / "cert.pem", bench.folder / "key.pem"
    if not paths[0].exists():
        openssl = tools.find("openssl")
        if openssl is None:
            raise NotHere("openssl, which makes the certificate, is not on this machine")
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", paths[1], "-out", paths[0]],
                       check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return paths


def polyport_config(bench):
    """config/loadtest.toml with ports that the kernel chooses and the certificate of the bench."""
    cert, key = certificate(bench)
    text = re.sub(r"localhost:\d+", "127.0.0.1:0", CONFIG.read_text())
    path = bench.folder / f"polyport-{len(list(bench.folder.glob('polyport-*')))}.toml"
    path.write_text(f'{text}\n[services.secure.tls]\ncert = "{cert}"\nkey = "{key}"\n')
    return path


def start_polyport(bench, service, transport=None, wrapper=()):
    config = polyport_config(bench)
    ready = config.with_suffix(".ready")
    process = Process([*wrapper, bench.binary, "run", config, "--quiet", "--ready-file", ready],
                      bench.server_core, bench.folder, tools.environment(), name=config.stem)
    deadline = time.monotonic() + (180 if wrapper else 30)  # under valgrind it takes its time
    while not (ready.exists() and ready.read_text().endswith("\n")):
        if process.popen.poll() is not None or time.monotonic() > deadline:
            words = process.words().strip()
            process.stop()
            raise NotHere(f"polyport did not start: {words}")
        time.sleep(0.005)
    running = Running("polyport", process, 0, json.loads(ready.read_text())["services"])
    try:
        running.port = port_of_polyport(running, service, transport)
    except NotHere:
        process.stop()
        raise
    return running


def port_of_polyport(running, service, transport=None):
    for found in running.services:
        for listener in found["listeners"]:
            if found["name"] == service and (transport == "udp") == (listener["transport"] == "udp"):
                return int(listener["bound"].rpartition(":")[2])
    raise NotHere(f"config/loadtest.toml starts no {service}")


# --- the floors ----------------------------------------------------------------------------------


def start_floor(bench, name, *arguments):
    process = Process([tools.floor(name), *arguments], bench.server_core, bench.folder,
                      name=f"floor_{name}")
    return Running("floor", process, int(read_line(process).split()[1]))


def start_floor_http(bench, request, close=False):
    """It answers with polyport's own bytes."""
    model = start_polyport(bench, "web")
    try:
        answer = bench.folder / ("close.answer" if close else "keep.answer")
        answer.write_bytes(fetch(model.port, request))
    finally:
        model.stop()
    return start_floor(bench, "http", answer, *(["close"] if close else []))
