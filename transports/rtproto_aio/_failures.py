"""Why a server was not reached, in words."""

from __future__ import annotations

import os
import socket


def unreachable(host: str, port: int, error: OSError) -> ConnectionError:
    """For a failure of TCP or of the name's look-up."""
    if isinstance(error, socket.gaierror):
        return ConnectionError(f"cannot connect to {host}:{port}: the name has no address ({error.strerror})")
    kind = type(error) if isinstance(error, ConnectionError) else ConnectionError
    return kind(f"cannot connect to {host}:{port}: {os.strerror(error.errno) if error.errno else error}")
