"""Certificates for the tests of TLS, made with the openssl program, and clients that use them."""

import atexit
import functools
import pathlib
import shutil
import ssl
import subprocess
import tempfile

from support import TIMEOUT, tool


def openssl(*args, input=b"", timeout=TIMEOUT):
    """Runs openssl to its end, with what it says on both streams as text."""
    done = subprocess.run([tool("openssl"), *map(str, args)], input=input, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode(errors="replace")


class Authority:
    """A CA with the certificates that it has signed, in a folder."""

    def __init__(self, folder, name="test CA"):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        self.make(self.path, self.key, f"/CN={name}", ["-addext", "basicConstraints=critical,CA:TRUE"])

    def make(self, path, key, subject, more):
        out = openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", subject, "-days", "30", "-keyout", key, "-out", path, *more)
        if not path.exists():
            raise AssertionError(out)

    def certificate(self, file, names=(), subject=None, days="30"):
        """(certificate with the CA's behind it, key) of a leaf; `file` names both."""
        path, key = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        request = self.folder / f"{file}.csr"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                subject or f"/CN={file}", "-keyout", key, "-out", request)
        extensions = self.folder / f"{file}.ext"
        lines = ["basicConstraints=CA:FALSE"]
        if names:
            lines.append("subjectAltName=" + ",".join(names))
        extensions.write_text("\n".join(lines) + "\n")
        out = openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key,
                      "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", path)
        if not path.exists():
            raise AssertionError(out)
        path.write_text(path.read_text() + self.path.read_text())
        return path, key


@functools.lru_cache(maxsize=None)
def authority():
    """One for all tests of a run, with "local", "a", "wild" and "client"."""
    folder = tempfile.mkdtemp(prefix="polyport-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Authority(folder)
    made.certificate("local", ["DNS:localhost", "IP:127.0.0.1"])
    made.certificate("a", ["DNS:a.example"])
    made.certificate("wild", ["DNS:*.wild.example"])
    made.certificate("client", ["email:someone@example.org"], "/CN=someone/O=Example")
    return made


def client_context(certificate=None, version=None, alpn=()):
    context = ssl.create_default_context(cafile=authority().path)
    if certificate:
        context.load_cert_chain(*certificate)
    if version:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def pair(file):
    folder = authority().folder
    return folder / f"{file}.pem", folder / f"{file}.key"


def section(name, file="local", more=""):
    """[services.NAME.tls] with a certificate of the authority."""
    certificate, key = pair(file)
    return (f'[services.{name}.tls]\ncert = "{certificate}"\nkey = "{key}"\n{more}')
