"""Addresses (URLs and paths) of files, and removal of the passwords in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# name and password before the host
_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@]*@", re.IGNORECASE)


def address_problem(value: object) -> str:
    """Return why an address may not be stored in a run; "" if it may (any folder may)."""
    if not isinstance(value, str) or _CREDENTIALS.match(value) is None:
        return ""
    host = urlsplit(without_credentials(value)).netloc
    return f"must not hold a password, which each run would store; ~/.netrc holds it for {host}"


def cluster_problem(value: object) -> str:
    """Return why a text is no HOST:PORT; "" if it is one."""
    found = re.fullmatch(r"[^\s:/]+:([0-9]{1,5})", value) if isinstance(value, str) else None
    if found and 0 < int(found[1]) < 2**16:
        return ""
    return "must be HOST:PORT, for instance ray=localhost:6379"


def without_credentials(text: str) -> str:
    """Return a text with the name and password taken out of each address in it."""
    return _CREDENTIALS.sub(r"\g<scheme>", text)
