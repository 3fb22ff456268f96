"""Why TLS failed, in words."""

import ssl

import pytest

from rtproto._tls import untrusted


def failure(**fields: object) -> ssl.SSLError:
    """An error as the ssl module makes it: what it knows stands in attributes."""
    error = ssl.SSLError(1, "[SSL] it failed (_ssl.c:1000)")
    for name, value in fields.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (failure(reason="WRONG_VERSION_NUMBER"), "does not speak TLS; for a server without TLS use ws://"),
        (
            failure(reason="CERTIFICATE_VERIFY_FAILED", verify_message="certificate has expired"),
            "certificate has expired",
        ),
        (failure(reason="TLSV1_ALERT_PROTOCOL_VERSION"), "tlsv1 alert protocol version"),
        (OSError("the pipe burst"), "the pipe burst"),
        (None, "the server closed the connection"),
    ],
)
def test_what_failed_is_said(error: "BaseException | None", why: str) -> None:
    told = str(untrusted("voice.example", 443, error))
    assert told.startswith("TLS with voice.example:443 failed: ")
    assert told.endswith(why)
