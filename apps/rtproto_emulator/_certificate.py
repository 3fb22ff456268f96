"""TLS for the local server: from files, or with a certificate made on the spot."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import attrs

_HERE = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("", "0.0.0.0", "::")
_MAX_FILE = 1024 * 1024
"""Bytes read of a certificate or key: a chain of ten has 20 kB, and a device has no end."""


class CertificateError(ValueError):
    """A certificate or key that cannot be used; `str()` is a line that says why."""


@attrs.frozen
class SelfSigned:
    """A certificate of an authority of its own, which clients must be told to trust."""

    ssl_context: ssl.SSLContext = attrs.field(repr=False)
    """For `start(ssl_context=...)` and `serve(ssl_context=...)`."""

    authority: Path
    """The PEM file of that authority: most clients take it from ``SSL_CERT_FILE``."""


def self_signed(folder: str | os.PathLike[str], host: str = "127.0.0.1", names: Iterable[str] = ()) -> SelfSigned:
    """Makes a certificate for this machine, for `host` and for more `names` or addresses by which clients come.

    The authority that signed it is written to ``rtproto-ca.pem`` in `folder`, which is made where it is not there; its
    key is not kept, so that nobody can sign with it later.

    Raises ImportError, which names the extra, CertificateError for a name that no certificate can hold, and OSError
    where the file cannot be written.
    """
    try:
        import trustme
    except ImportError:
        raise ImportError("a certificate made on the spot needs trustme: pip install 'rtproto[tls]'") from None
    authority = trustme.CA(organization_name="rtproto", organization_unit_name="rtproto serve --tls")
    wanted: dict[str, None] = dict.fromkeys([*_HERE, *names, *([] if host in _EVERYWHERE else [host])])
    for name in wanted:
        try:
            authority.issue_cert(name)
        except ValueError:
            raise CertificateError(f"a certificate cannot be for {name!r}: it is no host name and no address") from None
    with suppress(ValueError):  # what a machine calls itself need not be a host name
        authority.issue_cert(socket.gethostname())
        wanted[socket.gethostname()] = None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*wanted).configure_cert(context)
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(path / "rtproto-ca.pem")
    return SelfSigned(context, path / "rtproto-ca.pem")


def tls_from_files(certificate: str | os.PathLike[str], key: str | os.PathLike[str]) -> ssl.SSLContext:
    """TLS with a `certificate`, followed in its file by those that lead to its authority, and with its `key`, as PEM.

    Raises CertificateError.
    """
    _check(certificate, b"-----BEGIN CERTIFICATE-----", "certificate")
    _check(key, b"PRIVATE KEY-----", "private key")
    encrypted: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def password() -> str:
        # Without it OpenSSL would ask on the terminal.
        encrypted.append("")
        return ""

    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, OSError) as error:
        if encrypted:
            reason = f"the key in {os.fspath(key)} has a password: write it without one (openssl pkey -in KEY -out NEW)"
        elif getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            reason = f"the key in {os.fspath(key)} is not the one of the certificate in {os.fspath(certificate)}"
        else:
            why = (getattr(error, "reason", None) or "unknown").lower().replace("_", " ")
            reason = f"the certificate in {os.fspath(certificate)} or its key cannot be used ({why})"
        raise CertificateError(reason) from None
    return context


def _check(path: str | os.PathLike[str], mark: bytes, what: str) -> None:
    try:
        if not Path(path).is_file():
            raise CertificateError(f"there is no file {os.fspath(path)}, which should hold the {what}")
        with open(path, "rb") as file:
            found = mark in file.read(_MAX_FILE)
    except OSError as error:
        raise CertificateError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from None
    if not found:
        raise CertificateError(f"there is no {what} in {os.fspath(path)}: it must be PEM, with '{mark.decode()}'")
