"""Instructions of polyport for each operation, counted by callgrind: the same on every run, so a change
shows that no clock would show. One connection, closed loop; the kernel's part is not in them.

The last counts are recorded in instructions.json by compiler and libc. A pair that is not there is
recorded, and said to be.
"""

import json
import pathlib
import platform
import re
import signal
import subprocess

import servers
import tools
from cases import CASES

RECORD = pathlib.Path(__file__).with_name("instructions.json")
COUNTED = ("http", "http-pipelined", "http-close", "http-json", "http-bytes", "echo", "echo-udp")
FEW, MANY = 500, 3500  # the difference of two runs leaves the start out
TOLERANCE = 0.03


def key():
    compiler = subprocess.run(["g++", "-dumpfullversion"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    return f"{platform.machine()} g++ {compiler} {' '.join(platform.libc_ver())}"


def _total(case, bench, operations, valgrind):
    output = bench.folder / f"callgrind-{case.name}-{operations}"
    service, transport = {"echo": ("echo", None), "echo-udp": ("echo", "udp")}.get(
        case.name, ("web", None))
    running = servers.start_polyport(bench, service, transport, wrapper=[
        valgrind, "--tool=callgrind", f"--callgrind-out-file={output}"])
    client = None
    try:
        client = case.client(bench, running)
        client.count(operations)
        client.stop()
        running.process.popen.send_signal(signal.SIGTERM)
        running.process.popen.wait(60)
    finally:
        if client:
            client.stop()
        running.stop()
    found = re.search(r"^(?:totals|summary): (\d+)", output.read_text(), re.MULTILINE)
    if not found:
        raise servers.NotHere("callgrind wrote no total")
    return int(found[1])


def count(bench, say=print):
    """{case: instructions an operation}."""
    import dataclasses
    valgrind = tools.find("valgrind")
    if valgrind is None:
        raise servers.NotHere("valgrind is not on this machine (scripts/unpack_tools bench)")
    counts = {}
    for case in CASES:
        if case.name not in COUNTED:
            continue
        alone = dataclasses.replace(case, connections=1)
        few, many = (_total(alone, bench, number, valgrind) for number in (FEW, MANY))
        counts[case.name] = round((many - few) / (MANY - FEW), 1)
        say(f"  {case.name}: {counts[case.name]:.0f} instructions a {case.unit}")
    return counts


def report(bench, record, say=print):
    """Counts, compares with the last ones, and keeps them with `record`. True where none grew."""
    counts = count(bench, say)
    recorded = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    before = recorded.get(key())
    grown = []
    if before is None:
        say(f"nothing is recorded for {key()}: this is the first count")
    else:
        for name, now in counts.items():
            was = before.get(name)
            if was:
                say(f"  {name:16} {was:9.0f} -> {now:9.0f}  {100 * (now / was - 1):+.1f} %")
                if now > was * (1 + TOLERANCE):
                    grown.append(name)
    if record or before is None:
        recorded[key()] = counts
        RECORD.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n")
        say(f"recorded in {RECORD.relative_to(tools.ROOT)}")
    if grown:
        say(f"more instructions than before: {', '.join(grown)}")
    return not grown
