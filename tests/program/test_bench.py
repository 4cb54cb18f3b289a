"""scripts/bench still works: one case, tiny, on the binary of this build. No figure is asserted."""
# ctest: timeout=60

import json
import pathlib
import subprocess
import sys
import unittest

from support import BINARY, SOURCE, ProgramTest, wait_until
from tls_support import section

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

    def test_as_many_connections_of_tls_are_idle_as_it_was_told(self):
        sys.path.insert(0, str(SOURCE / "tests/bench"))
        self.addCleanup(sys.path.remove, str(SOURCE / "tests/bench"))
        import tools  # pylint: disable=import-outside-toplevel

        server = self.start(config='[services.web]\ntype = "http"\nlisten = "tls://127.0.0.1:0"\n'
                            + section("web"))
        request = pathlib.Path(self.folder(), "request")
        request.write_bytes(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        port = str(server.address("web", "tls")[1])
        with subprocess.Popen([tools.client(tls=True), "tls", port, "--connections", "5", "--request",
                               str(request)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            self.assertRegex(client.stdout.readline(), rb"ready \d+")
            # One more has shaken hands and is gone.
            wait_until(lambda: self.connections(server)[1] == 1, "the end of the one that is not idle")
            self.assertEqual(self.connections(server), (5, 1))
            client.stdin.close()
        self.assertEqual(client.returncode, 0)

    @staticmethod
    def connections(server):
        """(open, ended) of the service."""
        (web,) = [service for service in server.get_json("admin", "/api/v1/services")["services"]
                  if service["name"] == "web"]
        return web["listeners"][0]["active"], sum(web["closed_total"].values())

    def test_the_cases_are_listed(self):
        done = self.bench("--list")
        self.assertEqual(done.returncode, 0, done.stdout)
        for name in ("http-pipelined", "echo-udp", "chat-burst", "tls-resumed", "fairness-19000", "idle",
                     "program"):
            self.assertRegex(done.stdout, rf"(?m)^{name} ")


if __name__ == "__main__":
    unittest.main()
