"""Fetch a result link into a file: without a key, resumable, and only from where it may come."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import ssl
import sys
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from gridgen._loop import engine
from gridgen.client.links import RefusedError, addresses, redirected, web_address
from gridgen.clock import of_the_wire
from gridgen.errors import NetworkError
from gridgen.outcome import api_error

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from gridgen.clock import Clock
    from gridgen.errors import APIError, GridgenError

__all__ = [
    "LARGEST_FILE",
    "download",
    "http_errors",
    "is_dead_link",
    "is_hopeless",
    "make_sure_of_room",
    "untrusted",
]

LARGEST_FILE = 512 * 2**20
MOST_HOPS = 3
STALL = 30.0
"""Seconds without a byte after which a transfer is given up, to be resumed."""

PATIENCE, SLOWEST = 120.0, 1024
"""Seconds after which a transfer must have come at so many bytes a second on average, or is given up."""

RESERVE = 16 * 2**20
"""Bytes that downloads leave free on the disk."""

_MAGIC = 12
_ROOM_EVERY = 8 * 2**20
_NO_TRAPS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Neither through a link, nor waiting for a reader of a pipe."""

_CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""What a body may be packed in, and what zlib calls that."""

_PIECE = 2**20
_WHOLE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NON_AUTHORITATIVE_INFORMATION})
_DEAD_LINK = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def download(
    http: Any,
    url: str,
    part: Path,
    *,
    on_loopback: bool,
    clock: Clock,
    most: int = LARGEST_FILE,
    base: str = "",
    picture: bool = False,
) -> None:
    """Stream one link into `part`, going on where an earlier try broke off.

    No key goes along. Redirects are followed by hand, three at most. Each host is
    looked up once, and connected to at the address that was checked.

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
    clock : Clock
        Of the client.
    most : int, default 512 MiB
        Bytes that the file may have; a smaller number is what a quota has left.
    base : str, optional
        What a link without a host is relative to.
    picture : bool, default False
        Whether a picture is expected in place of a video.

    Raises
    ------
    APIError
        If the answer is no file; statuses 403, 404 and 410 mean a dead link. Where
        `is_hopeless` says so, no later try can bring it.
    MediaError
        If what comes is no video, or larger than it may be; nothing of it is kept.
    NetworkError
        If the transfer broke off, or comes too slowly to ever end.
    OSError
        If the file cannot be written, or the disk (``ENOSPC``) or the quota
        (``EDQUOT``) would be full with it.
    """
    proxied = not on_loopback and bool(getattr(http, "trust_env", False))
    url = web_address(url, base)
    for _hop in range(MOST_HOPS + 1):
        reached = await addresses(url, on_loopback=on_loopback, proxied=proxied)
        following = await _fetch(http, url, reached, _File(part, most, clock, picture=picture))
        if following is None:
            return
        url = redirected(url, following)
    msg = f"the link was redirected more than {MOST_HOPS} times"
    raise NetworkError(msg)


def is_hopeless(error: BaseException) -> bool:
    """Whether a link will never bring its file, however often it is asked."""
    return isinstance(error, RefusedError)


def is_dead_link(error: APIError) -> bool:
    """Whether a refused download means that a fresh link is needed."""
    return error.status in _DEAD_LINK


def make_sure_of_room(file: Path, more: int) -> None:
    """Leave room beside a file for the journal, which has to note what is paid for.

    Raises
    ------
    OSError
        If the disk would be full (``ENOSPC``) with so many bytes more.
    """
    if shutil.disk_usage(file.parent).free < more + RESERVE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))


def untrusted(error: BaseException) -> str | None:
    """Return in words why a server's certificate is not trusted, None where that is not the error's cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the server's certificate is not trusted ({cause.verify_message or cause}). A proxy or a captive "
                "portal may sit in between, or this machine's clock may be wrong; nothing was sent to it"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def http_errors() -> tuple[type[Exception], ...]:
    """Return what a transport may raise, also when httpx2 was injected."""
    newer = sys.modules.get("httpx2")
    return (httpx.HTTPError, httpx.InvalidURL, *((newer.HTTPError, newer.InvalidURL) if newer else ()))


