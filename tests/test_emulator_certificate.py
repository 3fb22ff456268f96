"""The local server's certificate: made on the spot, or from files, and why some files will not do."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from rtproto_emulator import CertificateError, SelfSigned, self_signed, tls_from_files


def agree(made: SelfSigned, name: str) -> None:
    """A handshake in memory with a client that trusts the authority alone. Raises ssl.SSLError."""
    trusting = ssl.create_default_context(cafile=str(made.authority))
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = made.ssl_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for end in [*waiting]:
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                pass
    assert not waiting


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "voice.test", "192.0.2.7"])
def test_a_certificate_for_this_machine_and_more(tmp_path: Path, name: str) -> None:
    made = self_signed(tmp_path / "new" / "folder", "192.0.2.7", ["voice.test"])
    assert made.authority == tmp_path / "new" / "folder" / "rtproto-ca.pem"
    agree(made, name)
    assert [path.name for path in made.authority.parent.iterdir()] == ["rtproto-ca.pem"]
    assert b"PRIVATE" not in made.authority.read_bytes()


def test_it_is_for_nobody_else(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        agree(self_signed(tmp_path, "0.0.0.0"), "voice.test")


def test_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"'a\.\.b'"):
        self_signed(tmp_path, names=["a..b"])


def test_without_trustme_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match=r"trustme: pip install 'rtproto\[tls\]'"):
        self_signed(tmp_path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, the same key with a password, another key, and what is none of these."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "rtproto-ca.pem")
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(folder / "other.pem")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pw")
    )
    (folder / "locked.pem").write_bytes(locked)
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n")
    (folder / "empty.pem").touch()
    return folder


def test_files_of_ones_own(files: Path) -> None:
    context = tls_from_files(files / "cert.pem", files / "key.pem")
    agree(SelfSigned(context, files / "rtproto-ca.pem"), "localhost")


@pytest.mark.parametrize(
    ("certificate", "key", "line"),
    [
        ("none.pem", "key.pem", "there is no file {}/none.pem, which should hold the certificate"),
        ("cert.pem", "none.pem", "there is no file {}/none.pem, which should hold the private key"),
        (".", "key.pem", "there is no file {}/., which should hold the certificate"),
        ("key.pem", "cert.pem", "there is no certificate in {}/key.pem: "),
        ("cert.pem", "empty.pem", "there is no private key in {}/empty.pem: "),
        ("cert.pem", "other.pem", "the key in {0}/other.pem is not the one of the certificate in {0}/cert.pem"),
        ("cert.pem", "locked.pem", "the key in {}/locked.pem has a password: "),
        ("broken.pem", "key.pem", "the certificate in {}/broken.pem or its key cannot be used ("),
    ],
)
def test_files_that_will_not_do(files: Path, certificate: str, key: str, line: str) -> None:
    with pytest.raises(CertificateError) as refused:
        tls_from_files(f"{files}/{certificate}", f"{files}/{key}")
    assert str(refused.value).startswith(line.format(files))
    assert "\n" not in str(refused.value)
