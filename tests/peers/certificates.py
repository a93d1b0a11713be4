"""A certificate authority of the tests' own, made by the ``openssl`` program."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_EXPIRED = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
_VALID = ("-startdate", "20200101000000Z", "-enddate", "20490101000000Z")
_CA = """[ca]
default_ca = here
[here]
database = {d}/index
serial = {d}/serial
new_certs_dir = {d}
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


@dataclass(frozen=True)
class Certificate:
    """PEM files: the authority to trust, the server's chain and key."""

    authority: Path
    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def make(directory: Path, names: str = "DNS:localhost,IP:127.0.0.1", *, expired: bool = False) -> Certificate:
    """Make an authority and a certificate for ``names`` (openssl's subjectAltName) in ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "index").touch()
    (directory / "serial").write_text("01\n")
    (directory / "ca.cnf").write_text(_CA.format(d=directory))
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(directory, *new, "-x509", "-days", "3650", "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem")
    san = ("-addext", f"subjectAltName={names}")
    _openssl(directory, *new, "-subj", "/CN=server", *san, "-keyout", "server.key", "-out", "server.csr")
    signing = ("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key")
    span = _EXPIRED if expired else _VALID
    _openssl(directory, *signing, *span, "-in", "server.csr", "-out", "server.pem")
    return Certificate(directory / "ca.pem", directory / "server.pem", directory / "server.key")


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