def _pinned(url: str, address: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return URL, headers and extensions that reach a link's host at one address and no other.

    The certificate is checked for the host's name all the same. The connection is
    not kept: it belongs to the name, which a pool would not know.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port else ""
    headers = {"Host": f"{host}{port}", "Connection": "close"}
    return parts._replace(netloc=f"{shown}{port}").geturl(), headers, {"sni_hostname": host}


async def _fetch(http: Any, url: str, reached: tuple[str, ...], file: _File) -> str | None:
    """Fetch one hop from the first address that answers: return where it redirects to, None when all is there."""
    if not reached:
        return await _fetch_from(http, url, file, {}, {})
    for last, address in zip([*[False] * (len(reached) - 1), True], reached, strict=True):
        there, headers, extensions = _pinned(url, address)
        try:
            return await _fetch_from(http, there, file, headers, extensions)
        except NetworkError as error:
            if last or type(error.__cause__).__name__ not in {"ConnectError", "ConnectTimeout"}:
                raise
    raise AssertionError


async def _fetch_from(
    http: Any, url: str, file: _File, headers: dict[str, str], extensions: dict[str, Any]
) -> str | None:
    headers = {"Accept-Encoding": "identity", **headers, **file.wanted()}
    _log_without_query(urlsplit(url).hostname or "")
    timeout = (10, STALL, STALL, None)
    try:
        async with http.stream(
            "GET", url, headers=headers, follow_redirects=False, timeout=timeout, extensions=extensions
        ) as response:
            if response.is_redirect:
                return str(response.headers.get("location", ""))
            if not file.begin(response.status_code, response.headers):
                body = await anext(_as_sent(response), b"")
                raise api_error(response.status_code, {}, body[:300])
            await file.write(_unpacked(response))
    except http_errors() as error:
        why = untrusted(error)
        msg = why or f"the download broke off: {type(error).__name__}"
        raise NetworkError(msg, trusted=why is None) from error
    return None


class _WithoutQuery(logging.Filter):
    """Cuts the query off the addresses of some hosts in what an HTTP library logs: it signs the link."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(self._shown, record.args))
        return True

    def _shown(self, value: object) -> object:
        signed = getattr(value, "host", None) in self.hosts and bool(getattr(value, "query", None))
        return str(value).partition("?")[0] if signed else value


def _log_without_query(host: str) -> None:
    engine().shared(_query_filter).hosts.add(host)


def _query_filter() -> _WithoutQuery:
    """Return the filter through which this process's HTTP libraries log from now on."""
    made = _WithoutQuery()
    for library in ("httpx", "httpx2"):
        logging.getLogger(library).addFilter(made)
    return made


def _as_sent(response: Any) -> AsyncIterator[bytes]:
    """Return the body as it comes: an HTTP library may unpack it, to anything and at once."""
    packed = "content-encoding" in response.headers
    found: AsyncIterator[bytes] = response.aiter_raw() if packed else response.aiter_bytes()
    return found


async def _unpacked(response: Any) -> AsyncIterator[bytes]:
    """Yield the body, unpacked where it was packed although that was not asked for, a little at a time."""
    coding = _coding(response.headers)
    if not coding:
        async for chunk in _as_sent(response):
            yield chunk
        return
    unpacker = zlib.decompressobj(_CODINGS[coding])
    async for chunk in _as_sent(response):
        rest = chunk
        while rest and not unpacker.eof:
            try:
                data = unpacker.decompress(rest, _PIECE)
            except zlib.error as error:
                msg = f"the download cannot be unpacked ({coding}: {error})"
                raise NetworkError(msg) from error
            rest = unpacker.unconsumed_tail
            yield data
    if not unpacker.eof:
        msg = f"the download broke off: {coding} ends early"
        raise NetworkError(msg)


def _coding(headers: Mapping[str, str]) -> str:
    """Return how a body is packed, an empty text for not at all.

    Raises
    ------
    RefusedError
        If it is packed in a way that is not understood.
    """
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return ""
    if coding not in _CODINGS:
        msg = (
            f"the server packed the result as {coding[:40]!r}, which was not asked for and is not understood"
        )
        raise RefusedError(msg, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return coding


class _File:
    """A file that grows by one download, or by several that each go on where the last broke off.

    Beside it, as long as it grows, lies what tells the server's file from another
    one under the same link: its ETag and its length.
    """

    def __init__(self, part: Path, most: int, clock: Clock, *, picture: bool) -> None:
        self._part = part
        self._picture = picture
        self._mark = part.with_name(f"{part.name}.etag")
        self._most = most
        self._clock = of_the_wire(clock)
        self._start = 0
        self._total: int | None = None
        self._packed = False

    def wanted(self) -> dict[str, str]:
        """Return the headers that ask for what is missing."""
        have = _size(self._part)
        if not have:
            return {}
        tag = self._known().partition(" ")[2]
        return {"Range": f"bytes={have}-", **({"If-Range": tag} if tag.startswith('"') else {})}

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take in the head of an answer; say whether it is the file, or the missing part of it."""
        have, known = _size(self._part), self._known().partition(" ")[0]
        start, total = _place(status, headers, have)
        if start and total is None and known.isdecimal():
            total = int(known)
        if start is None or (start and known.isdecimal() and int(known) != total):
            self._forget()
            return False
        self._packed = bool(_coding(headers))
        if self._packed:
            # what is left of a packed body is no part of what it unpacks to
            start, total = 0, None
        self._start, self._total = start, total
        if total is not None and total > self._most:
            raise self._too_large(total)
        make_sure_of_room(self._part, (total or start) - start)
        if not start:
            tag = headers.get("etag", "")
            self._mark.write_text(f"{'' if total is None else total} {tag[:200]}", encoding="utf-8")
        return True

    async def write(self, chunks: AsyncIterator[bytes]) -> None:
        """Write what comes, and make sure that it is all there, a video, and on the disk."""
        try:
            size = await self._save(chunks)
        except BaseException:
            if self._packed:
                self._forget()
            raise
        if self._total is not None and size != self._total:
            if size > self._total:
                self._forget()
            msg = f"the download has {size} bytes, expected {self._total}"
            raise NetworkError(msg)
        self._mark.unlink(missing_ok=True)

    async def _save(self, chunks: AsyncIterator[bytes]) -> int:
        flags = os.O_CREAT | os.O_WRONLY | _NO_TRAPS | (0 if self._start else os.O_TRUNC)
        # unbuffered: what came in is there for the next process, however this one ends
        with os.fdopen(os.open(self._part, flags, 0o600), "wb", buffering=0) as out:
            out.seek(self._start)
            size = await self._copy(chunks, out)
            await engine().in_thread(os.fsync, out.fileno())
        return size

    async def _copy(self, chunks: AsyncIterator[bytes], out: io.FileIO) -> int:
        size, checked, head = self._start, self._start, b""
        begun = self._clock.monotonic()
        async for chunk in chunks:
            size += len(chunk)
            if size > self._most:
                raise self._too_large(size)
            if not (self._start or self._picture) and len(head) < _MAGIC:
                head += chunk
                self._check_magic(head)
            if size - checked > _ROOM_EVERY:
                checked = size
                make_sure_of_room(self._part, 0)
            _write(out, chunk)
            seconds = self._clock.monotonic() - begun
            if seconds > PATIENCE and size - self._start < SLOWEST * seconds:
                msg = f"the download comes too slowly ({size - self._start} bytes in {seconds:.0f} s)"
                raise NetworkError(msg)
        return size

    def _check_magic(self, head: bytes) -> None:
        """Refuse at once what is no video, so that a page is never written into a file."""
        from gridgen.media import sniff

        if len(head) >= _MAGIC and sniff(head) is None:
            self._forget()
            why = f"not an MP4 or WebM video: it starts with {head[:16]!r}"
            raise self._unfit(why)

    def _too_large(self, size: int) -> Exception:
        """Keep nothing of a file that no video is as large as, or that the quota has no room for."""
        self._forget()
        if self._most < LARGEST_FILE:
            return OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), str(self._part))
        return self._unfit(f"{size} bytes or more, expected at most {LARGEST_FILE}")

    def _unfit(self, why: str) -> GridgenError:
        # loaded on use: a client that never downloads needs no video library
        from gridgen.media import MediaError

        return MediaError(self._part, why)

    def _known(self) -> str:
        try:
            return self._mark.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    def _forget(self) -> None:
        for path in (self._part, self._mark):
            path.unlink(missing_ok=True)


def _write(out: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[out.write(rest) or 0 :]


def _place(status: int, headers: Mapping[str, str], have: int) -> tuple[int | None, int | None]:
    """Return at which byte the answer begins, None if it is no file, and the file's whole length if it says so."""
    length = headers.get("content-length", "")
    if status in _WHOLE:
        return 0, int(length) if re.fullmatch(r"\d{1,15}", length, re.ASCII) else None
    if status != HTTPStatus.PARTIAL_CONTENT:
        return None, None
    told = headers.get("content-range", "")
    said = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)", told, re.ASCII)
    if said is None:
        # no range was asked for, so it may be all there is; whether it plays will be seen
        return (0, None) if not (told or have) else (None, None)
    return (have, None if said[2] == "*" else int(said[2])) if int(said[1]) == have else (None, None)


def _size(part: Path) -> int:
    try:
        return part.lstat().st_size
    except FileNotFoundError:
        return 0
