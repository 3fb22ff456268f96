"""What the drivers add to what the caller gave: the fast mask, and the system's certificates."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

import attrs

from rtproto import Config

try:
    from websockets.speedups import apply_mask
except ImportError:  # the extra `speed` is not installed
    apply_mask = None  # type: ignore[assignment]  # the fallback of an optional import

_SLOW_MASK = Config().mask


def with_fast_mask(config: Config | None) -> Config:
    """`config` with the mask function in C, where there is one and the caller chose none."""
    config = config or Config()
    if apply_mask is None or config.mask is not _SLOW_MASK:
        return config
    return attrs.evolve(config, mask=apply_mask)


@functools.cache
def client_context() -> ssl.SSLContext:
    """The system's trust; certifi's where the system has no certificates and certifi is installed."""
    # Cached: reading the certificates takes tens of milliseconds.
    context = ssl.create_default_context()
    folder = ssl.get_default_verify_paths().capath
    if not context.cert_store_stats()["x509_ca"] and not (folder and any(Path(folder).iterdir())):
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context
