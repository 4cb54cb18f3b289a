"""Memory of an idle connection, start time, size of the program: what is no matter of rounds."""

import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import peers
import processes
import servers
import tools
from cases import PLAIN, Case, polyport
from figures import spread
from load import LoadFailed
from servers import NotHere

SETTLE_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class Idle:
    """Connections that have each had one exchange and are silent since."""
    name: str
    case: Case
    connections: int
    limit: float = None        # bytes a connection
    of_peer: tuple = ()        # (name, part of that peer's bytes)


def _case(name, starters, kind, connections, **more):
    return Case(name, name, "connection", starters, kind, connections=connections, **more)


IDLE = [
    Idle("echo", _case("idle-echo", {"polyport": polyport("echo")}, "echo", 15000), 15000, 300),
    Idle("http, after a request", _case(
        "idle-http", {"polyport": polyport("web"), "nginx": peers.nginx, "lighttpd": peers.lighttpd,
                      "h2o": peers.h2o, "node": peers.node},
        "exchange", 15000, request=PLAIN), 15000, 320, ("nginx", 0.65)),
    Idle("chat, in the room", _case(
        "idle-chat", {"polyport": polyport("chat"), "redis": peers.redis}, "fanout", 3000,
        dialects={"polyport": "chat", "redis": "redis"}), 3000, 700),
    Idle("TLS, after a request", _case(
        "idle-tls", {"polyport": polyport("secure"), "nginx": peers.nginx_tls}, "tls", 1000,
        request=PLAIN), 1000, 15 * 1024, ("nginx", 1.05)),
]


def idle_bytes(idle, name, bench, connections):
    """Private bytes of the process that each of so many connections added."""
    running = idle.case.starters[name](bench)
    running.name = name
    client = warm = None
    try:
        # What a first connection brings with it (buffers, pages of code) is not of the connections.
        warm = dataclasses.replace(idle.case, connections=2).client(bench, running)
        before = running.process.private_bytes()
        client = dataclasses.replace(idle.case, connections=connections).client(bench, running)
        time.sleep(SETTLE_SECONDS)
        return (running.process.private_bytes() - before) / connections
    finally:
        for one in (client, warm, running):
            if one:
                one.stop()


def measure_idle(bench, most, say=print):
    """Rows of {name, connections, bytes: {server: bytes or why not}, targets}; at most so many."""
    rows = []
    for idle in IDLE:
        connections = min(idle.connections, most)
        found = {}
        for name in idle.case.starters:
            try:
                found[name] = idle_bytes(idle, name, bench, connections)
            except (NotHere, LoadFailed) as error:
                say(f"  {idle.name}, {name}: {error}")
                found[name] = str(error)
        ours = found["polyport"]
        targets = []
        if not isinstance(ours, str):
            targets.append({"server": "bytes", "limit": idle.limit, "reached": ours,
                            "met": ours <= idle.limit})
            if idle.of_peer and not isinstance(found[idle.of_peer[0]], str):
                reached = ours / found[idle.of_peer[0]]
                targets.append({"server": idle.of_peer[0], "limit": idle.of_peer[1],
                                "reached": reached, "met": reached <= idle.of_peer[1]})
        say(f"  {idle.name}, {connections} connections: " + ", ".join(
            f"{name} {value:.0f} bytes" for name, value in found.items() if not isinstance(value, str)))
        rows.append({"name": idle.name, "connections": connections, "bytes": found,
                     "targets": targets})
    return rows


# --- start and size ------------------------------------------------------------------------------

TYPES = ("http", "echo", "discard", "daytime", "chargen", "chat", "banner", "time", "sntp")


def start_times(bench, runs):
    """Milliseconds from exec to the ready line with the demo's kinds of services, and those of them on
    a processor: (all, on a processor), a list each.

    On ports that are written down: with the TIME_WAIT of other cases about, the kernel's search for
    a free one (port 0) takes longer than all the rest.
    """
    sections = ["[health]", "[admin]", *(f'[services.{kind}]\ntype = "{kind}"' for kind in TYPES)]
    config = bench.folder / "start.toml"
    config.write_text("".join(
        f'{section}\nlisten = "{"udp://" if "sntp" in section else ""}localhost:{port}"\n'
        for section, port in zip(sections, servers.free_ports(len(sections)))))
    times, busy = [], []
    for _ in range(runs):
        reading, writing = os.pipe()
        began = time.monotonic()
        process = subprocess.Popen([bench.binary, "run", config, "--quiet", "--ready-fd", str(writing)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, pass_fds=[writing],
                                   env=tools.environment())
        os.close(writing)
        told = os.read(reading, 1 << 16)
        times.append((time.monotonic() - began) * 1000)
        busy.append(processes.nanoseconds(process.pid) / 1e6)
        os.close(reading)
        process.terminate()
        process.wait(20)
        if not told:
            raise NotHere(f"it did not start (code {process.returncode})")
    return times, busy


def stripped_bytes(bench):
    copy = bench.folder / "stripped"
    shutil.copy(bench.binary, copy)
    subprocess.run(["strip", copy], check=True)
    return pathlib.Path(copy).stat().st_size


def measure_program(bench, runs, say=print):
    times, busy = start_times(bench, runs)
    size = stripped_bytes(bench)
    say(f"  start to all ports open: {min(times):.1f} ms, median {statistics.median(times):.1f}, "
        f"{statistics.median(busy):.1f} of it on a processor; "
        f"stripped: {size / (1 << 20):.2f} MiB")
    return {"start_ms": spread(times), "start_cpu_ms": spread(busy), "stripped_bytes": size, "targets": [
        # The least: a start is a few milliseconds, and a busy machine makes it wait for its turn.
        {"server": "start", "limit": 20, "reached": min(times), "met": min(times) <= 20},
        {"server": "size", "limit": 4 << 20, "reached": size, "met": size <= 4 << 20}]}
