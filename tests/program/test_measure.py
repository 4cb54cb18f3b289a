# ctest: timeout=300 serial
"""polyport measure: what the target saw while a tool ran, and who was the limit."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import unittest

from support import Namespace, ProgramTest, TIMEOUT, cli, tool

WEB = '[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\n'

# Connections that send one request after the other; `rest` is run between two.
CLIENT = """
import http.client, threading, time
end = time.monotonic() + {seconds}
def ask():
  connection = http.client.HTTPConnection({host!r}, {port}, timeout=60)
  while True:
    connection.request({method!r}, {path!r}, body={body}, headers={{"Accept-Encoding": "gzip"}})
    assert connection.getresponse().read()
    {rest}
    if time.monotonic() > end: break
threads = [threading.Thread(target=ask) for _ in range({threads})]
[thread.start() for thread in threads]
"""

# A JSON echo of control characters, compressed, costs the server far more than whoever asks.
PIPELINED = """
import socket, threading, time
end = time.monotonic() + {seconds}
body = b"\\x01" * 100_000
request = (b"POST /echo HTTP/1.1\\r\\nHost: x\\r\\nAccept-Encoding: gzip\\r\\n"
           b"Content-Length: %d\\r\\n\\r\\n" % len(body)) + body
def drain(connection):
  while connection.recv(65536): pass
def ask():
  connection = socket.create_connection({address!r}, timeout=60)
  reader = threading.Thread(target=drain, args=(connection,))
  reader.start()
  while time.monotonic() < end: connection.sendall(request)
  connection.shutdown(socket.SHUT_WR)
  reader.join()
