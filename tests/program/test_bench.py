"""scripts/bench still works: one case, tiny, on the binary of this build. No figure is asserted."""
# ctest: timeout=60

import json
import pathlib
import subprocess
import sys
import unittest

from support import BINARY, SOURCE, ProgramTest

BENCH = SOURCE / "scripts/bench"


class Bench(ProgramTest):
    def bench(self, *arguments):
        return subprocess.run([sys.executable, "-B", str(BENCH), "--no-unpack", "--binary", str(BINARY),
                               *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=50, check=False)

    def run_case(self, name):
        path = pathlib.Path(self.folder(), "figures.json")
        done = self.bench("--case", name, "--server", "floor", "--rounds", "2", "--milliseconds", "50",
                          "--json", str(path))
        self.assertEqual(done.returncode, 0, done.stdout)
        (case,) = json.loads(path.read_text())["cases"]
        return case, done.stdout

    def test_a_case_measures_polyport_and_the_floor(self):
        case, output = self.run_case("http")
        servers = {server["name"]: server for server in case["servers"]}
        self.assertEqual(set(servers), {"polyport", "floor"}, output)
        for server in servers.values():
            self.assertNotIn("absent", server, output)
            self.assertGreater(server["operations_per_second"]["min"], 0)
            self.assertGreater(server["cpu_seconds_per_million"]["min"], 0)
            self.assertEqual(server["answer_bytes"], servers["floor"]["answer_bytes"])
        self.assertGreater(case["ratios"]["floor"]["median"], 0)
        self.assertIsNotNone(case["targets"][0]["reached"])

    def test_the_cases_are_listed(self):
        done = self.bench("--list")
        self.assertEqual(done.returncode, 0, done.stdout)
        for name in ("http-pipelined", "echo-udp", "chat-burst", "tls-resumed", "fairness-19000", "idle",
                     "program"):
            self.assertRegex(done.stdout, rf"(?m)^{name} ")


if __name__ == "__main__":
    unittest.main()
