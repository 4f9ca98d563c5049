"""What a task brings is had: every link, every video, its last frame; and where it cannot be had, that is said."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from gridgen import Grid, GridgenError, JournalError, Sweep, unpack
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OLD = Path(__file__).with_name("journal-1.sql")


class Altered(httpx.AsyncBaseTransport):
    """A simulator whose task replies and files a test changes.

    Parameters
    ----------
    inner : transport of the simulator
    result : callable
        Takes the true link of a completed task and returns its ``result``.
    files : mapping of str to callable
        What answers for paths that end so.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        result: Callable[[str], object] | None = None,
        files: Mapping[str, Callable[[], httpx.Response]] | None = None,
    ) -> None:
        self.inner, self.result, self.files = inner, result, files or {}
        self.asked: list[str] = []
        self.posts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the simulator, but for what is changed."""
        path = request.url.path
        self.posts += request.method == "POST"
        for end, make in self.files.items():
            if path.endswith(end):
                self.asked.append(path)
                return make()
        if path.startswith("/f/"):
            self.asked.append(path)
        response = await self.inner.handle_async_request(request)
        if self.result is None or not path.startswith("/v1/tasks/"):
            return response
        told = json.loads(await response.aread())
        data = told.get("data", {})
        if data.get("result"):
            url = data["result"]["videos"][0]["url"]
            data["result"] = self.result(url[0] if isinstance(url, list) else url)
        return httpx.Response(response.status_code, json=told)


def altered(simulator, **options) -> tuple[Altered, object]:
    """Return a changed simulator and a client of it."""
    transport = Altered(simulator.transport(), **options)
    return transport, simulator.client(http_client=lambda: httpx.AsyncClient(transport=transport))


def picture() -> bytes:
    """Return a small PNG."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 60)).save(out, "PNG")
    return out.getvalue()


