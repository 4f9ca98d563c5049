"""Downloads: where from, in which order, how much, into which files, and what a full disk does."""

from __future__ import annotations

import asyncio
import errno
import gzip
import math
import os
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest

from gridgen import APIError, Client, Grid, GridError, GridgenError, NetworkError, Status, Sweep, Task
from gridgen._loop import wait
from gridgen.client import download as downloads
from gridgen.clock import Clock
from gridgen.simulator import Fault
from gridgen.task import Video

if TYPE_CHECKING:
    from pathlib import Path

BOX = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


class Ticking(Clock):
    """A clock on which ten seconds pass between two looks."""

    speed = math.inf

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return ten seconds more than last time."""
        self.now += 10.0
        return self.now


class Server(httpx.AsyncBaseTransport):
    """Answers from a table of URLs, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the next answer, the last one again and again."""
        self.asked.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def get(self, url: str, part: Path, **options: object) -> None:
        """Download one link from it."""

        async def run() -> None:
            async with httpx.AsyncClient(transport=self) as http:
                await downloads.download(
                    http, url, part, **{"on_loopback": True, "clock": Clock(), **options}
                )

        wait(run())


def answer(body: bytes = BOX, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer with its length, as a file server gives it."""
    return httpx.Response(
        status, content=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def streamed(*chunks: bytes, **headers: str) -> httpx.Response:
    """Return an answer that tells no length."""

    async def body():
        for chunk in chunks:
            yield chunk

    return httpx.Response(
        200, content=body(), headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


@pytest.fixture
def resolve(monkeypatch):
    """Let host names resolve as a list says, a list of addresses for each time that one is looked up."""
    told: list[list[str]] = []
    asked: list[str] = []

    async def getaddrinfo(_loop: object, host: str, port: int, **_options: object):
        asked.append(host)
        addresses = told.pop(0) if len(told) > 1 else told[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def tell(*answers: list[str]) -> list[str]:
        told.extend(answers)
        return asked

    return tell


@pytest.mark.security("S7")
def test_the_checked_address_is_the_one_connected_to(resolve, tmp_path):
    """S7: a host that resolves to a private address the second time is not looked up a second time."""
    asked = resolve(["93.184.216.34"], ["169.254.169.254"])
    server = Server(answer())
    server.get("https://cdn.example.org/a.mp4?sign=1", tmp_path / "a.part", on_loopback=False)

    (request,) = server.asked
    assert asked == ["cdn.example.org"]
    assert str(request.url) == "https://93.184.216.34/a.mp4?sign=1"
    assert request.headers["host"] == "cdn.example.org"
    assert request.extensions["sni_hostname"] == "cdn.example.org"
    assert "authorization" not in request.headers


@pytest.mark.security("S7")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["93.184.216.34", "192.168.1.1"],
        ["::1"],
        ["fd00::1"],
        ["::ffff:127.0.0.1"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
    ],
)
def test_a_name_that_leads_inside_is_refused(resolve, tmp_path, addresses):
    """S7: one private address among those of a host is enough; nothing is connected to."""
    resolve(addresses)
    server = Server(answer())
    with pytest.raises(APIError, match="private network"):
        server.get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)
    assert server.asked == []


def test_the_next_address_is_tried(resolve, tmp_path):
    """A host with several addresses is reached at the second when the first does not answer."""
    resolve(["2606:2800:21f::1", "93.184.216.34"])

    class Half(Server):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            if ":" in request.url.host:
                msg = "no route"
                raise httpx.ConnectError(msg)
            return response

    server = Half(answer())
    server.get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)

    assert [request.url.host for request in server.asked] == ["2606:2800:21f::1", "93.184.216.34"]
    assert (tmp_path / "a.part").read_bytes() == BOX


@pytest.mark.fault("1-download")
def test_an_unknown_host_is_tried_again_later(resolve, tmp_path):
    """F1: a name that does not resolve is a network error, unless a proxy is there to resolve it."""
    resolve([])
    with pytest.raises(NetworkError, match="not found"):
        Server(answer()).get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)


