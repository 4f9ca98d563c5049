"""Where a result link leads: read as servers write it, and refused where it leads inside.

The addresses that a link may not lead to are those of no public server (IANA's
special-purpose registries); RFC 2544's 198.18.0.0/15 is the exception, as resolvers of
TUN devices answer with it for every name, and the way to the server leads through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from gridgen.errors import APIError, NetworkError

__all__ = ["InsideError", "RefusedError", "addresses", "is_loopback", "redirected", "web_address"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MADE_UP = ipaddress.ip_network("198.18.0.0/15")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_LARGEST_LABEL = 63
_PLAIN_LENGTH = 2048

_INSIDE: dict[_Network, str] = {
    ipaddress.ip_network(network): whose
    for network, whose in (
        ("10.0.0.0/8", "a private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("127.0.0.0/8", "this machine"),
        ("::1/128", "this machine"),
        ("169.254.0.0/16", "this link alone, where clouds keep secrets"),
        ("fe80::/10", "this link alone"),
        ("100.64.0.0/10", "a carrier's or a VPN's own network"),
        ("fc00::/7", "a private network"),
        ("fec0::/10", "a private network"),
        ("2002::/16", "tunnels of old (6to4)"),
        ("64:ff9b:1::/48", "a translator's own network"),
        (str(_MADE_UP), "measurements, and names that a TUN device made up"),
        ("::/8", "addresses within addresses"),
    )
}
"""Ranges by which a refused address is explained; others that are not public are refused without a name."""


class RefusedError(APIError):
    """A result that this link will never bring, however often it is asked."""

    def __init__(self, message: str, *, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message, status=status)


class InsideError(RefusedError):
    """A result whose host's name leads inside here, as those of others on that host will."""


def web_address(link: str, base: str) -> str:
    """Return the address that a link of a server means.

    Parameters
    ----------
    link : str
        As it came: with blanks around it, with line breaks in it, or relative.
    base : str
        What a link that begins with ``/`` is relative to.

    Raises
    ------
    RefusedError
        If it is no address of the web.
    """
    text = "".join(link.strip().splitlines())
    if not text:
        msg = "the result link is empty"
        raise RefusedError(msg)
    try:
        text = urljoin(base, text) if text.startswith("/") else text
        parts = urlsplit(text)
        _check_as_the_transport(text, parts)
        if parts.scheme in {"http", "https"}:
            _check_host(parts)
    except (ValueError, UnicodeError, httpx.InvalidURL) as error:
        msg = f"the result link {_shown(link)} is no address of the web: {error}"
        raise RefusedError(msg) from error
    if parts.scheme not in {"http", "https"}:
        begins = f"starts with {parts.scheme[:40]}://" if "://" in text else "has no https:// before it"
        msg = f"the result link {_shown(link)} {begins}, which is not fetched; only https is"
        raise RefusedError(msg)
    return text


def _check_as_the_transport(text: str, parts: SplitResult) -> None:
    """Raise where the transport would; of a link without odd characters only the host can be wrong, seen once."""
    plain = len(text) < _PLAIN_LENGTH and text.isascii() and text.isprintable() and parts.netloc
    _parsed(f"{parts.scheme}://{parts.netloc}/" if plain else text)


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> bytes:
    return httpx.URL(text).raw_host


def _check_host(parts: SplitResult) -> None:
    host, port = parts.hostname, parts.port
    if not host:
        msg = "it names no host"
        raise ValueError(msg)
    if (
        port == 0
        or any(map(str.isspace, host))
        or any(not 0 < len(label) <= _LARGEST_LABEL for label in host.removesuffix(".").split("."))
    ):
        msg = f"host {host[:80]!r}, port {port}"
        raise ValueError(msg)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def redirected(url: str, location: str) -> str:
    """Return the address that a redirect leads to; raises as `web_address`."""
    with contextlib.suppress(ValueError):  # what it is about will be said
        location = urljoin(url, location)
    return web_address(location, url)


async def addresses(url: str, *, on_loopback: bool, proxied: bool) -> tuple[str, ...]:
    """Return the addresses that a link's host may be reached at; none where it is not looked up here.

    That is so on this machine, for a simulator's client, and behind a proxy, which
    looks names up itself.

    Parameters
    ----------
    url : str
        As `web_address` gave it.
    on_loopback : bool
        Whether results may come from this machine.
    proxied : bool
        Whether the proxies of the environment are used.

    Raises
    ------
    RefusedError
        If it is not reached by https, or is, or leads to, an address that is not public.
    NetworkError
        If the host is not found.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    if on_loopback and is_loopback(host):
        return ()
    if parts.scheme != "https":
        msg = f"the result link starts with {parts.scheme}://, which is not fetched; only https is"
        raise RefusedError(msg)
    literal = _literal(host)
    if literal is not None:
        if not _is_public(literal):
            raise RefusedError(_why_inside(host, literal))
        return () if proxied and _is_proxied(host) else (str(literal),)
    if host == "localhost" or host.endswith(".localhost"):
        msg = f"the result link leads into a private network: {host[:100]!r} is this machine"
        raise RefusedError(msg)
    return () if proxied and _is_proxied(host) else await _looked_up(host, parts.port or 443)


async def _looked_up(host: str, port: int) -> tuple[str, ...]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        msg = f"the result's host {host[:100]!r} is not found: {error}"
        raise NetworkError(msg) from error
    told = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    for each in told:
        address = ipaddress.ip_address(each)
        if not (_is_public(address) or _embedded(address) in _MADE_UP):
            raise InsideError(_why_inside(host, address))
    return told


def _literal(host: str) -> _Address | None:
    """Return the address that a host is, however it is written; None for a name."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0])
    try:
        # 127.1 and 2130706433 are addresses to every resolver
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _embedded(address: _Address) -> _Address:
    """Return the address that another one stands for: IPv4 within IPv6, or behind a translator (RFC 6052)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address


def _is_public(address: _Address) -> bool:
    found = _embedded(address)
    refused = any(found in network for network in _INSIDE)
    return found.is_global and not (found.is_multicast or found.is_reserved or refused)


def _why_inside(host: str, address: _Address) -> str:
    found = _embedded(address)
    network = next((each for each in _INSIDE if found in each), None)
    where = "" if network is None else f" in {network} ({_INSIDE[network]})"
    named = "" if host == str(address) else f"{host[:100]!r} is found here at "
    return (
        f"the result link leads into a private network: {named}{address}{where}, which is not fetched. If a VPN or "
        "a proxy of yours answers so, set HTTPS_PROXY, so that it looks the name up itself, or let it make up "
        f"addresses of {_MADE_UP}; then run() fetches it"
    )


def _is_proxied(host: str) -> bool:
    return bool({"https", "all"} & set(getproxies())) and not proxy_bypass(host)


def _shown(link: str) -> str:
    return ascii(link.partition("?")[0][:100])
