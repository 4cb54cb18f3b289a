# ctest: timeout=300
"""/websocket/echo beside an echo server of Node's ws: the same bytes to both, and the same verdict.

The bytes are right and wrong by chance, from a seed that a failure prints (POLYPORT_SEED gives it back). The
two may differ in one thing: a compressed message that ends in the middle of a block is refused here, and there it is
taken where zlib finds an end in the four bytes that RFC 7692 appends. POLYPORT_FULL=1 sends many more.
"""

import os
import random
import select
import struct
import subprocess
import unittest
import zlib

from support import Server, TIMEOUT, TOOLS, ProgramTest, tool, tool_environment
from websocket_client import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, WebSocket, close,
                              frame)

MOST = 100_000  # of a message
CONFIG = '[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\nmax_duration = "5m"\n'
PATH = f"/websocket/echo?max_fragment_size={MOST}&max_message_size={MOST}"

ECHO = """
const { WebSocketServer } = require("ws");
const server = new WebSocketServer(
    { host: "127.0.0.1", port: 0, maxPayload: Number(process.argv[1]),
      perMessageDeflate: { threshold: 0 } },
    () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary, compress: false }));
});
process.stdin.on("end", () => process.exit(0)).resume();
"""

TEXTS = ["", "a", "Hello", "\u00e4\u20ac\U0001f600", "x" * 125, "y" * 126, "z" * 70_000]
BAD_TEXTS = [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ab\x80"]


def pack(data):
    """One message of permessage-deflate that needs no other."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def unpack(data):
    return zlib.decompressobj(-15).decompress(data + b"\0\0\xff\xff")


def shown(data):
    return data if len(data) < 200 else (len(data), zlib.crc32(data))


def a_close(chance):
    kind = chance.random()
    if kind < 0.5:
        return close(chance.choice([1000, 1001, 1003, 1008, 1011, 3000, 4999]), b"bye")
    if kind < 0.7:
        return close(chance.choice([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000]))
    return frame(CLOSE, chance.choice([b"", b"\x03", b"\x03\xe8\xff", b"\x03\xe8" + b"r" * 123]))


def a_message(chance, deflate, notes):
    """A message, mostly a good one, in one frame or several, with a ping between them now and then."""
    opcode = chance.choice([TEXT, BINARY])
    data = chance.choice(TEXTS).encode()
    if chance.random() < 0.15:
        data = chance.choice(BAD_TEXTS)
    if chance.random() < 0.05:
        data = b"l" * (MOST + chance.choice([0, 1]))
    rsv = 0
    if deflate and chance.random() < 0.5:
        data, rsv = pack(data), 4
        if chance.random() < 0.1:
            data = data[:len(data) // 2] + b"\xff" + data[len(data) // 2:]
            notes.append("broken")
    count = chance.choice([1, 1, 2, 3])
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(count - 1))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
    out = b""
    for index, piece in enumerate(pieces):
        out += frame(opcode if index == 0 else CONTINUATION, piece, final=index == count - 1,
                     rsv=rsv if index == 0 else 0)
        if index + 1 < count and chance.random() < 0.2:
            out += frame(PING, b"between")
    return out


def a_fault(chance):
    return chance.choice([
        frame(chance.choice([3, 4, 5, 6, 7, 11, 12, 15]), b"x"),            # a reserved opcode
        frame(TEXT, b"x", rsv=chance.choice([1, 2, 3, 6])),                 # a reserved bit
        frame(TEXT, b"x", masked=False),
        frame(CONTINUATION, b"x"),
        frame(TEXT, b"a", final=False) + frame(TEXT, b"b"),
        frame(chance.choice([PING, PONG]), b"x" * 126),
        frame(chance.choice([PING, PONG, CLOSE]), b"", final=False),
        frame(PING, b"x", rsv=4),
        frame(CONTINUATION, b"x", rsv=4, final=False),
    ])


def a_conversation(chance, deflate, notes):
    parts = []
    for _ in range(chance.randint(1, 5)):
        kind = chance.random()
        if kind < 0.7:
            parts.append(a_message(chance, deflate, notes))
        elif kind < 0.85:
            parts.append(frame(chance.choice([PING, PONG]), b"p" * chance.choice([0, 1, 125])))
        elif kind < 0.95:
            parts.append(a_fault(chance))
        else:
            parts.append(a_close(chance))
    return b"".join(parts) + a_close(chance)


class Differential(ProgramTest):
    CONVERSATIONS = 20_000 if os.environ.get("POLYPORT_FULL") == "1" else 300

    @classmethod
    def setUpClass(cls):
        modules = TOOLS / "root/usr/share/nodejs"
        if not (modules / "ws").is_dir():
            raise unittest.SkipTest("node-ws is not unpacked (scripts/test unpacks it)")
        cls.server = Server(config=CONFIG)
        cls.addClassCleanup(cls.server.remove)
        cls.addClassCleanup(cls.server.stop)
        cls.node = subprocess.Popen([tool("node"), "-e", ECHO, str(MOST)], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, env=tool_environment({"NODE_PATH": str(modules)}))
        cls.addClassCleanup(cls.end_node)
        if not select.select([cls.node.stdout], [], [], TIMEOUT)[0]:
            raise AssertionError("the server of Node's ws did not start")
        cls.other = ("127.0.0.1", int(cls.node.stdout.readline()))

    @classmethod
    def end_node(cls):
        cls.node.stdin.close()
        try:
            cls.node.wait(10)
        except subprocess.TimeoutExpired:
            cls.node.kill()
            cls.node.wait(10)
        cls.node.stdout.close()

    def verdict(self, address, path, sent, deflate):
        """What came back: messages, and the close code or how it ended otherwise. Pongs are left out: of
        several pings one may be answered (RFC 6455 section 5.5.3)."""
        offer = ["Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
                 "server_no_context_takeover"]
        found, parts = [], []
        with WebSocket(address, path, headers=offer if deflate else ()) as client:
            self.assertEqual(client.status, 101, client.head)
            client.send(sent)
            try:
                while True:
                    final, rsv, opcode, payload = client.frame()
                    if opcode == CLOSE:
                        found.append(("close", int.from_bytes(payload[:2], "big") if payload else None))
                    elif opcode < CLOSE:
                        parts.append(payload)
                        kind, packed = (opcode, rsv) if len(parts) == 1 else (kind, packed)
                        if final:
                            found.append((kind, shown(unpack(b"".join(parts)) if packed else
                                                      b"".join(parts))))
                            parts = []
            except Closed:
                return found
            except ConnectionResetError:
                return found + ["reset"]

    def test_the_same_bytes_get_the_same_verdict(self):
        seed = int(os.environ.get("POLYPORT_SEED") or struct.unpack("I", os.urandom(4))[0])
        for number in range(self.CONVERSATIONS):
            chance = random.Random(f"{seed}-{number}")
            deflate = chance.random() < 0.4
            notes = []
            sent = a_conversation(chance, deflate, notes)
            ours = self.verdict(self.server.address("web"), PATH, sent, deflate)
            theirs = self.verdict(self.other, "/", sent, deflate)
            if "broken" in notes and ours[-1:] == [("close", 1007)] and ours[:-1] == theirs[:len(ours) - 1]:
                continue
            with self.subTest(seed=seed, number=number, deflate=deflate, sent=sent[:200]):
                self.assertEqual(ours, theirs)


if __name__ == "__main__":
    unittest.main()
