# ctest: timeout=300
"""ws:// as a transport: stream services behind WebSocket messages, with clients that know nothing of
polyport."""

import json
import os
import struct
import subprocess
import sys
import time
import unittest

from support import (TIMEOUT, TOOLS, ProgramTest, cli, connect, read_exactly, read_line, read_to_end,
                     run_tool, tool_environment, tool)
from websocket_client import BINARY, CLOSE, PING, PONG, TEXT, WebSocket, close, frame, fragments, text

CONFIG = """
[services.echo]
listen = ["ws://127.0.0.1:0", "tcp://127.0.0.1:0"]
[services.discard]
listen = "ws://127.0.0.1:0"
[services.daytime]
listen = "ws://127.0.0.1:0"
[services.time]
listen = "ws://127.0.0.1:0"
[services.chargen]
listen = "ws://127.0.0.1:0"
[services.chat]
listen = ["ws://127.0.0.1:0", "tcp://127.0.0.1:0"]
[services.banner]
listen = "ws://127.0.0.1:0"
[services.open]
type = "echo"
listen = "ws://127.0.0.1:0"
[services.open.websocket]
origins = ["https://example.com"]
messages = "binary"
"""

# Python's own client; Debian's package, unpacked.
CLIENT = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
import websockets
async def main():
    found = []
    async with websockets.connect(sys.argv[2], compression="deflate") as ws:
        for message in ("hello", "gr\\u00fc\\u00dfe", b"\\x00\\xff", "x" * 60000, b"y" * 300000):
            await ws.send(message)
            got = await ws.recv()
            while len(got) < len(message):
                got += await ws.recv()
            found.append(got == message)
        found.append(len(ws.extensions))
        pong = await ws.ping(b"here")
        await asyncio.wait_for(pong, 20)
    found.append(ws.close_code)
    print(json.dumps(found))
asyncio.run(main())
"""

SECURE = """
import asyncio, json, ssl, sys
sys.path.insert(0, sys.argv[1])
import websockets
context = ssl.create_default_context(cafile=sys.argv[2])
async def main():
    echo = []
    async with websockets.connect(sys.argv[3], ssl=context) as ws:
        for message in ("hello", b"\\x00\\xff", "x" * 300000):
            await ws.send(message)
            got = await ws.recv()
            while len(got) < len(message):
                got += await ws.recv()
            echo.append(got == message)
    async with websockets.connect(sys.argv[4], ssl=context) as ws:
        line = await ws.recv()
    async with websockets.connect(sys.argv[5], ssl=context) as one:
        async with websockets.connect(sys.argv[5], ssl=context) as two:
            await one.send("/nick one\\n")
            await two.send("/nick two\\n")
            await one.send("through two stages\\n")
            heard = ""
            while "through two stages" not in heard:
                heard += await asyncio.wait_for(two.recv(), 20)
    print(json.dumps([echo, line, heard]))
