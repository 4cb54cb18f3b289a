# ctest: timeout=300
"""/websocket/echo from outside: conformance by section of RFC 6455 and RFC 7692, bad handshakes, floods,
and real clients: Python's websockets, Node's ws, curl."""

import json
import os
import struct
import subprocess
import sys
import unittest
import zlib

from support import TIMEOUT, TOOLS, ProgramTest, connect, read_to_end, tool, tool_environment
from websocket_client import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, close, frame,
                              fragments, text)

CONFIG = """
[services.web]
type = "http"
listen = "127.0.0.1:0"
max_body = "16MiB"
[services.small]
type = "http"
listen = "127.0.0.1:0"
"""
LARGE = "/websocket/echo?max_fragment_size=16777216&max_message_size=16777216"


class Deflate:
    """The client's side of permessage-deflate, by Python's zlib."""

    def __init__(self, bits=15, keeps=True):
        self.bits, self.keeps = bits, keeps
        self.reset()

    def reset(self):
        self.out = zlib.compressobj(6, zlib.DEFLATED, -self.bits)
        self.into = zlib.decompressobj(-15)

    def pack(self, data):
        packed = (self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH))[:-4]
        if not self.keeps:
            self.out = zlib.compressobj(6, zlib.DEFLATED, -self.bits)
        return packed

    def unpack(self, data, server_keeps=True):
        content = self.into.decompress(data + b"\0\0\xff\xff")
        if not server_keeps:
            self.into = zlib.decompressobj(-15)
        return content


class WebSocketTest(ProgramTest):
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

    def open(self, path=LARGE, service="web", **more):
        client = WebSocket(self.server.address(service), path, **more)
        self.addCleanup(client.end)
        self.assertEqual(client.status, 101, client.head)
        return client

    def check(self, sent, expected, chops=(None, 1), path=LARGE, service="web"):
        """Sends `sent` and expects these messages and then the end."""
        for chop in chops:
            with self.subTest(chop=chop):
                client = self.open(path, service)
                client.send(sent, chop)
                self.assertEqual(client.rest(), expected)
                client.end()

    def check_echo(self, sent, expected, **more):
        """The same, closed by us in the end."""
        self.check(sent + close(1000), expected + [("close", 1000)], **more)

    def check_fails(self, sent, code, before=(), **more):
        self.check(sent, list(before) + [("close", code)], **more)