def video(container: str, codec: str, frames: int = 8) -> bytes:
    """Return a small clip."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as opened:
        stream = opened.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for at in range(frames):
            shade = np.full((48, 64, 3), 7 * at, np.uint8)
            opened.mux(stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        opened.mux(stream.encode())
    return out.getvalue()


def aside(url: str, name: str) -> str:
    """Return a link beside another one."""
    return url.rpartition("/")[0] + "/" + name


REFUSALS = {
    "401": Fault(kind="reply", on="result", status=401, times=None),
    "403": Fault(kind="reply", on="result", status=403, times=None),
    "400": Fault(kind="reply", on="result", status=400, times=None),
    "page": Fault(kind="reply", on="result", status=200, body="<html>sign in, please</html>", times=None),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_results_that_cannot_be_had_stop_the_paying(simulate, tmp_path, case):
    """Case F1: of 60 cells a few are paid; the reason is told by what is waited for, the rows and the error."""
    simulator = simulate(faults=[REFUSALS[case]])
    sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(60)]), client=simulator.client(), folder=tmp_path)
    with pytest.raises(GridgenError, match="in a row could not be had though paid"):
        sweep.run()

    assert 5 <= len(simulator.ledger) <= 25
    paid = [row for row in sweep.rows() if row.task_id]
    assert len(paid) == len(simulator.ledger)
    reason = "not an MP4 or WebM video" if case == "page" else case
    assert all(row.error_class in {"download", "expired"} for row in paid)
    assert sum(reason in row.error for row in paid) >= 5
    assert "could not be had" in "".join(sweep.waits_for)

    simulator.faults.clear()
    sweep.run()
    assert sweep.counts() == {"done": 60}
    assert len(simulator.ledger) == 60


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_clip_that_money_is_found_for_after_the_brake_is_told_of_too(simulate, tmp_path):
    """Case F1: when the last result was given up it waited for money; it is not waited for when there is some."""
    inside = {"result": {"videos": [{"url": ["https://10.0.0.1/a.mp4"], "expires_at": 2_000_000_000}]}}
    failed = {"status": "failed", "cost": 0, "error": {"message": "no"}}
    faults = [
        *(
            Fault(kind="patch", on="status", match=f"boat {n}", patch={"data": inside}, times=None)
            for n in range(1, 6)
        ),
        Fault(kind="reply", on="prices", status=500, times=None),
        Fault(kind="delay", on="submit", match="boat 6", seconds=900),
        Fault(
            kind="patch",
            on="status",
            match="boat 6",
            patch={"data": failed},
            during=(400, math.inf),
            times=None,
        ),
    ]
    simulator = simulate(faults=faults)
    grid = Grid(prompt=[f"boat {n}" for n in range(8)])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, budget="0.43", previews=False)
    sweep.start()
    with pytest.raises(GridgenError, match="5 clips in a row could not be had though paid"):
        sweep.wait(5)

    assert sweep.counts() == {"planned": 1, "done": 1, "failed": 1, "missing": 5}
    assert len(simulator.ledger) == 7


def test_a_row_says_why_it_waits_after_its_first_failure(simulate, tmp_path):
    """Case F1: the reason is in the row while the next try is still to come, and gone when the clip is there."""
    seen = []

    def answer() -> httpx.Response:
        (row,) = sweep.rows()
        seen.append((row.status, row.error_class, row.error))
        return httpx.Response(502) if len(seen) < 3 else httpx.Response(200, content=video("mp4", "libx264"))

    _, client = altered(
        simulate(),
        result=lambda url: {"videos": [{"url": aside(url, "slow.mp4")}]},
        files={"slow.mp4": answer},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    assert seen == [
        ("downloading", None, None),
        *[("downloading", "download", "HTTP 502: no reason given")] * 2,
    ]
    assert [(row.status, row.error) for row in sweep.rows()] == [("done", None)]


def test_a_way_that_opens_again_goes_on_by_itself(simulate, tmp_path):
    """Case F1: while results fail nothing more is paid, and a good one lets the rest go on."""
    simulator, waits, paid = simulate(), [], []

    def answer() -> httpx.Response:
        waits.extend(sweep.waits_for)
        paid.append(len(simulator.ledger))
        bad = len(paid) < 40
        return httpx.Response(503) if bad else httpx.Response(200, content=video("mp4", "libx264"))

    _, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": aside(url, "slow.mp4")}]},
        files={"slow.mp4": answer},
    )
    sweep = Sweep(
        Grid(prompt=[f"boat {n}" for n in range(60)]), client=client, folder=tmp_path, previews=False
    )
    sweep.run()

    assert sweep.counts() == {"done": 60}
    assert any(
        "clips in a row could not be had (HTTP 503: no reason given); no more are paid" in each
        for each in waits
    )
    assert paid[38] <= 25


def test_clips_that_were_left_too_long_stop_no_others(simulate, tmp_path):
    """Links of which no end was told and that are dead after a day say nothing of the clips that are made now."""
    simulator, earlier, alive = simulate(rate=0.1, burst=1), set(), [True]

    def link(url: str) -> dict[str, object]:
        if alive[0]:
            earlier.add(url)
        return {"videos": [{"url": aside(url, "left.mp4" if url in earlier else "new.mp4")}]}

    clip = video("mp4", "libx264")
    _, client = altered(
        simulator,
        result=link,
        files={
            "left.mp4": lambda: httpx.Response(200 if alive[0] else 403, content=clip),
            "new.mp4": lambda: httpx.Response(200, content=clip),
        },
    )
    prompts = [f"boat {n}" for n in range(20)]
    left = Sweep(Grid(prompt=prompts[:8]), client=client, folder=tmp_path, previews=False)
    left.run()
    for row in left.rows():
        (tmp_path / row.path).unlink()
    asyncio.run(simulator.clock.sleep(90_000))
    alive[0] = False
    more = Sweep(Grid(prompt=prompts), client=client, folder=tmp_path, previews=False)
    more.run()

    assert more.counts() == {"expired": 8, "done": 12}


def test_a_host_that_leads_inside_stops_at_the_first(simulate, tmp_path, monkeypatch):
    """Case F2: where the results' host leads inside here, the first clip says so, and few are paid."""
    from gridgen.client import links

    async def looked_up(host, _port):
        raise links.InsideError(links._why_inside(host, links.ipaddress.ip_address("fc00::1f")))

    monkeypatch.setattr(links, "_looked_up", looked_up)
    simulator = simulate()
    _, client = altered(simulator, result=lambda _url: {"videos": [{"url": "https://cdn.example.org/a.mp4"}]})
    sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(60)]), client=client, folder=tmp_path)
    with pytest.raises(GridgenError, match=r"fc00::/7.*HTTPS_PROXY"):
        sweep.run()

    assert len(simulator.ledger) <= 25
    assert "fc00::/7" in "".join(sweep.waits_for)


