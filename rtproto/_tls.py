"""Why TLS failed, in words; the drivers have the error itself."""

_NO_TLS_THERE = frozenset({"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
"""What OpenSSL says of bytes that are no TLS."""


def untrusted(host: str, port: int, error: BaseException | None) -> ConnectionError:
    """What a caller is told. `error` is an `ssl.SSLError`; anything else means that the server hung up."""
    reason = getattr(error, "reason", None)
    if reason in _NO_TLS_THERE:
        why = "what answers there does not speak TLS; for a server without TLS use ws://"
    elif verdict := getattr(error, "verify_message", None):
        why = verdict
    elif reason:
        why = reason.replace("_", " ").lower()
    else:
        why = str(error) if error else "the server closed the connection"
    return ConnectionError(f"TLS with {host}:{port} failed: {why}")