asyncio.run(main())
"""

NODE = """
const WebSocket = require('ws');
const socket = new WebSocket(process.argv[1]);
const got = [];
socket.on('open', () => { socket.send('from node'); socket.send(Buffer.from([0, 1, 254])); });
socket.on('message', (data, isBinary) => {
  got.push([isBinary, data.toString('latin1')]);
  if (got.length === 2) socket.close(1000);
});
socket.on('close', (code) => console.log(JSON.stringify([got, code])));
"""


class TransportTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        from support import Server
        cls.server = Server(config=CONFIG)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.remove()

    def open(self, service, **more):
        client = WebSocket(self.server.address(service, "ws"), "/", **more)
        self.addCleanup(client.end)
        self.assertEqual(client.status, 101, client.head)
        return client

    def url(self, service):
        host, port = self.server.address(service, "ws")
        return f"ws://{host}:{port}/"


class Services(TransportTest):
    def test_echo_answers_each_message_in_its_kind(self):
        client = self.open("echo")
        client.send(text("one") + frame(BINARY, b"\x00\xff") + text("zw\u00f6lf")
                    + fragments(TEXT, b"in five parts", 3) + close(1000))
        self.assertEqual(client.rest(), [(TEXT, b"one"), (BINARY, b"\x00\xff"),
                                         (TEXT, "zw\u00f6lf".encode()), (TEXT, b"in five parts"),
                                         ("close", 1000)])

    def test_echo_of_a_message_that_no_buffer_holds(self):
        content = os.urandom(20 << 20)
        client = self.open("echo")
        client.send(frame(BINARY, content) + close(1000))
        found = client.rest()
        self.assertEqual(found.pop(), ("close", 1000))
        self.assertEqual({kind for kind, _ in found}, {BINARY})
        self.assertEqual(b"".join(payload for _, payload in found), content)

    def test_daytime_is_a_line_of_text_and_the_end(self):
        found = self.open("daytime").rest()
        self.assertEqual([kind for kind, _ in found], [TEXT, "close"])
        self.assertRegex(found[0][1], rb"^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}\r\n$")
        self.assertEqual(found[1], ("close", 1000))

    def test_time_is_four_bytes(self):
        before = int(time.time())
        found = self.open("time").rest()
        self.assertEqual([kind for kind, _ in found], [BINARY, "close"])
        seconds = struct.unpack(">I", found[0][1])[0] - 2208988800
        self.assertTrue(before - 1 <= seconds <= time.time() + 1, seconds)

    def test_a_chat_line_goes_from_a_page_to_a_terminal_and_back(self):
        terminal = connect(self.server.address("chat", "tcp"))
        self.addCleanup(terminal.close)
        page = self.open("chat")
        page.send(text("/nick page\n"))
        terminal.sendall(b"/nick term\r\n")
        page.send(text("gr\u00fc\u00dfe from a page\n"))
        line = b""
        while "gr\u00fc\u00dfe from a page".encode() not in line:
            line = read_line(terminal)
        terminal.sendall(b"hello page\r\n")
        said = b""
        while b"hello page" not in said:
            kind, payload = page.message()
            self.assertEqual(kind, TEXT)
            said += payload

    def test_banner_speaks_first(self):
        kind, payload = self.open("banner").message()
        self.assertEqual((kind, payload[:4]), (TEXT, b"220 "))

    def test_chargen_talks_until_the_connection_ends(self):
        """Over TCP it ignores the FIN too: its RFC knows one end only."""
        client = self.open("chargen")
        for _ in range(20):
            self.assertEqual(client.message()[0], TEXT)
        client.end()

    def test_discard_says_nothing(self):
        client = self.open("discard")
        client.send(text("x" * 1000) + frame(PING, b"p") + close(1000))
        self.assertEqual(client.rest(), [(PONG, b"p"), ("close", 1000)])

    def test_the_settings_of_a_service(self):
        client = self.open("open", headers=["Origin: https://example.com"])
        client.send(text("as bytes") + close())
        self.assertEqual(client.rest(), [(BINARY, b"as bytes"), ("close", None)])


class Rules(TransportTest):
    def test_a_client_that_breaks_them_is_told_the_code(self):
        for sent, code in ((frame(TEXT, b"x", masked=False), 1002), (frame(3), 1002),
                           (frame(TEXT, b"\xff"), 1007), (frame(TEXT, b"x", rsv=4), 1002),
                           (close(1005), 1002), (frame(PING, b"x" * 126), 1002)):
            client = self.open("echo")
            client.send(sent)
            self.assertEqual(client.rest(), [("close", code)], sent[:20])

    def test_an_idle_client_is_closed_where_that_is_set(self):
        server = self.start(config='[services.echo]\nlisten = "ws://127.0.0.1:0"\n'
                                   'idle_timeout = "1s"\n')
        client = WebSocket(server.address("echo", "ws"), "/")
        self.addCleanup(client.end)
        self.assertEqual(client.rest(), [("close", 1000)])

    def test_stopping_says_so(self):
        server = self.start(config='[services.echo]\nlisten = "ws://127.0.0.1:0"\n')
        client = WebSocket(server.address("echo", "ws"), "/")
        self.addCleanup(client.end)
        client.send(text("x"))
        self.assertEqual(client.message(), (TEXT, b"x"))
        server.stop()
        self.assertEqual(client.rest(), [("close", 1000)])

    def test_pages_of_others_are_refused(self):
        refused = WebSocket(self.server.address("echo", "ws"), "/",
                            headers=["Origin: https://example.com"])
        self.addCleanup(refused.end)
        self.assertEqual(refused.status, 403)
        allowed = self.open("echo", headers=["Origin: http://localhost:5173"])
        allowed.send(text("x"))
        self.assertEqual(allowed.message(), (TEXT, b"x"))


class Clients(TransportTest):
    def test_a_plain_request_is_told_what_this_is(self):
        host, port = self.server.address("echo", "ws")
        result = run_tool("curl", "-sS", "-i", f"http://{host}:{port}/")
        self.assertEqual(result.code, 0, result)
        self.assertIn("HTTP/1.1 426 Upgrade Required", result.out)
        self.assertIn(f'new WebSocket("ws://{host}:{port}/")', result.out)
        self.assertIn("of the service echo", result.out)

    def test_pythons_websockets(self):
        done = subprocess.run([sys.executable, "-c", CLIENT,
                               str(TOOLS / "root/usr/lib/python3/dist-packages"), self.url("echo")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=4 * TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), [True] * 5 + [0, 1000])

    def test_nodes_ws(self):
        env = tool_environment({"NODE_PATH": str(TOOLS / "root/usr/share/nodejs")})
        done = subprocess.run([tool("node"), "-e", NODE, self.url("echo")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=4 * TIMEOUT, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout),
                         [[[False, "from node"], [True, "\x00\x01\u00fe"]], 1000])


class Encrypted(ProgramTest):
    def test_echo_daytime_and_a_chat_line_through_wss(self):
        """TLS below WebSocket, with the development CA, by Python's own client."""
        state = self.folder() / "state"
        server = self.start(env={"STATE_DIRECTORY": str(state)}, config="""
[server.tls]
auto = true
[services.echo]
listen = "wss://127.0.0.1:0"
[services.daytime]
listen = "wss://127.0.0.1:0"
[services.chat]
listen = "wss://127.0.0.1:0"
""")
        urls = [f"wss://localhost:{server.port(name, 'wss')}/" for name in ("echo", "daytime", "chat")]
        done = subprocess.run([sys.executable, "-c", SECURE,
                               str(TOOLS / "root/usr/lib/python3/dist-packages"),
                               str(state / "tls/ca.crt"), *urls],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=4 * TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr)
        echo, line, heard = json.loads(done.stdout)
        self.assertEqual(echo, [True] * 3)
        self.assertRegex(line, r"^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}\r\n$")
        self.assertIn("through two stages", heard)


