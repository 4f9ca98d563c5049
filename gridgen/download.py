"""Fetch a result link into a file: without a key, resumable, and only from where it may come."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx

from gridgen._loop import engine
from gridgen.errors import APIError, NetworkError
from gridgen.outcome import api_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["download", "http_errors", "is_dead_link", "is_loopback"]

LARGEST_FILE = 512 * 2**20
MOST_HOPS = 3
STALL = 30.0
"""Seconds without a byte after which a transfer is given up, to be resumed."""

_DEAD_LINK = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def download(http: Any, url: str, part: Path, *, on_loopback: bool) -> None:
    """Stream one link into `part`, going on where an earlier try broke off.

    No key goes along. Redirects are followed by hand, three at most, and each
    address is checked before it is connected to.

    Parameters
    ----------
    http : httpx.AsyncClient or httpx2.AsyncClient
        One that adds no key.
    url : str
        The link.
    part : Path
        Kept when the transfer breaks off, so that the next try resumes it.
    on_loopback : bool
        Whether results may come from this machine: for a client of a simulator.

    Raises
    ------
    APIError
        If the answer is no file; statuses 403, 404 and 410 mean a dead link.
    NetworkError
        If the transfer broke off or the file is larger than 512 MB.
    OSError
        If the file cannot be written.
    """
    for _hop in range(MOST_HOPS + 1):
        await _check_address(url, on_loopback=on_loopback)
        following = await _fetch(http, url, part)
        if following is None:
            return
        url = following
    msg = f"the link was redirected more than {MOST_HOPS} times"
    raise NetworkError(msg)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_dead_link(error: APIError) -> bool:
    """Whether a refused download means that a fresh link is needed."""
    return error.status in _DEAD_LINK


def http_errors() -> tuple[type[Exception], ...]:
    """Return what a transport may raise, also when httpx2 was injected."""
    newer = sys.modules.get("httpx2")
    return (httpx.HTTPError, httpx.InvalidURL, *((newer.HTTPError, newer.InvalidURL) if newer else ()))


async def _check_address(url: str, *, on_loopback: bool) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if on_loopback and is_loopback(host) and parts.scheme in {"http", "https"}:
        return
    if parts.scheme != "https" or not host:
        msg = (
            f"the result link starts with {parts.scheme or 'nothing'}://, which is not fetched; only https is"
        )
        raise APIError(msg, status=HTTPStatus.BAD_REQUEST)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        msg = f"the result's host {host!r} is not found: {error}"
        raise NetworkError(msg) from error
    if not all(ipaddress.ip_address(address[4][0]).is_global for address in found):
        msg = f"the result link leads into a private network ({host!r}), which is not fetched"
        raise APIError(msg, status=HTTPStatus.BAD_REQUEST)


async def _fetch(http: Any, url: str, part: Path) -> str | None:
    """Fetch one hop: return where it redirects to, None when the file is complete."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    timeout = (10, STALL, STALL, None)
    try:
        async with http.stream(
            "GET", url, headers=headers, follow_redirects=False, timeout=timeout
        ) as response:
            if response.is_redirect:
                return urljoin(url, str(response.headers.get("location", "")))
            start, total = _place(response.status_code, response.headers, have)
            if start is None:
                _forget(part)
                body = await anext(response.aiter_bytes(), b"")
                raise api_error(response.status_code, {}, body[:300])
            size = await _write(response, part, start)
    except http_errors() as error:
        msg = f"the download broke off: {type(error).__name__}"
        raise NetworkError(msg) from error
    _check_size(part, size, total)
    return None


def _place(status: int, headers: Mapping[str, str], have: int) -> tuple[int | None, int | None]:
    """Return at which byte the answer begins, None if it is no file, and the file's whole length if it says so."""
    length = headers.get("content-length", "")
    if status == HTTPStatus.OK:
        return 0, int(length) if length.isdecimal() else None
    said = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("content-range", ""))
    if status == HTTPStatus.PARTIAL_CONTENT and said is not None and int(said[1]) == have:
        return have, int(said[2])
    return None, None


async def _write(response: Any, part: Path, start: int) -> int:
    flags = os.O_CREAT | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | (0 if start else os.O_TRUNC)
    with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
        file.seek(start)
        size = start
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > LARGEST_FILE:
                break
            file.write(chunk)
        file.flush()
        await engine().in_thread(os.fsync, file.fileno())
    return size


def _check_size(part: Path, size: int, total: int | None) -> None:
    if size <= LARGEST_FILE and (total is None or size == total):
        return
    if size > LARGEST_FILE or (total is not None and size > total):
        _forget(part)
    expected = f"at most {LARGEST_FILE}" if size > LARGEST_FILE else str(total)
    msg = f"the download has {size} bytes, expected {expected}"
    raise NetworkError(msg)


def _size(part: Path) -> int:
    try:
        return part.lstat().st_size
    except FileNotFoundError:
        return 0


def _forget(part: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
