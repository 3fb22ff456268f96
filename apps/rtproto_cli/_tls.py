"""The TLS of `rtproto serve`: which certificate, and what clients must be told."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from rtproto_cli._fatal import Fatal, system_reason


@attrs.frozen(kw_only=True)
class TlsOptions:
    """What the user said: a certificate of files, one to be made, or (nothing) no TLS."""

    make: bool
    folder: "Path | None"
    names: Sequence[str]
    certificate: "Path | None"
    key: "Path | None"


@contextmanager
def tls(options: TlsOptions, host: str) -> "Iterator[tuple[ssl.SSLContext | None, str]]":
    """The server's TLS (None: none), and a line for who connects; a file made for it is kept as long as this is open,
    or in the user's folder for good. Raises Fatal.
    """
    files = options.certificate, options.key
    if any(files):
        yield _given(options), ""
    elif not options.make:
        if options.folder or options.names:
            raise Fatal("--tls-folder and --tls-name are for a certificate made on the spot: give --tls, too", 2)
        yield None, ""
    elif options.folder is not None:
        yield _made(options.folder, host, options.names)
    else:
        with TemporaryDirectory(prefix="rtproto-", ignore_cleanup_errors=True) as folder:
            yield _made(Path(folder), host, options.names)


def _given(options: TlsOptions) -> ssl.SSLContext:
    from rtproto_emulator import CertificateError, tls_from_files

    if options.make or options.folder or options.names:
        raise Fatal("--tls makes a certificate, --tls-cert names one: give one of them", 2)
    if options.certificate is None or options.key is None:
        raise Fatal("--tls-cert and --tls-key belong together: give both", 2)
    try:
        return tls_from_files(options.certificate, options.key)
    except CertificateError as error:
        raise Fatal(str(error), 2) from None


def _made(folder: Path, host: str, names: Sequence[str]) -> "tuple[ssl.SSLContext, str]":
    from rtproto_emulator import CertificateError, self_signed

    try:
        made = self_signed(folder, host, names)
    except (ImportError, CertificateError) as error:
        raise Fatal(str(error), 2) from None
    except OSError as error:
        raise Fatal(f"cannot write to {folder}: {system_reason(error)}; name another --tls-folder", 2) from None
    line = f"clients must trust SSL_CERT_FILE={made.authority} (curl: --cacert, Node.js: NODE_EXTRA_CA_CERTS)"
    return made.ssl_context, line
