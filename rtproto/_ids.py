"""Ids of events, items and responses."""

import secrets

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def make_id(prefix: str) -> str:
    """A new id such as ``event_E6U0wB3eiENYwSnJIBpFN``: the prefix and 21 letters or digits, as servers make them."""
    return f"{prefix}_{''.join([_ALPHABET[b % 62] for b in secrets.token_bytes(21)])}"