threads = [threading.Thread(target=ask) for _ in range(4)]
[thread.start() for thread in threads]
"""


class Measure(ProgramTest):
    def client(self, server, method="GET", path="/plain", body="None", rest="pass", seconds=2, threads=1):
        host, port = server.address("web")
        return [sys.executable, "-c", CLIENT.format(host=host, port=port, method=method, path=path,
                                                    body=body, rest=rest, seconds=seconds,
                                                    threads=threads)]

    def measure(self, server, command, code=0):
        result = cli("measure", "--target", server.url("admin", ""), "--json", "--", *command,
                     timeout=120)
        self.assertEqual(result.code, code, result)
        return json.loads(result.out[result.out.index("{"):])

    def test_a_saturated_target(self):
        server = self.start(config=WEB)
        # The requests lie in the buffers of the sockets before they are served, so the loop always has
        # something to do, however little of the processor this machine leaves to either side.
        tool = [sys.executable, "-c", PIPELINED.format(address=server.address("web"), seconds=4)]
        report = self.measure(server, tool)
        self.assertEqual(report["verdict"]["limit"], "target", report)
        self.assertIn("the target was the limit: its loop was busy", report["verdict"]["text"])
        self.assertGreater(report["target"]["loop_busy_share"], 0.85)
        self.assertGreater(report["target"]["longest_turn_us"], 3_000)

    def test_a_saturated_tool(self):
        server = self.start(config=WEB)
        burn = "burnt = time.monotonic() + 0.2\n    while time.monotonic() < burnt: pass"
        report = self.measure(server, self.client(server, rest=burn))
        self.assertEqual(report["verdict"]["limit"], "tool", report)
        self.assertIn("the tool was the limit", report["verdict"]["text"])
        self.assertGreater(report["tool"]["busiest_thread_wanted_share"], 0.85)
        self.assertGreater(report["tool"]["cpu_us"], 0)

    def test_neither_was_the_limit(self):
        server = self.start(config=WEB)
        report = self.measure(server, self.client(server, rest="time.sleep(0.5)"))
        self.assertEqual(report["verdict"]["limit"], "none", report)

    def test_a_thread_that_was_busy_for_a_while_is_not_the_limit(self):
        server = self.start(config=WEB)
        burn = "import time; end = time.monotonic() + 0.7\nwhile time.monotonic() < end: pass"
        report = self.measure(server, ["sh", "-c", f"{sys.executable} -c '{burn}'; sleep 3"])
        self.assertEqual(report["verdict"]["limit"], "none", report)
        self.assertGreater(report["tool"]["busiest_thread_wanted_share"], 0.05)

    def test_a_loop_that_was_blocked(self):
        server = self.start(config=WEB + "teaching = true\n")
        report = self.measure(server, self.client(server, path="/block?ms=1500", seconds=0))
        self.assertGreater(report["target"]["longest_turn_us"], 1_490_000)
        self.assertGreater(report["target"]["loop_busy_share"], 0)

    def test_the_counts_are_those_of_the_tool(self):
        server = self.start(config=WEB)
        self.client(server)
        script = ("import http.client\nfor _ in range(2):\n"
                  f"  c = http.client.HTTPConnection(*{server.address('web')!r})\n"
                  "  for _ in range(160):\n    c.request('GET', '/plain'); c.getresponse().read()\n")
        server.get("web", "/plain")  # what came before does not count
        report = self.measure(server, [sys.executable, "-c", script])
        self.assertEqual(report["target"]["requests"], 320)
        self.assertEqual(report["target"]["accepted"], 2)
        # One in 32, those of the admin pages among them.
        self.assertGreaterEqual(report["target"]["service_time"]["measured"], 10)
        self.assertGreater(report["target"]["service_time"]["p50_us"], 0)

    def test_resets_are_seen(self):
        server = self.start(config=WEB)
        script = ("import socket, struct\nfor _ in range(3):\n"
                  f"  s = socket.create_connection({server.address('web')!r})\n"
                  "  s.sendall(b'GET /plain HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); s.recv(9)\n"
                  "  s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
                  "  s.close()\n")
        report = self.measure(server, [sys.executable, "-c", script])
        self.assertEqual(report["target"]["resets"], 3)

    def test_who_may_not_come_does_not_make_the_target_full(self):
        server = self.start(config=WEB + 'deny = ["127.0.0.1"]\n')
        script = ("import socket\nfor _ in range(3):\n  try:\n"
                  f"    socket.create_connection({server.address('web')!r}).recv(1)\n"
                  "  except ConnectionResetError: pass\n")
        report = self.measure(server, [sys.executable, "-c", script])
        self.assertEqual(report["target"]["refused_by"], {"denied": 3}, report)
        self.assertIn(report["verdict"]["limit"], ("too_short", "none"), report)
        server = self.start(config=WEB + 'max_connections = 1\nwhen_full = "refuse"\n')
        script = ("import socket\n"
                  f"first = socket.create_connection({server.address('web')!r})\n"
                  "first.sendall(b'GET /plain HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); first.recv(9)\n"
                  f"socket.create_connection({server.address('web')!r}).recv(1)\n")
        report = self.measure(server, [sys.executable, "-c", script])
        self.assertEqual(report["target"]["refused_by"], {"limit_connections": 1}, report)
        self.assertEqual(report["verdict"]["limit"], "target", report)

    def test_text(self):
        server = self.start(config=WEB)
        result = cli("measure", "--target", server.url("admin", ""), "--", "echo", "hello")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(result.out.startswith("hello\n"), result)
        for words in ("requests ", "loop ", "accept queue", "verdict", "echo hello"):
            self.assertIn(words, result.out)

    def test_the_tool_fails(self):
        server = self.start(config=WEB)
        report = self.measure(server, ["sh", "-c", "exit 7"], code=1)
        self.assertEqual(report["tool"]["exit_code"], 7)

    def test_what_cannot_be_measured(self):
        server = self.start(config=WEB)
        target = server.url("admin", "")
        self.assertEqual(cli("measure", "--target", target, "--", "/no/such/tool").code, 2)
        self.assertEqual(cli("measure", "--target", target).code, 2)
        self.assertEqual(cli("measure", "--target", "localhost", "--", "true").code, 2)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = "http://127.0.0.1:%d" % listener.getsockname()[1]
        result = cli("measure", "--target", closed, "--", "true")
        self.assertEqual(result.code, 5)
        self.assertIn("--target", result.err)
        result = cli("measure", "--target", server.url("web", ""), "--", "true")
        self.assertEqual(result.code, 5, result)


class TheNetwork(ProgramTest):
    """Server and tool on two machines, as the kernel sees it, and between them a wire that loses."""

    def wire(self, server_side, tool_side):
        if os.geteuid() != 0 or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise unittest.SkipTest("this user cannot make a tun device")
        script = pathlib.Path(__file__).with_name("lossy_wire.py")
        # Every fifth packet with 500 bytes or more is lost: data, and neither SYN nor ACK.
        process = subprocess.Popen(
            server_side.wrap([sys.executable, str(script), tool("ip"),
                              f"/proc/{tool_side.holder_pid}/ns/net", "5", "500"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"up\n")
        return process

    def test_a_wire_that_loses_packets(self):
        with Namespace(ipv6=False) as server_side, Namespace(ipv6=False) as tool_side:
            wire = self.wire(server_side, tool_side)
            try:
                server = self.start(config=WEB.replace("127.0.0.1", "10.77.0.1")
                                    + '[admin]\nlisten = "10.77.0.1:0"\n'
                                    + '[health]\nlisten = "10.77.0.1:0"\n',
                                    namespace=server_side, quiet_ports=False)
                host, port = server.address("web")
                client = CLIENT.format(host=host, port=port, method="GET", path="/bytes/8000",
                                       body="None", rest="pass", seconds=4, threads=8)
                result = cli("measure", "--target", server.url("admin", ""), "--json", "--",
                             sys.executable, "-c", client, namespace=tool_side, timeout=120)
                server.stop()
            finally:
                lost = int(wire.communicate(timeout=TIMEOUT)[0])
        self.assertEqual(result.code, 0, result)
        report = json.loads(result.out[result.out.index("{"):])
        self.assertGreater(lost, 10)
        self.assertEqual(report["verdict"]["limit"], "network", report)
        self.assertIn("something had to be sent again", report["verdict"]["text"])


if __name__ == "__main__":
    unittest.main()