class Shown(TransportTest):
    def test_the_table_and_the_api_know_the_transport(self):
        host, port = self.server.address("daytime", "ws")
        self.assertIn(f"ws {host}:{port}", self.server.stdout())
        self.assertIn(f"python3 -m websockets ws://{host}:{port}/".replace(host, "localhost"),
                      self.server.stdout())
        services = self.server.get_json("admin", "/api/v1/services")
        text_of = json.dumps(services)
        self.assertIn('"transport": "ws"', text_of)

    def test_services_lists_it_for_those_who_have_it(self):
        listed = json.loads(cli("services", "--json").out)
        types = {each["type"]: each["transports"] for each in
                 (listed["services"] if isinstance(listed, dict) else listed)}
        self.assertEqual(types["echo"], ["tcp", "udp", "unix", "tls", "ws", "wss"])
        self.assertEqual(types["sntp"], ["udp"])
        self.assertNotIn("ws", types["http"])

    def test_check(self):
        def check(config):
            return cli("check", "-", input=config)
        self.assertEqual(check('[services.echo]\nlisten = "ws://localhost:10008"\n').code, 0)
        twice = check('[services.a]\ntype = "echo"\nlisten = "ws://localhost:10008"\n'
                      '[services.b]\ntype = "echo"\nlisten = "localhost:10008"\n')
        self.assertEqual(twice.code, 1, twice)
        web = check('[services.web]\ntype = "http"\nlisten = "ws://localhost:8080"\n')
        self.assertIn("http does not speak ws", web.out)
        forward = check('[services.f]\ntype = "forward"\nlisten = "ws://localhost:1"\n'
                        'upstream = "ws://localhost:2"\n')
        self.assertIn("an upstream is reached over tcp, udp or a unix socket", forward.out)
        origin = check('[services.echo]\nlisten = "ws://localhost:10008"\n'
                       '[services.echo.websocket]\norigins = ["example.com"]\n')
        self.assertIn('websocket.origins: "example.com" is no origin of a page', origin.out)

    def test_connect_says_that_it_speaks_none(self):
        result = cli("connect", "ws://localhost:1")
        self.assertEqual(result.code, 2, result)
        self.assertIn("this client speaks no WebSocket", result.err)

    def test_a_taken_port_is_suggested_with_its_transport(self):
        host, port = self.server.address("echo", "ws")
        result = cli("run", "-", input=f'[services.x]\ntype = "echo"\nlisten = "ws://{host}:{port}"\n')
        self.assertEqual(result.code, 3, result)
        self.assertIn("held by polyport", result.err)


if __name__ == "__main__":
    unittest.main()
