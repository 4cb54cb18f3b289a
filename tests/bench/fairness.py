"""Fairness: what a load on one port does to the clients of another one.

A probe asks `GET /plain` of polyport on a schedule, while a load goes to polyport's echo; and the same
probe asks another polyport, while the same load goes to another process (the floor's echo). The ratio of
the two p99 is what being in one process with the load costs. That is all the two differ in: every server
runs on the server's core, every client on the client's, and the load's client and the floor give way to
the others (SCHED_IDLE). So the second p99 is that of a server which has its core whenever it wants it,
beside a client's core that is as busy as in the first.

A machine's own stalls (3 ms, a few a second, on either side) are more than one of a hundred requests
feels of anything else. So the quietest round of each side is compared: a machine has good moments, and
a server that lets one client hold up another has none.
"""

import dataclasses

import servers
from cases import PLAIN
from figures import spread
from load import Client, LoadFailed
from servers import NotHere

PROBE_CONNECTIONS, PROBE_RATE = 16, 2000
HEAD_START_MS = 100  # of the load
KEYS = ("p50_us", "p99_us", "p999_us")


@dataclasses.dataclass(frozen=True)
class Fairness:
    name: str
    title: str
    kind: str        # of load
    arguments: tuple
    limit: float     # p99 beside the load / p99 with the load elsewhere
    unit: str        # of the load's operations


FAIRNESS = [
    Fairness("fairness-stream", "HTTP beside one connection that sends to the echo as fast as it can",
             "stream", (), 2.0, "64 KiB"),
    Fairness("fairness-connects", "HTTP beside 10,000 new connections a second to the echo", "connects",
             ("--connections", "64", "--rate", "10000"), 2.0, "connections"),
    Fairness("fairness-19000", "HTTP beside 19,000 connections to the echo, each with an exchange in turn",
             "paced", ("--connections", "19000", "--rate", "2000"), 1.5, "exchanges"),
]


class Side:
    """A polyport with its probe, and the load, which goes to it or to another process."""

    def __init__(self, name, fairness, bench, stack):
        self.name, self.samples = name, []
        web = self._keep(stack, servers.start_polyport(bench, "web"))
        floor = None if name == "beside" else self._keep(stack, servers.start_floor(bench, "echo"))
        target = floor.port if floor else servers.port_of_polyport(web, "echo")
        request = bench.folder / "fairness.request"
        request.write_bytes(PLAIN)
        self.probe = self._keep(stack, Client(
            bench, f"probe-{name}", "paced", web.port,
            ["--connections", str(PROBE_CONNECTIONS), "--rate", str(PROBE_RATE), "--request", request]))
        self.load = self._keep(stack, Client(bench, f"load-{name}", fairness.kind, target,
                                             fairness.arguments))
        for one in (self.load, floor):  # not before its connections are open
            if one:
                one.process.give_way()

    @staticmethod
    def _keep(stack, one):
        stack.callback(one.stop)
        return one

    def sample(self, milliseconds):
        self.load.begin(milliseconds + 2 * HEAD_START_MS)
        self.probe.go(HEAD_START_MS)
        found = self.probe.go(milliseconds)
        load = self.load.end()
        self.samples.append({**{key: found[key] for key in KEYS},
                             "load_per_second": load["operations"] / load["seconds"]})

    def quietest(self):
        return min(sample["p99_us"] for sample in self.samples)


def measure_fairness(fairness, bench, rounds, milliseconds, stack, say=print):
    """A row for the page: {name, title, limit, reached, met, ratio, beside, elsewhere}, or why not.

    What was started ends with `stack`.
    """
    row = {"name": fairness.name, "title": fairness.title, "limit": fairness.limit,
           "unit": fairness.unit, "reached": None, "met": False}
    try:
        sides = [Side(name, fairness, bench, stack) for name in ("beside", "elsewhere")]
        for number in range(rounds):
            for side in (sides if number % 2 == 0 else reversed(sides)):
                side.sample(milliseconds)
    except (NotHere, LoadFailed) as error:
        say(f"  {error}")
        # A server that is not here is nobody's fault, one that does not serve its clients is.
        return {**row, "absent" if isinstance(error, NotHere) else "failed": str(error)}
    beside, elsewhere = sides
    ratio = spread(one["p99_us"] / other["p99_us"]
                   for one, other in zip(beside.samples, elsewhere.samples))
    reached = beside.quietest() / elsewhere.quietest()
    row |= {"ratio": ratio, "reached": reached, "met": reached <= fairness.limit}
    for side in sides:
        row[side.name] = {key: spread(sample[key] for sample in side.samples)
                          for key in (*KEYS, "load_per_second")}
    for line in lines_of(row):
        say(f"  {line}")
    return row


def lines_of(row):
    """What the page and the terminal say of it."""
    def side(name):
        found = row[name]
        times = " / ".join(f"{found[key]['median'] / 1000:.3f}" for key in KEYS)
        return (f"p50 / p99 / p99.9 {times} ms with {found['load_per_second']['median']:,.0f} "
                f"{row['unit']} a second")
    if "absent" in row or "failed" in row:
        return [f"not measured: {row.get('absent') or row['failed']}"]
    ratio = row["ratio"]
    return [f"on polyport's other port: {side('beside')}",
            f"to another process: {side('elsewhere')}",
            f"p99 of the quietest round {row['reached']:.2f} of that, target {row['limit']:g}: "
            f"{'met' if row['met'] else '**missed**'} (round by round {ratio['median']:.2f}, "
            f"{ratio['min']:.2f}–{ratio['max']:.2f})"]