class Framing(WebSocketTest):
    def test_sizes(self):
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536):
            payload = bytes(range(256)) * (size // 256 + 1)
            chops = (None, 997) if size > 200 else (None, 1)
            with self.subTest(size=size):
                self.check_echo(frame(BINARY, payload[:size]), [(BINARY, payload[:size])],
                                chops=chops)
                self.check_echo(text(b"*" * size), [(TEXT, b"*" * size)], chops=chops)

    def test_pings(self):
        for payload in (b"", b"Hello, world!", b"\x00\xff\xfe\xfd", b"\xfe" * 125):
            self.check_echo(frame(PING, payload), [(PONG, payload)])
        self.check_echo(b"".join(frame(PING, b"p%d" % i) for i in range(10)),
                        [(PONG, b"p%d" % i) for i in range(10)])
        self.check_fails(frame(PING, b"\xfe" * 126), 1002)
        # Pongs nobody asked for are no matter.
        self.check_echo(frame(PONG, b"unasked") + frame(PING, b"a") + frame(PONG), [(PONG, b"a")])

    def test_reserved_bits(self):
        for rsv in range(1, 8):
            for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
                with self.subTest(rsv=rsv, opcode=opcode):
                    self.check_fails(text("before") + frame(opcode, b"", rsv=rsv) + frame(PING), 1002,
                                     [(TEXT, b"before")])

    def test_reserved_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            for payload in (b"", b"reserved opcode payload"):
                with self.subTest(opcode=opcode):
                    self.check_fails(text("before") + frame(opcode, payload) + frame(PING), 1002,
                                     [(TEXT, b"before")])

    def test_masks(self):
        self.check_fails(frame(TEXT, b"open", masked=False), 1002)
        self.check_echo(frame(TEXT, b"zero key", key=b"\0\0\0\0"), [(TEXT, b"zero key")])

    def test_lengths_in_a_longer_form(self):
        self.check_fails(frame(BINARY, b"a", form=2), 1002)
        self.check_fails(frame(BINARY, b"a" * 125, form=8), 1002)
        self.check_fails(frame(BINARY, b"a" * 65535, form=8), 1002, chops=(None, 997))
        self.check_fails(frame(PING, b"a", form=2), 1002)
        self.check_fails(b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 1002)


class Fragments(WebSocketTest):
    def test_control_frames_are_not_fragmented(self):
        self.check_fails(frame(PING, b"a", final=False) + frame(CONTINUATION, b"b"), 1002)
        self.check_fails(frame(PONG, b"a", final=False) + frame(CONTINUATION, b"b"), 1002)
        self.check_fails(frame(CLOSE, b"", final=False), 1002)

    def test_messages_in_fragments(self):
        for first in (TEXT, BINARY):
            self.check_echo(frame(first, b"frag", final=False) + frame(CONTINUATION, b"ment"),
                            [(first, b"fragment")])
            self.check_echo(frame(first, b"", final=False) + frame(CONTINUATION, b"", final=False) +
                            frame(CONTINUATION, b""), [(first, b"")])
            self.check_echo(fragments(first, b"x" * 1000, 1), [(first, b"x" * 1000)])

    def test_control_frames_between_fragments(self):
        self.check_echo(frame(TEXT, b"1", final=False) + frame(PING, b"p1") +
                        frame(CONTINUATION, b"2", final=False) + frame(PING, b"p2") +
                        frame(PONG, b"no matter") + frame(CONTINUATION, b"3"),
                        [(PONG, b"p1"), (PONG, b"p2"), (TEXT, b"123")])

    def test_fragments_out_of_order(self):
        start = frame(TEXT, b"start", final=False)
        self.check_fails(frame(CONTINUATION, b"nothing to continue"), 1002)
        self.check_fails(frame(CONTINUATION, b"nothing", final=False) + text("Hello"), 1002)
        self.check_fails(start + text("another"), 1002)
        self.check_fails(start + frame(BINARY, b"another", final=False), 1002)
        self.check_fails(start + frame(CONTINUATION, b"end") + frame(CONTINUATION, b"one more"), 1002,
                         [(TEXT, b"startend")])


class Utf8(WebSocketTest):
    GOOD = ["", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\x00", "\x7f", "\u0080", "\u07ff", "\u0800",
            "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0010ffff",
            "\U0001fffe", "\U0010fffe"]
    BAD = [b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", b"\x80", b"\xbf",
           b"\x80\xbf\x80", b"\xc0 \xc1 ", b"\xe0 ", b"\xf0 ", b"\xf8\x88\x80\x80\x80",
           b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xc0\xaf",
           b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xc1\xbf",
           b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80",
           b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80",
           b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf"]
    CUT = [b"\xc2", b"\xe1\xbd", b"\xf0\x9f\x98", b"whole \xce\xba\xe1"]

    def test_good_text(self):
        for content in self.GOOD:
            payload = content.encode()
            with self.subTest(payload=payload):
                self.check_echo(text(payload), [(TEXT, payload)])
                self.check_echo(fragments(TEXT, payload, 1), [(TEXT, payload)])

    def test_bad_text(self):
        for payload in self.BAD + self.CUT:
            with self.subTest(payload=payload):
                self.check_fails(text(payload), 1007)
                self.check_fails(fragments(TEXT, payload, 1), 1007)

    def test_bad_text_is_met_before_its_frame_is_complete(self):
        whole = frame(TEXT, b"\xce\xba\xf4\x90\x80\x80" + b"x" * 1000, key=b"\0\0\0\0")
        client = self.open()
        client.send(whole[:8 + 4])  # head, and up to the byte that cannot be
        self.assertEqual(client.rest(), [("close", 1007)])
        client = self.open()
        client.send(frame(TEXT, b"\xce\xba", final=False) + frame(CONTINUATION, b"\xf4", final=False))
        client.send(frame(CONTINUATION, b"\x90", final=False))
        self.assertEqual(client.rest(), [("close", 1007)])

    def test_binary_may_be_anything(self):
        for payload in self.BAD:
            self.check_echo(frame(BINARY, payload), [(BINARY, payload)], chops=(None,))


class Closing(WebSocketTest):
    def test_a_close_is_answered_and_nothing_after_it(self):
        self.check_echo(text("Hello"), [(TEXT, b"Hello")])
        for late in (close(1000), frame(PING, b"late"), text("late"),
                     frame(TEXT, b"late", final=False) + frame(CONTINUATION, b"r")):
            self.check(close(1000) + late, [("close", 1000)])
        self.check(frame(TEXT, b"half", final=False) + close(1000) + frame(CONTINUATION, b"rest"),
                   [("close", 1000)])
        large = b"A" * 256 * 1024
        self.check(text(large) + close(1000) + frame(PING), [(TEXT, large), ("close", 1000)],
                   chops=(None,))

    def test_close_payloads(self):
        self.check(close(), [("close", None)])
        self.check_fails(frame(CLOSE, b"\x03"), 1002)
        self.check(close(1000, "Hello World, ß".encode()), [("close", 1000)])
        self.check(close(1000, b"*" * 123), [("close", 1000)])
        self.check_fails(close(1000, b"*" * 124), 1002)
        self.check_fails(close(1000, Utf8.BAD[0]), 1007)

    def test_close_codes(self):
        good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
                4000, 4999]
        bad = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
        for code in good:
            self.check(close(code), [("close", code)], chops=(None,))
        for code in bad:
            self.check_fails(close(code), 1002, chops=(None,))

    def test_a_client_that_just_goes_is_no_trouble(self):
        client = self.open()
        client.send(frame(TEXT, b"half", final=False))
        client.end()
        self.check_echo(text("others go on"), [(TEXT, b"others go on")], chops=(None,))


class Limits(WebSocketTest):
    def test_large_messages(self):
        for size in (64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20):
            payload = b"*" * size
            for opcode in (TEXT, BINARY):
                with self.subTest(size=size, opcode=opcode):
                    self.check_echo(frame(opcode, payload, key=b"\0\0\0\0"), [(opcode, payload)],
                                    chops=(None,))

    def test_a_large_message_in_fragments(self):
        payload = b"*" * (4 << 20)
        for size in (64, 1024, 65536, 1 << 20):
            with self.subTest(size=size):
                self.check_echo(fragments(TEXT, payload, size, key=b"\0\0\0\0"), [(TEXT, payload)],
                                chops=(None,))

    def test_a_large_message_in_small_writes(self):
        payload = b"*" * (1 << 20)
        for chop in (1024, 4096, 65536):
            self.check_echo(text(payload), [(TEXT, payload)], chops=(chop,))

    def test_go_httpbins_parameters(self):
        echo = "/websocket/echo"
        small = {"service": "small", "chops": (None,)}
        # The defaults: fragments of 512 KiB, messages of 1 MiB.
        whole = b"x" * (512 << 10)
        self.check_echo(text(whole), [(TEXT, whole)], path=echo, **small)
        self.check_fails(text(whole + b"x"), 1009, path=echo, **small)
        self.check_echo(fragments(TEXT, whole * 2, 512 << 10), [(TEXT, whole * 2)], path=echo, **small)
        self.check_fails(fragments(TEXT, whole * 2 + b"x", 512 << 10), 1009, path=echo, **small)
        # And those of the client, one below and one above.
        path = echo + "?max_fragment_size=10&max_message_size=25"
        self.check_echo(text("0123456789"), [(TEXT, b"0123456789")], path=path, **small)
        self.check_fails(text("0123456789a"), 1009, path=path, **small)
        self.check_echo(fragments(TEXT, b"a" * 25, 10), [(TEXT, b"a" * 25)], path=path, **small)
        self.check_fails(fragments(TEXT, b"a" * 26, 10), 1009, path=path, **small)

    def test_replies_are_cut_to_the_fragment_size(self):
        client = self.open("/websocket/echo?max_fragment_size=10&max_message_size=100")
        payload = bytes(range(65, 65 + 26)) + b"!"
        client.send(fragments(BINARY, payload, 9))
        self.assertEqual([client.frame() for _ in range(3)],
                         [(0, 0, BINARY, payload[:10]), (0, 0, CONTINUATION, payload[10:20]),
                          (1, 0, CONTINUATION, payload[20:])])
        client.send(fragments(TEXT, payload[:20], 10) + fragments(TEXT, payload[:10], 5))
        self.assertEqual([client.frame() for _ in range(3)],
                         [(0, 0, TEXT, payload[:10]), (1, 0, CONTINUATION, payload[10:20]),
                          (1, 0, TEXT, payload[:10])])

    def test_parameters_that_cannot_be(self):
        for query in ("max_fragment_size=0", "max_fragment_size=-1", "max_fragment_size=a",
                      "max_fragment_size=1048577", "max_message_size=0", "max_message_size=1048577",
                      "max_message_size=1e3", "max_fragment_size=11&max_message_size=10",
                      "max_message_size=100", "hello=perhaps"):
            with self.subTest(query=query):
                client = WebSocket(self.server.address("small"), "/websocket/echo?" + query)
                self.addCleanup(client.end)
                self.assertEqual(client.status, 400, client.head)
                self.assertIsNone(client.header("Sec-WebSocket-Accept"))

    def test_hello_tells_the_client_where_it_is(self):
        client = self.open("/websocket/echo?hello=true")
        opcode, payload = client.message()
        self.assertEqual(opcode, TEXT)
        hello = json.loads(payload)
        host, port = client.sock.getsockname()
        self.assertEqual((hello["client"]["address"], hello["client"]["port"]), (host, port))
        self.assertEqual(hello["server"]["port"], self.server.port("web"))
        client.send(text("and then it echoes"))
        self.assertEqual(client.message(), (TEXT, b"and then it echoes"))


class Compression(WebSocketTest):
    def agree(self, offer, path=LARGE):
        client = self.open(path, headers=[f"Sec-WebSocket-Extensions: {offer}"])
        return client, client.header("Sec-WebSocket-Extensions")

    def test_many_sizes_with_every_parameter(self):
        offers = {"permessage-deflate": (15, True, True),
                  "permessage-deflate; client_no_context_takeover": (15, False, True),
                  "permessage-deflate; server_no_context_takeover": (15, True, False),
                  "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9": (9, True, True),
                  "permessage-deflate; server_max_window_bits=9; server_no_context_takeover; "
                  "client_no_context_takeover": (15, False, False)}
        for offer, (bits, client_keeps, server_keeps) in offers.items():
            with self.subTest(offer=offer):
                client, answer = self.agree(offer)
                self.assertIsNotNone(answer)
                deflate = Deflate(bits, client_keeps)
                for size in (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072):
                    for i in range(10):
                        data = json.dumps([i, size, "word " * 10]).encode() * (size // 60 + 1)
                        data = data[:size]
                        packed = deflate.pack(data)
                        client.send(fragments(TEXT, packed, 4096, rsv=4) if i % 2
                                    else frame(TEXT, packed, rsv=4))
                        final, rsv, opcode, payload = client.frame()
                        self.assertEqual((final, opcode), (1, TEXT))
                        if rsv == 4:
                            payload = deflate.unpack(payload, server_keeps)
                        self.assertEqual(payload, data)
                client.send(close(1000))
                self.assertEqual(client.rest(), [("close", 1000)])

    def test_what_cannot_be_met_is_not_agreed_on(self):
        for offer in ("permessage-deflate; server_max_window_bits=8",
                      "permessage-deflate; client_max_window_bits=16",
                      "permessage-deflate; unknown", "permessage-bzip2", "x-webkit-deflate-frame"):
            client, answer = self.agree(offer)
            self.assertIsNone(answer)
            client.send(frame(TEXT, b"\0", rsv=4))
            self.assertEqual(client.rest(), [("close", 1002)])

    def test_broken_compression(self):
        for payload, code in ((b"no deflate", 1007), (Deflate().pack(b"bad \xff"), 1007), (b"", 1007)):
            client, _ = self.agree("permessage-deflate")
            client.send(frame(TEXT, payload, rsv=4))
            self.assertEqual(client.rest(), [("close", code)])
        client, _ = self.agree("permessage-deflate")
        packed = Deflate().pack(b"Hello")
        client.send(frame(TEXT, packed[:3], final=False, rsv=4) +
                    frame(CONTINUATION, packed[3:], rsv=4))
        self.assertEqual(client.rest(), [("close", 1002)])

    def test_uncompressed_messages_and_pings_go_between(self):
        client, _ = self.agree("permessage-deflate")
        deflate = Deflate()
        packed = deflate.pack(b"Hello Hello")
        client.send(text("plain") + frame(TEXT, packed[:4], final=False, rsv=4) + frame(PING, b"p") +
                    frame(CONTINUATION, packed[4:]))
        self.assertEqual([client.message() for _ in range(3)],
                         [(TEXT, b"plain"), (PONG, b"p"), (TEXT, b"Hello Hello")])

    def resident(self):
        with open(f"/proc/{self.server.pid}/status") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def test_a_bomb_is_stopped_at_the_limit(self):
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(1000))
        bomb += squeeze.flush(zlib.Z_SYNC_FLUSH)[:-4]
        self.assertLess(len(bomb), 1 << 20)
        before = self.resident()
        for payload in (frame(BINARY, bomb, rsv=4), fragments(BINARY, bomb, 100, rsv=4)):
            client, _ = self.agree("permessage-deflate")
            client.send(payload)
            self.assertEqual(client.rest()[:1], [("close", 1009)])
        self.assertLess(self.resident() - before, 200 << 10)  # of a gigabyte


class Handshake(WebSocketTest):
    LINES = ["Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]

    def ask(self, lines, method="GET", version="HTTP/1.1", body=b"", chop=None):
        request = "\r\n".join([f"{method} /websocket/echo {version}", "Host: a", *lines]) + "\r\n\r\n"
        data = request.encode() + body
        with connect(self.server.address("web")) as sock:
            for at in range(0, len(data), chop or len(data)):
                sock.sendall(data[at:at + (chop or len(data))])
            sock.shutdown(1)
            return read_to_end(sock).decode("latin-1")

    def test_a_good_one(self):
        for chop in (None, 1):
            answer = self.ask(self.LINES, chop=chop)
            self.assertTrue(answer.startswith("HTTP/1.1 101 Switching Protocols\r\n"), answer)
            head = answer.split("\r\n\r\n")[0].lower().split("\r\n")
            for line in ("upgrade: websocket", "connection: upgrade",
                         "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="):
                self.assertIn(line, head)

    def test_bad_ones_are_never_answered_with_101(self):
        without = lambda name: [line for line in self.LINES if not line.startswith(name)]
        cases = {
            "no upgrade": (without("Upgrade"), {}),
            "no connection": (without("Connection"), {}),
            "no key": (without("Sec-WebSocket-Key"), {}),
            "no version": (without("Sec-WebSocket-Version"), {}),
            "version 7": (without("Sec-WebSocket-Version") + ["Sec-WebSocket-Version: 7"], {}),
            "version 8": (without("Sec-WebSocket-Version") + ["Sec-WebSocket-Version: 8"], {}),
            "two keys": (self.LINES + [self.LINES[2]], {}),
            "short key": (without("Sec-WebSocket-Key") + ["Sec-WebSocket-Key: c2hvcnQ="], {}),
            "post": (self.LINES + ["Content-Length: 0"], {"method": "POST"}),
            "body": (self.LINES + ["Content-Length: 4"], {"body": b"body"}),
            "chunked body": (self.LINES + ["Transfer-Encoding: chunked"],
                             {"body": b"4\r\nbody\r\n0\r\n\r\n"}),
            "http 1.0": (self.LINES, {"version": "HTTP/1.0"}),
            "extension list": (self.LINES + ["Sec-WebSocket-Extensions: permessage-deflate;"], {}),
        }
        for name, (lines, more) in cases.items():
            for chop in (None, 1):
                with self.subTest(case=name, chop=chop):
                    answer = self.ask(lines, chop=chop, **more)
                    self.assertRegex(answer, r"\AHTTP/1\.1 (400|426) ")
                    self.assertRegex(answer, r"\r\nSec-WebSocket-Version: 13\r\n")
                    self.assertNotIn(" 101 ", answer)

    def test_curl(self):
        done = subprocess.run(
            [tool("curl"), "-sS", "-i", "--max-time", "20", self.server.url("web", "/websocket/echo")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"HTTP/1.1 426 Upgrade Required\r\n", done.stdout)
        headers = [word for line in self.LINES for word in ("-H", line)]
        done = subprocess.run(
            [tool("curl"), "-sS", "-i", "-N", "--http1.1", "--max-time", "2", *headers,
             self.server.url("web", "/websocket/echo?hello=true")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertIn(b"HTTP/1.1 101 Switching Protocols\r\n", done.stdout)
        self.assertIn(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", done.stdout)


class Floods(WebSocketTest):
    def test_many_small_messages(self):
        client = self.open()
        client.send(frame(BINARY, b"x", key=b"\0\0\0\0") * 100_000 + close(1000))
        got = client.rest()
        self.assertEqual(got[-1], ("close", 1000))
        self.assertEqual(len(got), 100_001)

    def test_many_pings(self):
        client = self.open()
        client.send(frame(PING, b"x", key=b"\0\0\0\0") * 100_000 + close(1000))
        got = client.rest()
        self.assertEqual(len(got), 100_001)

    def test_many_fragments(self):
        self.check_echo(fragments(TEXT, b"x" * 65_536, 1, key=b"\0\0\0\0"), [(TEXT, b"x" * 65_536)],
                        chops=(None,))
        empty = frame(CONTINUATION, b"", final=False, key=b"\0\0\0\0")
        self.check_fails(frame(TEXT, b"", final=False) + empty * 200_000, 1008, chops=(None,))

    def test_another_client_is_served_meanwhile(self):
        busy, other = self.open(), self.open()
        busy.sock.setblocking(False)
        flood = frame(BINARY, b"x", key=b"\0\0\0\0") * 500_000
        sent = 0
        for i in range(50):  # whatever the busy one is allowed to send, between two of the other
            try:
                sent += busy.sock.send(flood[sent:sent + (1 << 20)])
            except BlockingIOError:
                pass
            other.send(text(f"number {i}"))
            self.assertEqual(other.message(), (TEXT, f"number {i}".encode()))
        self.assertGreater(sent, 0)


class RealClients(WebSocketTest):
    def test_python_websockets(self):
        packages = TOOLS / "root/usr/lib/python3/dist-packages"
        if not (packages / "websockets").is_dir():
            raise unittest.SkipTest("python3-websockets is not unpacked (scripts/test unpacks it)")
        script = """
import asyncio, sys, os
import websockets
async def main(url):
    for compression in ("deflate", None):
        async with websockets.connect(url, compression=compression, max_size=None) as socket:
            agreed = [extension.name for extension in socket.extensions]
            assert agreed == (["permessage-deflate"] if compression else []), agreed
            for message in ("", "Hello", "w\\u00f6rter " * 5000, b"", os.urandom(100_000), "x" * 700_000):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(["frag", "ments"])
            assert await socket.recv() == "fragments"
            await asyncio.wait_for(await socket.ping(), 20)
        assert socket.close_code == 1000, socket.close_code
    async with websockets.connect(url) as socket:
        try:
            await socket.send("x" * 2_000_000)
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd.code == 1009, closed
    print("fine")
asyncio.run(main(sys.argv[1]))
"""
        url = self.server.url("small", "/websocket/echo?max_fragment_size=1048576").replace("http", "ws", 1)
        done = subprocess.run([sys.executable, "-B", "-c", script, url], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=2 * TIMEOUT,
                              env=dict(os.environ, PYTHONPATH=str(packages)))
        self.assertEqual(done.stdout.decode().strip(), "fine")

    def test_node_ws(self):
        modules = TOOLS / "root/usr/share/nodejs"
        if not (modules / "ws").is_dir():
            raise unittest.SkipTest("node-ws is not unpacked (scripts/test unpacks it)")
        script = """
const WebSocket = require('ws');
const socket = new WebSocket(process.argv[1], {perMessageDeflate: process.argv[2] === 'deflate'});
const sent = ['Hello', Buffer.from([0, 255, 1]), 'w\\u00f6rter '.repeat(20000)];
let next = 0;
socket.on('open', () => socket.send(sent[0]));
socket.on('message', (data, binary) => {
  if (binary !== Buffer.isBuffer(sent[next])) throw new Error('another kind');
  if (!data.equals(Buffer.from(sent[next]))) throw new Error('not what was sent');
  if (++next < sent.length) socket.send(sent[next]); else socket.ping('still there?');
});
socket.on('pong', data => {
  if (data.toString() !== 'still there?') throw new Error('another pong');
  socket.close(4001, 'done');
});
socket.on('close', code => console.log(socket.extensions ? 'deflate' : 'plain', code));
"""
        url = self.server.url("web", "/websocket/echo").replace("http", "ws", 1)
        for wanted in ("deflate", "plain"):
            done = subprocess.run([tool("node"), "-e", script, url, wanted], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=2 * TIMEOUT,
                                  env=tool_environment({"NODE_PATH": str(modules)}))
            self.assertEqual(done.stdout.decode().strip(), f"{wanted} 4001")


class Drain(ProgramTest):
    def test_clients_are_told_and_the_process_ends(self):
        server = self.start(config=CONFIG)
        client = WebSocket(server.address("web"))
        self.addCleanup(client.end)
        client.send(text("before"))
        self.assertEqual(client.message(), (TEXT, b"before"))
        server.signal(15)
        opcode, payload = client.message()
        self.assertEqual((opcode, struct.unpack(">H", payload[:2])[0]), (CLOSE, 1001))
        client.send(close(1001))
        self.assertEqual(client.rest(), [])
        self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
