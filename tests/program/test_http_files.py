"""The http service: files of a folder, and no way out of it."""

import email.utils
import gzip
import os
import subprocess
import unittest

from http_support import HttpTest
from support import connect, read_to_end, tool


class Files(HttpTest):
    OPTIONS = "listing = true\n"

    def setUp(self):
        outside = self.folder()
        self.outside = outside
        self.root = outside / "www"
        (self.root / "sub" / "deep").mkdir(parents=True)
        (outside / "secret.txt").write_text("secret")
        (outside / "wwwevil").mkdir()
        (outside / "wwwevil" / "x.txt").write_text("secret")
        self.write("a.txt", "0123456789" * 100)
        self.write("empty.bin", "")
        self.write("page.html", "<p>ä</p>")
        self.write("style.css", "body {}")
        self.write("sub/index.html", "the index")
        self.write("sub/deep/b c+ä.txt", "odd name")
        self.write(".hidden", "secret")
        self.write(".git/config", "secret")
        self.write(".well-known/ok.txt", "known")
        os.symlink("../secret.txt", self.root / "out")
        os.symlink("/etc/passwd", self.root / "absolute")
        os.symlink("..", self.root / "up")
        os.symlink("a.txt", self.root / "inside")
        os.symlink("loop", self.root / "loop")
        os.mkfifo(self.root / "fifo")
        self.server = self.start_http(f'root = "{self.root}"\n{self.OPTIONS}')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def test_a_file(self):
        answer = self.ask("/files/a.txt")
        self.assertEqual((answer.status, answer.text), (200, "0123456789" * 100))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        modified = os.stat(self.root / "a.txt").st_mtime
        self.assertEqual(answer.headers["Last-Modified"],
                         email.utils.formatdate(int(modified), usegmt=True))
        head = self.ask("/files/a.txt", method="HEAD")
        self.assertEqual((head.headers["Content-Length"], head.body), ("1000", b""))
        self.assertEqual(self.ask("/files/empty.bin").body, b"")
        self.assertEqual(self.ask("/files/empty.bin").headers["Content-Type"],
                         "application/octet-stream")
        self.assertEqual(self.ask("/files/page.html").headers["Content-Type"],
                         "text/html; charset=utf-8")
        self.assertEqual(self.ask("/files/style.css").headers["Content-Type"], "text/css; charset=utf-8")
        self.assertEqual(self.ask("/files/sub/deep/b%20c+%C3%A4.txt").text, "odd name")
        self.assertEqual(self.ask("/files/inside").text, "0123456789" * 100)
        self.assertEqual(self.ask("/files/.well-known/ok.txt").text, "known")
        self.assertEqual(self.ask("/files/a.txt", method="POST").status, 405)

    def test_conditions_and_ranges(self):
        first = self.ask("/files/a.txt")
        etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
        self.assertEqual(self.ask("/files/a.txt", headers={"If-None-Match": etag}).status, 304)
        self.assertEqual(self.ask("/files/a.txt", headers={"If-Modified-Since": modified}).status, 304)
        self.assertEqual(self.ask("/files/a.txt", headers={"If-Match": '"x"'}).status, 412)
        part = self.ask("/files/a.txt", headers={"Range": "bytes=995-", "If-Range": etag})
        self.assertEqual((part.status, part.text), (206, "56789"))
        self.assertEqual(self.ask("/files/a.txt", headers={"Range": "bytes=1000-"}).status, 416)
        self.write("a.txt", "changed")
        answer = self.ask("/files/a.txt", headers={"If-None-Match": etag})
        self.assertEqual((answer.status, answer.text), (200, "changed"))

    def test_a_large_file(self):
        data = os.urandom(1 << 20) * 20
        (self.root / "large.bin").write_bytes(data)
        self.assertEqual(self.ask("/files/large.bin").body, data)
        answer = self.ask("/files/large.bin", headers={"Range": "bytes=5000000-15000000"})
        self.assertEqual(answer.body, data[5000000:15000001])

    def test_a_file_that_is_cut_while_it_is_sent_cuts_the_answer(self):
        path = self.root / "shrinking.bin"
        path.write_bytes(b"x" * (50 << 20))
        with connect(self.address) as sock:
            sock.sendall(b"GET /files/shrinking.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.recv(1)
            os.truncate(path, 1)
            got = len(read_to_end(sock, limit=100 << 20))
        self.assertLess(got, 50 << 20)
        self.assertEqual(self.ask("/plain").status, 200)

    def test_packed_beforehand(self):
        (self.root / "style.css.gz").write_bytes(gzip.compress(b"packed {}"))
        (self.root / "style.css.br").write_bytes(b"brotli bytes")
        plain = self.ask("/files/style.css")
        self.assertEqual((plain.text, plain.headers["Vary"]), ("body {}", "Accept-Encoding"))
        for accept, coding in (("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0, gzip", "gzip"),
                               ("identity", None), ("zstd", None), ("*", "br")):
            answer = self.ask("/files/style.css", headers={"Accept-Encoding": accept})
            self.assertEqual(answer.headers["Content-Encoding"], coding, accept)
            self.assertEqual(answer.headers["Content-Type"], "text/css; charset=utf-8")
            if coding:
                self.assertNotEqual(answer.headers["ETag"], plain.headers["ETag"])
        done = subprocess.run([tool("curl"), "-sS", "--max-time", "20", "-H", "Accept-Encoding: gzip",
                               "--compressed", self.server.url("web", "/files/style.css")],
                              stdout=subprocess.PIPE, check=True, timeout=30)
        self.assertEqual(done.stdout, b"packed {}")
        self.assertEqual(self.ask("/files/style.css.gz").headers["Content-Type"], "application/gzip")

    def test_folders(self):
        for path, location in (("/files", "/files/"), ("/files/sub", "/files/sub/"),
                               ("/files/sub?a=1", "/files/sub/?a=1")):
            answer = self.ask(path)
            self.assertEqual((answer.status, answer.headers["Location"]), (301, location))
        self.assertEqual(self.ask("/files/sub/").text, "the index")
        self.assertEqual(self.ask("/files/a.txt/").status, 404)
        self.write("<b>&\".txt", "x")
        page = self.ask("/files/").text
        self.assertIn('<a href="a.txt">a.txt</a>', page)
        self.assertIn('<a href="sub/">sub/</a>', page)
        self.assertIn('href="%3Cb%3E%26%22.txt">&lt;b&gt;&amp;&quot;.txt<', page)
        self.assertNotIn("hidden", page)
        self.assertNotIn(".git", page)
        self.assertIn('<a href="../">', self.ask("/files/sub/deep/").text)
        for number in range(1100):
            self.write(f"sub/deep/{number}.txt", "")
        page = self.ask("/files/sub/deep/").text
        self.assertIn("and more", page)
        self.assertEqual(page.count("<li>"), 1002)

    ESCAPES = ["/files/../secret.txt", "/files/sub/../../secret.txt", "/files/%2e%2e/secret.txt",
               "/files/..%2fsecret.txt", "/files/%2e%2e%2fsecret.txt", "/files/out", "/files/absolute",
               "/files/up/secret.txt", "/files/up/www/a.txt", "/files//etc/passwd",
               "/files/%2fetc%2fpasswd", "/files/sub%2f..%2f..%2fsecret.txt", "/files/a.txt%00.html",
               "/files/%00", "/files/loop", "/files/fifo", "/files/.hidden", "/files/.git/config",
               "/files/sub/./../a.txt", "/files/./a.txt", "/files/..", "/files/.", "/files/../wwwevil/x.txt",
               "/files/..%5csecret.txt", "/files/..;/secret.txt", "/files/%252e%252e/secret.txt",
               "/files/sub/deep/../../../secret.txt", "/files/" + "../" * 50 + "etc/passwd",
               "/files/" + "a" * 300, "/files/" + "a/" * 2000 + "b"]

    def test_no_path_leads_out(self):
        for path in self.ESCAPES:
            with self.subTest(path=path[:80]):
                answer = self.ask_raw(path)
                self.assertRegex(answer, rb"^HTTP/1\.1 404 ")
                self.assertNotIn(b"secret", answer.partition(b"\r\n\r\n")[2])
                self.assertNotIn(b"root:", answer)
        with connect(self.address) as sock:
            sock.sendall(b"GET /files/\x00 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(read_to_end(sock).startswith(b"HTTP/1.1 400 "))


class Unlisted(Files):
    OPTIONS = 'root_path = "/"\nprefix = "/p"\n'

    def test_it_stands_where_no_endpoint_stands(self):
        self.assertEqual(self.ask("/p/a.txt").text, "0123456789" * 100)
        self.assertEqual(self.ask("/p/sub/").text, "the index")
        self.assertIn("args", self.ask("/p/get").json)
        self.assertEqual(self.ask("/p/sub/deep/").status, 404)  # listing is off
        self.assertEqual(self.ask("/a.txt").status, 404)
        self.assertEqual(self.ask("/p/nothing").status, 404)

    def test_no_path_leads_out(self):
        for path in self.ESCAPES:
            answer = self.ask_raw("/p" + path.removeprefix("/files"))
            self.assertRegex(answer, rb"^HTTP/1\.1 404 ", path[:80])
            self.assertNotIn(b"secret", answer.partition(b"\r\n\r\n")[2])

    # What does not depend on where it stands is tested above.
    test_a_file = test_conditions_and_ranges = test_a_large_file = None
    test_a_file_that_is_cut_while_it_is_sent_cuts_the_answer = None
    test_packed_beforehand = test_folders = None


class Nowhere(HttpTest):
    def test_no_folder_no_files(self):
        self.assertEqual(self.ask("/files/").status, 404)
        self.assertNotIn("/files", self.ask("/").text)

    def test_a_folder_that_is_not_there(self):
        for root in ("/nonexistent", "/etc/passwd"):
            with self.assertRaises(AssertionError) as caught:
                self.start_http(f'root = "{root}"')
            self.assertIn("is no folder that can be read", str(caught.exception))
            self.assertRegex(str(caught.exception), r"polyport\.toml:6:\d+")


if __name__ == "__main__":
    unittest.main()