def test_all_videos_of_a_task_are_kept(simulate, tmp_path):
    """Case F3: four videos are four files; the further ones stand in the table, and come back when they are lost."""
    simulator = simulate()
    transport, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": [f"{url}?x={at}"]} for at in range(4)]},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    assert len(list(tmp_path.glob("boat*.mp4"))) == 4
    (row,) = sweep.rows()
    files = [row.path, *row.further.split()]
    assert len(files) == 4
    assert sweep.df["further"][0] == row.further
    assert len({(tmp_path / name).read_bytes() for name in files}) == 1
    assert all(name.startswith(row.path.removesuffix(".mp4")) for name in files)
    (tmp_path / files[2]).unlink()
    transport.asked.clear()
    sweep.run()
    assert (tmp_path / files[2]).is_file()
    assert len([path for path in transport.asked if "/f/" in path]) == 1


def test_a_bundle_carries_all_that_a_task_brought(simulate, tmp_path):
    """Case F3: further videos and the picture of the end go along, and are there where the bundle is unpacked."""
    simulator = simulate()
    frame = io.BytesIO()
    Image.new("RGB", (400, 400)).save(frame, "PNG")
    _, client = altered(
        simulator,
        result=lambda url: {
            "videos": [{"url": [f"{url}?x={at}"]} for at in range(2)],
            "last_frame_url": aside(url, "end.png"),
        },
        files={"end.png": lambda: httpx.Response(200, content=frame.getvalue())},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path / "boats")
    sweep.run()
    (row,) = unpack(sweep.to_zip(tmp_path / "boats.zip"), tmp_path / "there").rows()

    assert len(list((tmp_path / "there").glob("boat*.mp4"))) == 2
    for name in (row.further, row.last_frame):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "boats" / name).read_bytes()


def test_a_further_video_that_is_dead_is_said(simulate, tmp_path):
    """Case F3: what cannot be had of further videos is told in the row with its link, and the clip is done."""
    simulator = simulate()
    transport, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": url}, {"url": aside(url, "second.mp4?secret=1")}]},
        files={"second.mp4": lambda: httpx.Response(410)},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    (row,) = sweep.rows()
    assert row.status == "done"
    assert "1 further result of its task is not" in str(row.error)
    assert "secret" not in row.error
    assert row.further.endswith("/second.mp4")
    transport.files = {"second.mp4": lambda: httpx.Response(200, content=video("mp4", "libx264"))}
    sweep.run()
    (row,) = sweep.rows()
    assert (tmp_path / row.further).is_file()
    assert row.error is None
    assert transport.posts == 1


@pytest.mark.parametrize("first", [403, 404, 410, 500, 401])
def test_the_second_link_is_tried_before_expired(simulate, tmp_path, first):
    """Case F4: of two links of a video the first is dead; the second one brings it at once."""
    simulator = simulate()
    transport, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": [aside(url, "dead.mp4"), url]}]},
        files={"dead.mp4": lambda: httpx.Response(first)},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert len(transport.asked) == 2
    assert not list(tmp_path.glob("*.part*"))


