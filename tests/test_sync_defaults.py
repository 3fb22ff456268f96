"""What the trio and threads drivers add to what the caller gave; each has its own copy of these few lines."""

from __future__ import annotations

import importlib.util
import ssl
import sys
from types import ModuleType
from typing import Any

import pytest
import rtproto_sync._defaults
import rtproto_trio._defaults

from rtproto import Config


@pytest.fixture(params=[rtproto_sync._defaults, rtproto_trio._defaults], ids=["sync", "trio"])
def defaults(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_mask_in_c_does_the_same(defaults: Any) -> None:
    fast, slow = defaults.with_fast_mask(None).mask, Config().mask
    assert fast is not slow
    for size in (0, 1, 7, 1000):
        assert fast(bytes(range(256)) * 4, b"abcd")[:size] == slow(bytes(range(256)) * 4, b"abcd")[:size]


def test_what_the_caller_chose_stays(defaults: Any) -> None:
    def mine(data: bytes, mask: bytes) -> bytes:
        return data

    config = Config(mask=mine, compression=True)
    assert defaults.with_fast_mask(config) is config
    assert defaults.with_fast_mask(Config(compression=True)).compression


def test_without_the_extra_speed_the_mask_is_slow(defaults: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.speedups", None)
    spec = importlib.util.spec_from_file_location("defaults_without_speed", defaults.__file__ or "")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.with_fast_mask(None).mask is Config().mask


@pytest.fixture
def no_roots(defaults: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A system without certificates."""
    defaults.client_context.cache_clear()
    monkeypatch.setattr(ssl, "create_default_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths("", "", "", "", "", ""))
    yield defaults
    defaults.client_context.cache_clear()


def test_certifi_helps_where_the_system_has_no_roots(no_roots: Any) -> None:
    assert no_roots.client_context().cert_store_stats()["x509_ca"] > 50


def test_without_certifi_the_system_has_no_roots(no_roots: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert no_roots.client_context().cert_store_stats()["x509_ca"] == 0


def test_the_systems_roots_are_enough(defaults: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults.client_context.cache_clear()
    monkeypatch.setitem(sys.modules, "certifi", None)
    context = defaults.client_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert defaults.client_context() is context