def test_behind_a_proxy_the_proxy_resolves(resolve, tmp_path, monkeypatch):
    """Case F2: where a proxy is set, names go to it unasked; addresses of inside are refused all the same."""
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    asked = resolve(["10.0.0.1"])
    server = Server(answer())
    server.get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)

    assert asked == []
    assert server.asked[0].url.host == "cdn.example.org"
    for host in ("10.0.0.1", "127.1", "2130706433", "[fd00::1]", "localhost", "a.localhost", "198.18.0.9"):
        with pytest.raises(APIError, match="private network"):
            server.get(f"https://{host}/a.mp4", tmp_path / "b.part", on_loopback=False)
    assert len(server.asked) == 1


def test_a_made_up_address_of_a_resolver_is_fetched(resolve, tmp_path):
    """Case F2: a resolver of a TUN device answers with 198.18.0.0/15 for every name, and the way leads through it."""
    resolve(["198.18.1.206"])
    server = Server(answer())
    server.get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)
    assert (server.asked[0].url.host, server.asked[0].headers["host"]) == ("198.18.1.206", "cdn.example.org")

    with pytest.raises(APIError, match=r"198\.18\.0\.0/15"):
        server.get("https://198.18.1.206/a.mp4", tmp_path / "b.part", on_loopback=False)


INSIDE = {
    "fc00::1f": "fc00::/7",
    "100.64.3.7": "100.64.0.0/10",
    "10.1.2.3": "10.0.0.0/8",
    "172.20.0.1": "172.16.0.0/12",
    "192.168.7.7": "192.168.0.0/16",
    "127.0.0.1": "127.0.0.0/8",
    "169.254.169.254": "169.254.0.0/16",
    "fe80::1": "fe80::/10",
    "fec0::1": "fec0::/10",
    "64:ff9b::a9fe:a9fe": "169.254.0.0/16",
    "64:ff9b::10.0.0.1": "10.0.0.0/8",
    "2002:a00:1::1": "2002::/16",
    "2002:5db8:d822::1": "2002::/16",
    "::ffff:100.64.0.1": "100.64.0.0/10",
    "::127.0.0.1": "::/8",
    "64:ff9b:1::1": "64:ff9b:1::/48",
}


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_says_range_and_remedy(resolve, tmp_path, address):
    """Case F2: what is refused is named with its range and what to do; nothing is connected to."""
    resolve([address])
    server = Server(answer())
    with pytest.raises(APIError) as refused:
        server.get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)

    assert INSIDE[address] in str(refused.value)
    assert "HTTPS_PROXY" in str(refused.value)
    assert "cdn.example.org" in str(refused.value)
    assert server.asked == []


def test_a_public_address_behind_a_translator_is_fetched(resolve, tmp_path):
    """Case F2: on a network of IPv6 alone a public server answers at 64:ff9b::/96 (RFC 6052)."""
    resolve(["64:ff9b::93.184.216.34"])
    Server(answer()).get("https://cdn.example.org/a.mp4", tmp_path / "a.part", on_loopback=False)
    assert (tmp_path / "a.part").read_bytes() == BOX


def moved(to: str, status: int = 302) -> httpx.Response:
    """Return a redirect."""
    return httpx.Response(status, headers={"location": to})


@pytest.mark.security("S6")
def test_redirects_are_followed_by_hand(resolve, tmp_path):
    """S6: three hops at most, each looked up and checked, none with a key."""
    asked = resolve(["93.184.216.34"])
    server = Server(moved("https://b.example.org/b"), moved("/c", 307), moved("//d.example.org/d"), answer())
    server.get("https://a.example.org/a", tmp_path / "a.part", on_loopback=False)

    assert asked == ["a.example.org", "b.example.org", "b.example.org", "d.example.org"]
    assert [request.headers["host"] for request in server.asked] == asked
    assert not any("authorization" in request.headers for request in server.asked)

    endless = Server(moved("https://a.example.org/a"))
    with pytest.raises(NetworkError, match="redirected more than 3 times"):
        endless.get("https://a.example.org/a", tmp_path / "b.part", on_loopback=False)
    assert len(endless.asked) == 4


