"""The clients: our own (client/), which checks every answer, and wrk."""

import json
import pathlib
import re
import select
import subprocess

import tools
from processes import Process

PATIENCE = 180  # seconds: 2,000 members of a chat greet each other first


class LoadFailed(Exception):
    """A client that found a wrong answer, or none."""


class Client:
    """Our own client, connected to one server; go() as often as you like."""

    def __init__(self, bench, name, kind, port, arguments):
        program = tools.client(tls=kind == "tls")
        self.process = Process([program, kind, str(port), *arguments], bench.client_core, bench.folder,
                               name=f"client-{kind}-{name}", stdin=subprocess.PIPE)
        self.answer_bytes = int(self._line().split()[1])

    def _line(self):
        if not select.select([self.process.popen.stdout], [], [], PATIENCE)[0]:
            raise LoadFailed(f"the client says nothing for {PATIENCE} s")
        line = self.process.popen.stdout.readline().decode()
        if not line:
            raise LoadFailed(self.process.words().strip().removeprefix("client: ") or "it is gone")
        return line

    def _say(self, words):
        self.process.popen.stdin.write(words.encode() + b"\n")
        self.process.popen.stdin.flush()

    def _ask(self, words):
        self._say(words)
        return self.end()

    def go(self, milliseconds):
        return self._ask(f"go {milliseconds}")

    def begin(self, milliseconds):
        """The same, without waiting for it; end() has the result."""
        self._say(f"go {milliseconds}")

    def end(self):
        return json.loads(self._line())

    def count(self, operations):
        return self._ask(f"count {operations}")

    def stop(self):
        self.process.stop()


WRK_SCRIPT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  local bad = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'RESULT {"operations": %d, "lost": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, ' ..
    '"p999_us": %d, "worst_us": %d}\\n', summary.requests, bad, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
"""


class Wrk:
    """wrk: whole seconds only, new connections each time; it looks at the status alone."""

    answer_bytes = 0

    def __init__(self, bench, port, path, connections, tls=False):
        self.bench = bench
        script = pathlib.Path(bench.folder, "wrk.lua")
        script.write_text(WRK_SCRIPT)
        scheme = "https" if tls else "http"
        self.command = ["-t1", f"-c{connections}", "-s", script, f"{scheme}://127.0.0.1:{port}{path}"]

    def go(self, milliseconds):
        seconds = max(1, round(milliseconds / 1000))
        process = Process([tools.find("wrk"), f"-d{seconds}s", *self.command], self.bench.client_core,
                          self.bench.folder, tools.environment())
        try:
            output = process.popen.communicate(timeout=seconds + 60)[0].decode()
        finally:
            process.stop()
        found = re.search(r"RESULT (\{.*\})", output)
        if not found:
            raise LoadFailed(f"wrk: {output[-300:]} {process.words()}")
        result = json.loads(found[1])
        if result["lost"]:
            raise LoadFailed(f"wrk counted {result['lost']} errors")
        return result

    def stop(self):
        pass