def test_two_dead_links_are_expired(simulate, tmp_path):
    """Case F4: only when all links are dead is a clip expired."""
    simulator = simulate()
    transport, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": [aside(url, "dead.mp4"), aside(url, "gone.mp4")]}]},
        files={"dead.mp4": lambda: httpx.Response(404), "gone.mp4": lambda: httpx.Response(410)},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"expired": 1}
    assert {path.rpartition("/")[2] for path in transport.asked} == {"dead.mp4", "gone.mp4"}


def test_what_fails_its_check_is_kept(simulate, tmp_path):
    """Case F5: the only copy of something paid is not thrown away, whatever is wrong with it; the row says where."""
    damaged = video("mp4", "libx264", 30)[:-400]
    simulator = simulate()
    transport, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": aside(url, "bad.mp4")}]},
        files={"bad.mp4": lambda: httpx.Response(200, content=damaged)},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    (row,) = sweep.rows()
    assert row.status == "missing"
    (kept,) = tmp_path.glob("*.kept")
    assert kept.name in row.error
    assert kept.read_bytes() == damaged
    transport.files = {"bad.mp4": lambda: httpx.Response(200, content=video("mp4", "libx264"))}
    sweep.run()
    assert sweep.counts() == {"done": 1}
    assert not list(tmp_path.glob("*.kept"))
    assert transport.posts == 1


@pytest.mark.parametrize(("container", "codec"), [("webm", "libvpx"), ("matroska", "libx264")])
def test_a_file_is_named_by_what_it_is(simulate, tmp_path, container, codec):
    """Case F9: WebM and Matroska get their own names, posters and previews, and stay when the sweep runs again."""
    simulator = simulate()
    transport, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": aside(url, "odd.mp4")}]},
        files={"odd.mp4": lambda: httpx.Response(200, content=video(container, codec))},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path / "boats")
    sweep.run()

    (row,) = sweep.rows()
    assert row.path.endswith({"webm": ".webm", "matroska": ".mkv"}[container])
    assert (sweep.folder / row.path).is_file()
    assert (sweep.folder / row.poster).is_file()
    assert row.preview.endswith(".mp4")
    assert not list(sweep.folder.glob("*.part*"))
    transport.asked.clear()
    sweep.run()
    assert not transport.asked
    bundle = sweep.to_zip(tmp_path / "boats.zip")
    assert bundle.clips == 1


@pytest.mark.parametrize("where", ["video", "result"])
def test_the_last_frame_is_fetched_beside_the_clip(simulate, tmp_path, where):
    """Case T8: ``last_frame_url`` becomes a file, a column, and the next grid's image."""
    simulator = simulate()

    def result(url: str) -> object:
        frame = {"last_frame_url": aside(url, "last.png")}
        return {
            "videos": [{"url": url, **(frame if where == "video" else {})}],
            **(frame if where == "result" else {}),
        }

    transport, client = altered(
        simulator, result=result, files={"last.png": lambda: httpx.Response(200, content=picture())}
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path / "boats")
    sweep.run()

    (row,) = sweep.rows()
    assert row.last_frame == row.path.replace(".mp4", ".last.png")
    assert (sweep.folder / row.last_frame).read_bytes() == picture()
    assert sweep.df["last_frame"][0] == row.last_frame
    assert row.further is None
    grid = Grid(
        prompt="boat", model="grok-imagine-1.5-video-apimart", image_urls=[[sweep.folder / row.last_frame]]
    )
    assert len(grid) == 1
    sweep.run()
    assert transport.posts == 1