@pytest.mark.security("S6", "S7")
@pytest.mark.parametrize(
    "to",
    [
        "http://93.184.216.34/a",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "data:video/mp4;base64,AAAA",
        "https://127.0.0.1/a",
        "https://169.254.169.254/a",
        "https://[::1]/a",
        "https://2130706433/a",
        "",
    ],
)
def test_no_redirect_leads_elsewhere(tmp_path, to, monkeypatch):
    """S6, S7: a redirect to plain http, to a private address or to no web address is refused before connecting."""
    for name in ("https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server(moved(to))
    with pytest.raises(GridgenError):
        server.get("https://93.184.216.34/a", tmp_path / "a.part", on_loopback=False)
    assert len(server.asked) == (4 if not to else 1)
    assert not (tmp_path / "a.part").exists()


@pytest.mark.fault("5-download", "6-download")
def test_a_broken_transfer_goes_on_where_it_broke_off(tmp_path):
    """F5, F6: the second request asks for the rest of the same file, by its ETag."""
    part = tmp_path / "a.part"
    whole = BOX + bytes(range(200))
    first = httpx.Response(200, content=whole[:100], headers={"etag": '"v1"', "content-length": "224"})
    rest = answer(whole[100:], 206, content_range="bytes 100-223/224", etag='"v1"')
    server = Server(first, rest)
    with pytest.raises(NetworkError, match="100 bytes, expected 224"):
        server.get("http://127.0.0.1/a", part)
    server.get("http://127.0.0.1/a", part)

    assert part.read_bytes() == whole
    assert server.asked[1].headers["range"] == "bytes=100-"
    assert server.asked[1].headers["if-range"] == '"v1"'
    assert [path.name for path in tmp_path.iterdir()] == ["a.part"]


@pytest.mark.fault("18-download")
def test_another_file_under_the_link_is_fetched_anew(tmp_path):
    """F18: when the file has changed meanwhile, nothing of the old one is mixed in."""
    part = tmp_path / "a.part"
    old = httpx.Response(200, content=BOX + b"old", headers={"etag": '"v1"', "content-length": "500"})
    new = answer(BOX + b"new" * 50, etag='"v2"')
    server = Server(old, new)
    with pytest.raises(NetworkError):
        server.get("http://127.0.0.1/a", part)
    server.get("http://127.0.0.1/a", part)
    assert part.read_bytes() == BOX + b"new" * 50

    part.unlink()
    longer = answer(b"x" * 10, 206, content_range="bytes 27-36/900")
    server = Server(httpx.Response(200, content=BOX + b"old", headers={"content-length": "500"}), longer)
    for _ in range(2):
        with pytest.raises(GridgenError):
            server.get("http://127.0.0.1/a", part)
    assert not part.exists()


@pytest.mark.security("S11")
@pytest.mark.parametrize("length", ["600000000", "9" * 5000, "-1", "1e9", "٣"])
def test_a_false_length_fools_nobody(tmp_path, length):
    """S11: a length beyond the cap is refused unread; one that is none counts as untold."""
    part = tmp_path / "a.part"
    response = httpx.Response(200, content=BOX, headers=[(b"content-length", length.encode())])
    server = Server(response)
    if length == "600000000":
        with pytest.raises(GridgenError, match="600000000 bytes or more"):
            server.get("http://127.0.0.1/a", part)
        assert not part.exists()
    else:
        server.get("http://127.0.0.1/a", part)
        assert part.read_bytes() == BOX


@pytest.mark.security("S11")
@pytest.mark.fault("28-download")
def test_a_body_without_end_stops_at_the_cap(tmp_path, monkeypatch):
    """S11: without a length the body is read up to the cap; then the part is removed."""
    monkeypatch.setattr(downloads, "LARGEST_FILE", 1000)
    part = tmp_path / "a.part"
    with pytest.raises(GridgenError, match="expected at most 1000"):
        Server(streamed(BOX, *[b"x" * 400] * 10)).get("http://127.0.0.1/a", part, most=1000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.security("S11")
@pytest.mark.fault("5-download")
def test_a_drip_is_given_up(tmp_path):
    """S11, F5: a body that comes at less than a kilobyte a second is broken off, and kept to be resumed."""
    part = tmp_path / "a.part"
    with pytest.raises(NetworkError, match="too slowly"):
        Server(streamed(BOX, *[b"x"] * 100)).get("http://127.0.0.1/a", part, clock=Ticking())
    assert part.read_bytes().startswith(BOX)


@pytest.mark.security("S13")
@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Sign in</body></html>",
        b'{"error": "no such file"}',
        b"\x89PNG\r\n\x1a\n" + b"0" * 40,
        b"<svg xmlns=>" + b" " * 40,
    ],
)
def test_what_is_no_video_is_never_written(tmp_path, body):
    """S13: a page, JSON, a picture or SVG under a video's link leaves no byte on the disk."""
    with pytest.raises(GridgenError, match="not an MP4 or WebM video"):
        Server(streamed(body, b"x" * 10_000)).get("http://127.0.0.1/a", tmp_path / "a.part")
    assert list(tmp_path.iterdir()) == [] or (tmp_path / "a.part").stat().st_size == 0


