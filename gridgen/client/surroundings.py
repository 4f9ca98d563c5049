"""What the environment tells every HTTP client, and why one cannot be made of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UNUSABLE", "unusable"]

UNUSABLE = (ImportError, ValueError, OSError, httpx.InvalidURL)
"""What httpx raises when the environment's proxies or certificates are of no use to it."""

_SPOKEN = frozenset({"http", "https", "socks5", "socks5h"})


def unusable(error: Exception) -> str:
    """Return which variable makes it impossible to send anything, and what to do; a proxy's password is not told."""
    if isinstance(error, (ImportError, ValueError)) and not isinstance(error, OSError):
        for name, scheme in _proxies():
            if isinstance(error, ImportError) and scheme.startswith("socks"):
                return (
                    f"{name} names a SOCKS proxy, which takes one package more: pip install 'httpx[socks]', "
                    f"or unset {name}. Nothing was sent."
                )
            if isinstance(error, ValueError) and scheme not in _SPOKEN:
                return (
                    f"{name} begins with {scheme[:20] + '://'!r}, which is no kind of proxy that can be used; write "
                    f"http://host:port or socks5://host:port, or unset {name}. Nothing was sent."
                )
    if isinstance(error, OSError):
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            if path := os.environ.get(name):
                return (
                    f"{name}={path[:200]!r} holds no certificates that can be read; name the file of your "
                    f"authorities, or unset {name}. Nothing was sent."
                )
    names = ", ".join(
        [
            *(name for name, _ in _proxies()),
            *(name for name in ("NO_PROXY", "no_proxy") if name in os.environ),
        ]
    )
    return f"{type(error).__name__}: no connection can be made with {names or 'this environment'}: mend or unset it. Nothing was sent."


def _proxies() -> Iterator[tuple[str, str]]:
    """Yield the variables that name proxies, and the scheme of each."""
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
        for spelled in (name, name.lower()):
            if value := os.environ.get(spelled):
                yield spelled, value.partition("://")[0].lower() if "://" in value else "http"