@pytest.mark.parametrize("content", [b"<html>", b"", b"\x89PNG\r\n\x1a\n" + b"0" * 10])
def test_a_last_frame_that_is_no_picture_is_said(simulate, tmp_path, content):
    """Case T8: what is no picture is not kept as one; the clip is done all the same."""
    simulator = simulate()
    _, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": url, "last_frame_url": aside(url, "last.png")}]},
        files={"last.png": lambda: httpx.Response(200, content=content)},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()

    (row,) = sweep.rows()
    assert (row.status, row.last_frame) == ("done", None)
    assert "last.png" in row.error
    assert not list(tmp_path.glob("*.last.*"))


def test_a_deleted_folder_is_said_and_made_anew(simulate, tmp_path, caplog):
    """Case F10: deleting the folder in mid-run is a JournalError that says so, and run() brings all back."""
    import shutil

    simulator = simulate()
    sweep = Sweep(
        Grid(prompt=[f"boat {n}" for n in range(30)]), client=simulator.client(), folder=tmp_path / "boats"
    )
    deleted = []

    def watch(_rows) -> None:
        if not deleted and sweep.counts().get("done", 0) >= 3:
            deleted.append(shutil.rmtree(sweep.folder))

    sweep.watch(watch)
    with pytest.raises(JournalError, match="deleted or moved while it was in use"):
        sweep.run()
    assert deleted
    sweep.run()
    assert sweep.counts() == {"done": 30}
    assert "never retrieved" not in caplog.text


def exchanged(path: Path) -> None:
    """Put other bytes of the same size into a file."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)


SPOILING = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "exchanged": exchanged,
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("how", SPOILING)
def test_a_clip_that_is_another_one_is_fetched_again(simulate, tmp_path, how):
    """Case A11: done means verified: size at the start, the hash where the file was written since."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    row = sweep.rows()[0]
    good = (tmp_path / row.path).read_bytes()
    SPOILING[how](tmp_path / row.path)
    sweep.run()

    assert sweep.counts() == {"done": 2}
    found = [path for path in tmp_path.glob("*.mp4") if path.is_file() and path.read_bytes() == good]
    assert tmp_path / sweep.rows()[0].path in found
    assert len(simulator.ledger) == 2


def test_a_clip_that_was_only_touched_stays(simulate, tmp_path):
    """Case A11: a copied folder has other times; the hash is asked once, and nothing is fetched."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    for row in sweep.rows():
        os.utime(tmp_path / row.path, (1e9, 1e9))
    simulator.requests.clear()
    sweep.run()

    assert [seen.path for seen in simulator.requests if seen.path.startswith("/f/")] == []
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        times = {mtime for (mtime,) in connection.execute("SELECT mtime FROM attempt")}
    assert times == {10**18}


def test_a_folder_of_the_version_before_goes_on(simulate, tmp_path):
    """Folders of schema 4 open and rerun without a submission or a download."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection, connection:
        for name in ("last_frame", "further", "mtime"):
            connection.execute(f"ALTER TABLE attempt DROP COLUMN {name}")
        connection.execute("UPDATE meta SET value = '4' WHERE name = 'schema'")
    simulator.requests.clear()
    again = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    assert again.counts() == {"done": 2}
    again.run()

    assert again.counts() == {"done": 2}
    assert not any(seen.method == "POST" or seen.path.startswith("/f/") for seen in simulator.requests)


def test_no_file_of_another_is_replaced_by_a_further_result(simulate, tmp_path):
    """Case F3: where a file has the name of a further result already, that one gets another name."""
    simulator = simulate()
    _, client = altered(
        simulator,
        result=lambda url: {"videos": [{"url": url, "last_frame_url": aside(url, "last.png")}]},
        files={"last.png": lambda: httpx.Response(200, content=picture())},
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    taken = tmp_path / f"boat_16x9_6s_{sweep.grid[0].key[:8]}-1.last.png"
    taken.write_bytes(b"a person's own")
    sweep.run()

    assert taken.read_bytes() == b"a person's own"
    assert (tmp_path / sweep.rows()[0].last_frame).read_bytes() == picture()
