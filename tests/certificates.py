"""Certificates for servers of tests, by an authority that only the test trusts."""

import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

AUTHORITY = "ca.pem"


def context(folder: Path, hosts: Sequence[str]) -> ssl.SSLContext:
    """Make an authority and a certificate of it, and return the context of a server that shows this.

    Args:
        folder: Folder for the files.
        hosts: Names of the server.
    """
    names = ",".join(f"DNS:{host}" for host in hosts)
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    authority = ["-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", AUTHORITY]
    sign = ["openssl", "x509", "-req", "-days", "2", "-copy_extensions", "copyall"]
    sign += ["-CA", AUTHORITY, "-CAkey", "ca.key"]
    for command in (
        [*new, *authority],
        [*new, "-subj", "/CN=server", "-addext", f"subjectAltName={names}", "-keyout", "key.pem", "-out", "asked.pem"],
        [*sign, "-CAcreateserial", "-in", "asked.pem", "-out", "server.pem"],
    ):
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "server.pem", folder / "key.pem")
    return made


def trust(folder: Path) -> dict[str, str]:
    """Return the variables that make clients trust the authority."""
    variables = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
    return dict.fromkeys(variables, str(folder / AUTHORITY))
