"""docs/benchmarks.md, its plots, and the same as JSON, from the figures of a run."""

import json
import os
import pathlib
import platform

import fairness
import plots
import tools

PEERS = ("nginx", "haproxy", "lighttpd", "h2o", "node", "socat", "xinetd", "redis-server", "wrk")
number = plots.number


def machine():
    model = ""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"processor": model or platform.machine(), "cores": os.cpu_count(),
            "kernel": ".".join(platform.release().split(".")[:2]),
            "versions": {name: version for name in PEERS if (version := tools.version(name))}}


def _with_range(figure):
    return f"{number(figure['median'])} ({number(figure['min'])}–{number(figure['max'])})"


def _ratio(figure):
    return f"{figure['median']:.2f} ({figure['min']:.2f}–{figure['max']:.2f})"


def _latency(server):
    return " / ".join(f"{server[key]['median'] / 1000:.2f}" for key in ("p50_us", "p99_us", "p999_us"))


def _calls(server):
    calls = server["calls_per_operation"]
    if not calls:
        return "–"
    names = {"recvfrom": "recv", "sendto": "send"}
    shown = sorted(((count, names.get(name, name)) for name, count in calls.items() if count >= 0.01),
                   reverse=True)
    return f"{sum(calls.values()):.2f}: " + ", ".join(f"{name} {count:.2f}" for count, name in shown[:4])


def _verdict(target):
    what = target["server"] if target["server"] != "best" else f"best peer ({target['which']})"
    if target["reached"] is None:
        return f"of {what}: not measured (target {target['limit']:g})"
    word = "met" if target["met"] else "**missed**"
    return f"{target['reached']:.2f} of {what}, target {target['limit']:g}: {word}"


def _case(case):
    lines = [f"### {case['title']}", ""]
    if not any("absent" not in server for server in case["servers"]):
        return lines + [f"- {server['name']}: {server['absent']}" for server in case["servers"]] + [""]
    lines += ["| server | CPU µs | user + system | polyport's ratio to it | a second | "
              "p50 / p99 / p99.9 ms | private memory | system calls |",
              "|---|---|---|---|---|---|---|---|"]
    for server in case["servers"]:
        if "absent" in server:
            continue
        ratio = case["ratios"].get(server["name"])
        lines.append(
            f"| {server['name']} | {_with_range(server['cpu_seconds_per_million'])} | "
            f"{number(server['cpu_user'])} + {number(server['cpu_system'])} | "
            f"{_ratio(ratio) if ratio else '1'} | "
            f"{server['operations_per_second']['median']:,.0f} | {_latency(server)} | "
            f"{server['memory_bytes'] / (1 << 20):.1f} MiB | {_calls(server)} |")
    sizes = {server["answer_bytes"] for server in case["servers"] if server.get("answer_bytes")}
    lines.append("")
    if case.get("plot"):
        lines += [f"![{case['title']}]({case['plot']})", ""]
    lines += [f"- {_verdict(target)}" for target in case["targets"]]
    for server in case["servers"]:
        if "absent" in server:
            lines.append(f"- {server['name']} did not run: {server['absent']}")
        elif server["lost"]:
            lines.append(f"- {server['name']}: {server['lost']} datagrams were sent a second time")
    if len(sizes) > 1:
        lines.append("- bytes of an answer, head and all: " + ", ".join(
            f"{server['name']} {server['answer_bytes']}" for server in case["servers"]
            if server.get("answer_bytes")))
    return lines + [""]


def _idle(rows):
    lines = ["## Memory of an idle connection", "",
             "Bytes of process memory (Private_Dirty) that each connection added to the server, after one "
             "exchange on it.", ""]
    for row in rows:
        shown = ", ".join(f"{name} {value:.0f}" for name, value in row["bytes"].items()
                          if not isinstance(value, str))
        lines.append(f"- **{row['name']}**, {row['connections']:,} connections: {shown or '–'}")
        for target in row["targets"]:
            what = "bytes" if target["server"] == "bytes" else f"of {target['server']}"
            word = "met" if target["met"] else "**missed**"
            lines.append(f"  - {number(target['reached'])} {what}, target {target['limit']:g}: {word}")
        lines += [f"  - {name}: {value}" for name, value in row["bytes"].items()
                  if isinstance(value, str)]
    return lines + [""]