@pytest.mark.security("S12")
@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_a_compressed_body_is_unpacked(tmp_path, coding):
    """S12, case F6: media is asked for as it is; a server that packs it all the same is understood."""
    body = BOX + bytes(3 * 10**6)
    packed = zlib.compress(body) if coding == "deflate" else gzip.compress(body)
    server = Server(
        streamed(*(packed[at : at + 1000] for at in range(0, len(packed), 1000)), content_encoding=coding)
    )
    server.get("http://127.0.0.1/a", tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == body
    assert [path.name for path in tmp_path.iterdir()] == ["a.part"]
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.security("S12")
def test_a_bomb_is_unpacked_up_to_the_cap(tmp_path, monkeypatch):
    """S12, case F6: a body that unpacks to more than a video may have is given up, and nothing of it stays."""
    monkeypatch.setattr(downloads, "LARGEST_FILE", 10**6)
    bomb = streamed(gzip.compress(BOX + bytes(10**8)), content_encoding="gzip")
    with pytest.raises(GridgenError, match="expected at most 1000000"):
        Server(bomb).get("http://127.0.0.1/a", tmp_path / "a.part", most=10**6)
    assert list(tmp_path.iterdir()) == []


def test_a_packed_body_that_breaks_off_begins_anew(tmp_path):
    """Case F6: what was unpacked cannot be resumed where it broke off, so nothing of it is mixed with the rest."""
    part = tmp_path / "a.part"
    packed = gzip.compress(BOX + os.urandom(5000))
    server = Server(streamed(packed[:2000], content_encoding="gzip"), answer(BOX))
    with pytest.raises(NetworkError, match="broke off"):
        server.get("http://127.0.0.1/a", part)
    server.get("http://127.0.0.1/a", part)

    assert "range" not in server.asked[1].headers
    assert part.read_bytes() == BOX


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_another_coding_is_refused_at_once(tmp_path, coding):
    """Case F6: a coding that nobody asked for and that is not understood is named; trying again is no use."""
    with pytest.raises(APIError, match="is not understood") as refused:
        Server(streamed(BOX, content_encoding=coding)).get("http://127.0.0.1/a", tmp_path / "a.part")
    assert downloads.is_hopeless(refused.value)


def test_garbage_that_calls_itself_packed(tmp_path):
    """Case F6: a body that cannot be unpacked is a broken transfer."""
    with pytest.raises(NetworkError, match="unpacked"):
        Server(streamed(BOX * 50, content_encoding="gzip")).get("http://127.0.0.1/a", tmp_path / "a.part")


@pytest.mark.parametrize(
    "reply",
    [
        answer(status=201),
        answer(status=203),
        answer(status=206, content_range=f"bytes 0-{len(BOX) - 1}/*"),
        answer(status=206, content_range=f"bytes 0-{len(BOX) - 1}/{len(BOX)}"),
        answer(status=206),
    ],
)
def test_other_words_for_the_whole_file(tmp_path, reply):
    """Case F7: 201, 203, and a part that begins at the first byte, are the file."""
    Server(reply).get("http://127.0.0.1/a", tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == BOX


def test_a_part_of_unknown_whole_goes_on(tmp_path):
    """Case F7: the rest of a file may come with `*` for its length; where that was told before, it counts."""
    part = tmp_path / "a.part"
    whole = BOX + bytes(range(200))
    first = httpx.Response(200, content=whole[:100], headers={"content-length": "224"})
    server = Server(first, answer(whole[100:150], 206, content_range="bytes 100-149/*"))
    for size in (100, 150):
        with pytest.raises(NetworkError, match=f"{size} bytes, expected 224"):
            server.get("http://127.0.0.1/a", part)


UNREADABLE = {
    "https://[": "address",
    "https://[::1": "address",
    "https://cdn.example.org:99999/a": "address",
    "https://cdn.example.org:port/a": "address",
    "https://]/": "address",
    "cdn.example.org/a.mp4": "https://",
    "f/video/a.mp4": "https://",
    "ftp://cdn.example.org/a": "ftp://",
    "": "empty",
    " \n": "empty",
    "https:///a": "host",
    "https://a b/": "address",
    "https://" + "a" * 300 + "/": "address",
    "https://xn--a/\ud83d": "address",
    "https://e.org/\x00": "address",
}


@pytest.mark.parametrize("link", UNREADABLE)
def test_a_link_that_leads_nowhere_is_refused_at_once(resolve, tmp_path, link):
    """Cases A5, F8: what is no address of the web is named as such, and trying again is no use."""
    resolve(["93.184.216.34"])
    client = Client(
        "key", "https://api.example.org", http_client=lambda: httpx.AsyncClient(transport=Server(answer()))
    )
    with pytest.raises(APIError, match=UNREADABLE[link]) as refused:
        wait(client.wire.fetch(link, tmp_path / "a.part"))
    assert downloads.is_hopeless(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize(
    ("link", "fetched"),
    [
        ("\r\n https://cdn.example.org/a.mp4\n", "https://cdn.example.org/a.mp4"),
        ("https://cdn.example.org/\na.mp4", "https://cdn.example.org/a.mp4"),
        ("/f/a.mp4?x=1", "https://api.example.org/f/a.mp4?x=1"),
        ("//cdn.example.org/a.mp4", "https://cdn.example.org/a.mp4"),
        ("HTTPS://cdn.example.org/a b.mp4", "https://cdn.example.org/a%20b.mp4"),
    ],
)
def test_a_link_is_read_as_people_write_it(resolve, tmp_path, link, fetched):
    """Case F8: blanks and line breaks around and within are dropped, and what begins with / is on the API's host."""
    resolve(["93.184.216.34"])
    server = Server(answer())
    client = Client("key", "https://api.example.org", http_client=lambda: httpx.AsyncClient(transport=server))
    wait(client.wire.fetch(link, tmp_path / "a.part"))

    (request,) = server.asked
    there = str(request.url).replace("93.184.216.34", request.headers["host"])
    assert there == fetched


def test_a_redirect_that_cannot_be_parsed(tmp_path):
    """Case A5: the next hop is a link like the first one."""
    with pytest.raises(APIError, match="address"):
        Server(moved("https://[")).get("http://127.0.0.1/a", tmp_path / "a.part")


def test_whatever_a_transport_raises_is_a_broken_transfer(tmp_path):
    """Case A5: no exception of a transfer is one of a whole run."""

    class Odd(Server):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            msg = f"what nobody foresaw of {request.url.path}"
            raise AttributeError(msg)

    client = Client(
        "sim-key", "http://127.0.0.1:9", http_client=lambda: httpx.AsyncClient(transport=Odd(answer()))
    )
    with pytest.raises(NetworkError, match=r"AttributeError: what nobody foresaw"):
        wait(client.wire.fetch("http://127.0.0.1:9/a", tmp_path / "a.part"))


@pytest.mark.security("S10")
def test_no_file_is_written_through_a_link(simulate, tmp_path):
    """S10: symlinks in the folder, under the part's, the video's or the posters' name, are not followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"untouched")
    sweep = Sweep(
        Grid(prompt=["part", "video", "good"]), client=simulate().client(), folder=tmp_path / "boats"
    )
    names = [f"{cell.prompt}_16x9_6s_{cell.key[:8]}-1.mp4" for cell in sweep.grid]
    sweep.folder.mkdir(mode=0o700)
    (sweep.folder / f"{names[0]}.part").symlink_to(outside / "file")
    (sweep.folder / names[1]).symlink_to(outside / "file")
    (sweep.folder / "posters").symlink_to(outside)
    with pytest.raises(GridgenError, match="cannot be written"):
        sweep.run()
    assert (outside / "file").read_bytes() == b"untouched"
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_a_pipe_in_the_folder_blocks_nobody(simulate, tmp_path):
    """A named pipe under the part's name is an error, not a wait for ever."""
    sweep = Sweep(Grid(prompt="boat"), client=simulate().client(), folder=tmp_path)
    os.mkfifo(tmp_path / f"boat_16x9_6s_{sweep.grid[0].key[:8]}-1.mp4.part")
    with pytest.raises(GridgenError, match="cannot be written"):
        sweep.run()


PROMPTS = [
    "../../../etc/passwd",
    "/absolute/path",
    "CON",
    "x" * 300,
    "\u202egnp.exe",
    "page.html",
    "a\x00b\n\r\t",
    "😀😀",
    "..",
    "-rf *",
]


@pytest.mark.security("S9")
def test_hostile_prompts_make_plain_names(simulate, tmp_path):
    """S9: every file lies in the folder, under a name of a-z, 0-9, hyphen and underscore that ends in .mp4."""
    sweep = Sweep(Grid(prompt=PROMPTS), client=simulate().client(), folder=tmp_path / "boats")
    sweep.run()

    assert sweep.counts() == {"done": len(PROMPTS)}
    for row in sweep.rows():
        path = (sweep.folder / row.path).resolve()
        assert path.parent == sweep.folder.resolve()
        assert path.name.removesuffix(".mp4").replace("-", "").replace("_", "").isalnum()
        assert path.name.isascii()
        assert len(path.name) < 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boats"]


@pytest.mark.security("S24")
def test_all_files_are_private(simulate, tmp_path):
    """S24: in a folder that others may enter, every file is still the owner's alone."""
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    sweep = Sweep(Grid(prompt="boat"), client=simulate().client(), folder=folder)
    sweep.run()

    modes = {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}
    assert stat.S_IMODE((folder / "posters").stat().st_mode) == 0o700


@pytest.mark.fault("19-download")
def test_the_link_that_dies_first_is_fetched_first(simulate, tmp_path, monkeypatch):
    """F17, F19: once there is room again, downloads go by their links' end, whatever the order of the grid."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(12)]), client=simulator.client(), folder=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(downloads, "RESERVE", 10**18)
        with pytest.raises(GridgenError, match="disk is full"):
            sweep.run()
        while set(sweep.counts()) != {"downloading"}:
            with pytest.raises(GridgenError, match="disk is full"):
                sweep.run()
    simulator.requests.clear()
    sweep.run()
    ends = {row.task_id: row.expires_at for row in sweep.rows()}
    fetched = [seen.path for seen in simulator.requests if seen.path.startswith("/f/video")]
    order = [next(ends[task] for task in ends if task in path) for path in fetched]

    assert sweep.counts() == {"done": 12}
    assert len(order) == 12
    assert order == sorted(order)
    assert order != list(ends.values())


@pytest.mark.fault("17-download")
def test_a_dead_link_is_not_given_up_while_the_server_is_down(simulate, tmp_path):
    """F17: the question for a fresh link may fail; it is asked again, and the clip is not called expired."""
    dead = Fault(kind="reply", on="result", status=403, times=2)
    simulator = simulate(faults=[dead])
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path)

    class Down(httpx.AsyncBaseTransport):
        """Loses the first answer to a question after the first download was refused."""

        def __init__(self) -> None:
            self.inner, self.left = simulator.transport(), 2

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if simulator.faults.struck(dead) and request.url.path.startswith("/v1/tasks") and self.left:
                self.left -= 1
                msg = "connection reset"
                raise httpx.ReadError(msg)
            return await self.inner.handle_async_request(request)

    down = Down()
    sweep.client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=down))
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 1


@pytest.mark.security("S11")
def test_a_quota_stops_the_downloads_and_loses_nothing(simulate, tmp_path):
    """S11: the videos of a folder never take more than the quota; with more room the same sweep goes on."""
    simulator = simulate()
    grid = Grid(prompt=[f"boat {n}" for n in range(10)])
    probe = Sweep(grid[:1], client=simulator.client(), folder=tmp_path / "probe")
    probe.run()
    size = probe.rows()[0].bytes
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats", disk_quota=4 * size)
    with pytest.raises(
        GridgenError, match=rf"more than disk_quota={4 * size} bytes.*run\(\) downloads the rest"
    ):
        sweep.run()

    counts = sweep.counts()
    assert 0 < counts["done"] <= 5
    assert sum(path.stat().st_size for path in sweep.folder.glob("*.mp4*")) <= 4 * size
    wider = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats")
    wider.run()
    assert wider.counts() == {"done": 10}
    assert len(simulator.ledger) == 11


@pytest.mark.parametrize("quota", [0, -1, 1.5, "1 GB", True])
def test_a_quota_is_a_number_of_bytes(simulate, tmp_path, quota):
    """Anything else is refused on the line that was typed."""
    with pytest.raises(GridError, match="disk_quota="):
        Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path, disk_quota=quota)


ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from gridgen import Grid, GridgenError, Simulator, Sweep
from gridgen.client import download
disk, left, reserve = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
download.RESERVE = reserve
with Simulator(speed=float("inf"), clips="full") as simulator:
    sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(6)]), client=simulator.client(), folder=disk / "boats")
    def fill():
        facts = os.statvfs(disk)
        free = facts.f_bavail * facts.f_frsize
        (disk / "filler").write_bytes(bytes(max(0, free - left)))
    fill()
    try:
        sweep.run()
    except GridgenError as error:
        print(type(error).__name__, error)
    print(sum(sweep.counts().values()), sweep.counts().get("done", 0), len(simulator.ledger))
    print(sorted(set(sweep.counts()) - {"done"}))
    (disk / "filler").unlink()
    sweep.run()
    print(sweep.counts(), len(simulator.ledger), sum(seen.method == "POST" for seen in simulator.requests))
    print(sorted(path.name for path in sweep.folder.glob("*.part*")))
"""


def on_a_small_disk(tmp_path: Path, *, size: str, left: int, reserve: int) -> list[str]:
    """Run a sweep on a disk of its own, nearly filled, and return what was printed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = textwrap.dedent(ON_A_SMALL_DISK)
    inner = f'mount -t tmpfs -o size={size} tmpfs "$1" && exec "$2" -c "$3" "$1" {left} {reserve}'
    command = ["unshare", "-rm", "sh", "-c", inner, "sh", str(disk), sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip(f"no disk of one's own can be had here: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


small_disk = pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare (Linux)")


@pytest.mark.fault("19-poll", "19-download")
@small_disk
def test_a_disk_is_not_filled_to_the_brim(tmp_path):
    """F19: near the last 16 MB nothing is downloaded, the journal still has room, and all is made later."""
    said = on_a_small_disk(tmp_path, size="40m", left=16 * 2**20 + 300_000, reserve=16 * 2**20)

    assert said[0].startswith("GridgenError the disk is full in ")
    assert said[0].endswith("Nothing is lost: make room, then run() downloads the rest.")
    assert said[2] == "['downloading']"
    assert said[3:] == ["{'done': 6} 6 6", "[]"]


@pytest.mark.fault("19-submit", "19-poll", "19-download")
@small_disk
def test_a_disk_that_really_fills_up(tmp_path):
    """F19: ENOSPC in mid-write, for clips and journal alike: nothing is paid twice, nothing is lost."""
    said = on_a_small_disk(tmp_path, size="8m", left=900_000, reserve=0)

    assert "disk is full" in said[0] or "journal" in said[0]
    assert said[3].startswith("{'done': 6} 6 6")
    assert said[4] == "[]"


LIMITED = """
import resource, signal, sys
from gridgen import Grid, GridgenError, Simulator, Sweep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Simulator(speed=float("inf"), clips="full") as simulator:
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=sys.argv[1], previews=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        sweep.run()
    except GridgenError as error:
        print(error)
    print(sweep.counts(), len(simulator.ledger))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    sweep.run()
    print(sweep.counts(), len(simulator.ledger))
"""


@pytest.mark.fault("19-download")
def test_a_file_size_limit(tmp_path):
    """F19: where files may not grow beyond a limit, the system's own words are told; without it all goes on."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "boats")]
    said = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=True
    ).stdout.splitlines()

    assert os.strerror(errno.EFBIG) in said[0]
    assert said[1:] == ["{'downloading': 2} 2", "{'done': 2} 2"]


def test_the_client_checks_what_it_downloads(simulate, tmp_path):
    """`Client.download` keeps nothing of what is no video, and leaves no part behind."""
    junk = Fault(kind="reply", on="result", status=200, body=b"<html>" + b" " * 100, times=None)
    simulator = simulate(speed=10_000.0, faults=[junk])
    with simulator.client() as client:
        task = client.submit(Grid(prompt="boat")[0])
        while not (task := client.task(task.id)).status.finished:
            pass
        with pytest.raises(GridgenError):
            client.download(task, tmp_path / "boat.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.security("S7")
def test_no_download_without_a_public_host(tmp_path):
    """S7: a client of a public host fetches nothing from this machine."""
    client = Client("sk-test-x", "https://example.org")
    task = Task("task_1", Status.COMPLETED, videos=(Video("http://127.0.0.1:1/a.mp4"),))
    with pytest.raises(APIError, match="only https is"):
        client.download(task, tmp_path / "a.mp4")