def _fairness(rows):
    lines = ["## Fairness", "",
             "Latency of HTTP, asked on a schedule, while a load goes to another port of the same polyport, "
             "and while the same load goes to another process, which gives way to polyport. All servers "
             "share one core, all clients the other. The ratio is that of the p99 in the "
             "quietest round of each: in the others, on both sides, are stalls of the machine.", ""]
    for row in rows:
        lines += [f"- **{row['title']}**"] + [f"  - {line}" for line in fairness.lines_of(row)]
    return lines + [""]


def _program(program):
    start, size = program["targets"]
    def verdict(target):
        return "met" if target["met"] else "**missed**"
    return ["## Start and size", "",
            f"- from exec to all ports open (the demo's services): {_with_range(program['start_ms'])} ms, "
            f"{_with_range(program['start_cpu_ms'])} of it on a processor; "
            f"the least of them, target 20: {verdict(start)}",
            f"- the program, stripped, without its libraries: {size['reached'] / (1 << 20):.2f} MiB, "
            f"target 4: {verdict(size)}", ""]


HEAD = """# Benchmarks

Written by `scripts/bench`; run it on your machine before you believe a figure. Every server answers the same question with one worker, on one core, without an access log; the client has another core and compares what it gets, byte for byte: all but the value of a `Date`, and of the three cases whose bodies differ from server to server (JSON told back, random bytes) all but these, of which only the length is. wrk looks at the status only. The servers take turns, {rounds} rounds of {milliseconds} ms each (of wrk, which knows whole seconds only, of a second), there and back again, so that what else the machine does hits all of them.

**CPU µs** is what the server's processes used of a processor for one operation, from `/proc`: the same figure as CPU seconds for a million operations. It holds on a busy machine, where operations a second and latencies do not. Figures are the median of the rounds with the least and the most; ratios are taken round by round (below 1: polyport needs less).

The **floor** is 40 to 75 lines of C on a bare epoll for each protocol, beside a header that they share (`tests/bench/floor`), with every socket option that polyport sets and none of its limits, deadlines, counters and checks. polyport runs with `config/loadtest.toml`, which has all of these on.

"""


def _machine(found):
    versions = "; ".join(f"{name}: {text}" for name, text in found["versions"].items())
    return [f"Machine: {found['processor']}, {found['cores']} cores, Linux {found['kernel']}. "
            f"Peers: {versions}.", ""]


def _summary(cases):
    lines = ["## What was to be reached", "", "| case | polyport's server CPU | |", "|---|---|---|"]
    for case in cases:
        for target in case["targets"]:
            what, _, word = _verdict(target).rpartition(": ")
            lines.append(f"| {case['title']} | {what} | {word} |" if target["reached"] is not None
                         else f"| {case['title']} | {_verdict(target)} | |")
        if not case["targets"]:
            reason = next((server["absent"] for server in case["servers"] if "absent" in server), "")
            lines.append(f"| {case['title']} | {reason} | |")
    return lines + [""]


def write(result, page, data, notes=()):
    """The page, plots in the folder of its name, the data as JSON."""
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    for case in result["cases"]:
        picture = plots.svg(case)
        if picture:
            (folder / f"{case['name']}.svg").write_text(picture)
            case["plot"] = f"{folder.name}/{case['name']}.svg"
    lines = [HEAD.format(**result).rstrip("\n"), ""] + _machine(result["machine"])
    lines += _summary(result["cases"])
    lines += [line for note in notes for line in (note.rstrip("\n"), "")]
    lines += ["## The cases", ""]
    for case in result["cases"]:
        lines += _case(case)
    if result.get("fairness"):
        lines += _fairness(result["fairness"])
    if result.get("idle"):
        lines += _idle(result["idle"])
    if result.get("program"):
        lines += _program(result["program"])
    page.write_text("\n".join(lines).rstrip("\n") + "\n")
    data.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def print_case(case, say=print):
    """A case on the terminal."""
    for server in case["servers"]:
        if "absent" in server:
            say(f"  {server['name']:9} did not run: {server['absent']}")
            continue
        ratio = case["ratios"].get(server["name"])
        say(f"  {server['name']:9} {_with_range(server['cpu_seconds_per_million']):24} µs   "
            f"{'polyport is ' + _ratio(ratio) + ' of it' if ratio else '':40} "
            f"{server['operations_per_second']['median']:10,.0f}/s  {_calls(server)}")
    for target in case["targets"]:
        say(f"  {_verdict(target)}")
