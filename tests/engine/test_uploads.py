"""Pictures of one's own: each content goes to the server once, is journalled, and is never sent blindly again."""

from __future__ import annotations

import contextlib
import io
import json
import math
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image
from waiting import until

import gridgen
from gridgen import APIError, Grid, GridError, NetworkError, RateLimitError, Sweep
from gridgen.grid.images import PICTURES, recall
from gridgen.simulator import Fault

UPLOAD = "/v1/uploads/images"
EXT = "grok-imagine-1.5-video-ext"


def picture(colour: str = "red") -> bytes:
    """Return a PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


def uploads(simulator) -> int:
    """Count the uploads that were seen on the wire."""
    return sum(seen.path == UPLOAD for seen in simulator.requests)


def kept(folder) -> list[tuple]:
    """Return the journal's uploads: origin, link, error."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return connection.execute("SELECT origin, url, error FROM upload ORDER BY id").fetchall()


def bodies(folder) -> list[bytes]:
    """Return what the journal says was sent, in order."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return [
            body for (body,) in connection.execute("SELECT body FROM attempt WHERE tries > 0 ORDER BY id")
        ]


@pytest.fixture
def boat(tmp_path):
    """Return the path of a red picture."""
    path = tmp_path / "boat.png"
    path.write_bytes(picture())
    return path


def test_g14_one_upload_for_one_content(simulate, tmp_path, boat):
    """G14: the same picture under two names, in many cells, is uploaded once; what was sent is what is journalled."""
    other = tmp_path / "other-name.png"
    other.write_bytes(boat.read_bytes())
    simulator = simulate()
    grid = Grid(prompt=["a", "b", "c"], image_urls=[boat, [picture("blue"), other], None], duration=[6, 7])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats")

    sweep.run()

    assert sweep.counts() == {"done": 18}
    assert uploads(simulator) == 2
    assert len(simulator.ledger) == 18
    assert sorted(bodies(sweep.folder)) == sorted(entry.raw for entry in simulator.ledger)
    links = {link for entry in simulator.ledger for link in entry.body.get("image_urls", ())}
    assert len(links) == 2
    assert all(link.startswith(simulator.base_url) for link in links)
    assert b"sha256:" not in b"".join(bodies(sweep.folder))


def test_a_second_run_uploads_nothing(simulate, tmp_path, boat):
    """The link is remembered in the folder: another object, another cell, no other upload while it lives."""
    simulator = simulate()
    Sweep(Grid(prompt="a", image_urls=boat), client=simulator.client(), folder=tmp_path / "s").run()

    Sweep(Grid(prompt=["a", "b"], image_urls=boat), client=simulator.client(), folder=tmp_path / "s").run()

    assert (uploads(simulator), len(simulator.ledger)) == (1, 2)


def test_an_old_link_is_renewed(simulate, tmp_path, boat):
    """72 h after the upload the picture is sent once more, and the clip is made with the new link."""
    simulator = simulate()
    client = simulator.client()
    Sweep(Grid(prompt="a", image_urls=boat), client=client, folder=tmp_path / "s").run()
    later(simulator, 70 * 3600)

    Sweep(Grid(prompt=["a", "b"], image_urls=boat), client=client, folder=tmp_path / "s").run()

    assert uploads(simulator) == 2
    first, second = (entry.body["image_urls"] for entry in simulator.ledger)
    assert first != second
    assert Sweep(Grid(prompt=["a", "b"], image_urls=boat), client=client, folder=tmp_path / "s").counts() == {
        "done": 2
    }


def later(simulator, seconds: float) -> None:
    """Let simulated time pass."""
    import asyncio

    asyncio.run(simulator.clock.sleep(seconds))


def test_a_retry_after_three_days_names_a_living_link(simulate, tmp_path, boat):
    """A failed cell that is tried again when its link is dead gets a new one, as an attempt of its own."""
    simulator = simulate(faults=[Fault(kind="fail", on="submit")])
    sweep = Sweep(Grid(prompt="a", image_urls=boat), client=simulator.client(), folder=tmp_path / "s")
    sweep.run()
    assert sweep.counts() == {"failed": 1}
    later(simulator, 80 * 3600)

    assert sweep.retry() == 1
    sweep.wait()

    assert sweep.counts() == {"done": 1}
    assert uploads(simulator) == 2
    assert sorted(bodies(sweep.folder)) == sorted(entry.raw for entry in simulator.ledger)


LOST = [
    Fault(kind="reset", on="upload", when="after"),
    Fault(kind="close", on="upload", when="mid_reply", size=10),
    Fault(kind="reply", on="upload", when="after", status=502),
    Fault(kind="reply", on="upload", when="after", status=200, body={"success": True}),
]


@pytest.mark.conformance("C36")
@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault.kind}-{fault.status}")
def test_c36_a_lost_answer_is_not_repeated(simulate, tmp_path, boat, fault):
    """C36: an upload whose answer is lost goes out once; no clip is ordered; running again is the person's word."""
    simulator = simulate(faults=[fault])
    sweep = Sweep(Grid(prompt=["a", "b"], image_urls=boat), client=simulator.client(), folder=tmp_path / "s")

    with pytest.raises(
        NetworkError, match=r"'boat.png' was sent and the answer was lost.*run\(\) uploads it again"
    ):
        sweep.run()

    assert (uploads(simulator), len(simulator.ledger), sweep.counts()) == (1, 0, {"planned": 2})
    sweep.run()
    assert (uploads(simulator), len(simulator.ledger), sweep.counts()) == (2, 2, {"done": 2})
    assert [error is None for _, _, error in kept(sweep.folder)] == [False, True]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="reply", on="upload", status=429, headers={"retry-after": "3"}),
        Fault(kind="reset", on="upload", when="before_read"),
    ],
    ids=["429", "before-read"],
)
def test_what_provably_did_nothing(simulate, tmp_path, boat, fault):
    """A 429 waits and tries again by itself; a reset while the picture goes out proves nothing, and does not."""
    simulator = simulate(faults=[fault])
    sweep = Sweep(Grid(prompt="a", image_urls=boat), client=simulator.client(), folder=tmp_path / "s")

    if fault.kind == "reset":
        with pytest.raises(NetworkError):
            sweep.run()
        assert (uploads(simulator), len(simulator.ledger)) == (1, 0)
    else:
        sweep.run()
        assert (uploads(simulator), len(simulator.ledger)) == (2, 1)


def test_a_picture_that_the_server_refuses(simulate, tmp_path, boat):
    """A 400 is the cell's, with the server's reason; the other cells are made, and a retry asks again."""
    refusal = {"error": {"code": "invalid_image", "message": "too small", "type": "x", "param": ""}}
    simulator = simulate(faults=[Fault(kind="reply", on="upload", status=400, body=refusal)])
    grid = Grid(prompt=["a", "b"], image_urls=[boat, None])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "s")

    sweep.run()

    assert uploads(simulator) == 1
    assert [row.status for row in sweep.rows()] == ["rejected", "done"] * 2
    assert sweep.rows()[0].error == "the server refused a picture: HTTP 400: too small"
    assert len(simulator.ledger) == 2
    sweep.retry()
    sweep.wait()
    assert sweep.counts() == {"done": 4}
    assert (len(simulator.ledger), uploads(simulator)) == (4, 2)
    assert sorted(bodies(sweep.folder)) == sorted(entry.raw for entry in simulator.ledger)


def test_a_bad_key_stops_the_sweep(simulate, tmp_path, boat):
    """A refusal that holds for every cell is one error for the person, and nothing is ordered."""
    simulator = simulate(faults=[Fault(kind="reply", on="upload", status=402)])
    sweep = Sweep(Grid(prompt="a", image_urls=boat), client=simulator.client(), folder=tmp_path / "s")

    with pytest.raises(Exception, match="402"):
        sweep.run()

    assert (len(simulator.ledger), sweep.counts()) == (0, {"planned": 1})


def test_a_changed_file_is_an_error_before_anything_leaves(simulate, tmp_path, boat):
    """What the grid was built from is what is sent: start() says that the file is another one by now."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt="a", image_urls=boat), client=simulator.client(), folder=tmp_path / "s")
    boat.write_bytes(picture("blue"))

    with pytest.raises(GridError, match="was changed since the grid was built"):
        sweep.run()

    assert not [seen for seen in simulator.requests if seen.method == "POST"]


def test_the_folder_keeps_the_pictures(simulate, tmp_path, boat):
    """A copy lies in the folder, so that the sweep can be opened and extended without the original."""
    simulator = simulate()
    grid = Grid(prompt="a", image_urls=boat)
    Sweep(grid, client=simulator.client(), folder=tmp_path / "s").run()
    content = boat.read_bytes()
    boat.unlink()

    image = recall(grid[0].image_urls[0], tmp_path / "s")

    assert image.read() == content
    assert (image.content_type, image.size) == ("image/png", len(content))
    later(simulator, 80 * 3600)
    again = Grid(prompt=["a", "b"], image_urls=image)
    Sweep(again, client=simulator.client(), folder=tmp_path / "s").run()
    assert (uploads(simulator), len(simulator.ledger)) == (2, 2)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(picture("green"))])
def test_a_kept_picture_that_is_gone_or_changed_costs_its_own_rows(simulate, tmp_path, boat, spoil):
    """One bad item is one bad row: the cells with another picture are made, and those with this one say why not."""
    simulator = simulate()
    (tmp_path / "blue.png").write_bytes(picture("blue"))
    grid = Grid(prompt="a", image_urls=[[boat], [tmp_path / "blue.png"]])
    Sweep(grid, client=simulator.client(), folder=tmp_path / "s").run()
    images = [recall(cell.image_urls[0], tmp_path / "s") for cell in grid]
    boat.unlink()
    later(simulator, 80 * 3600)
    sweep = Sweep(
        Grid(prompt=["b", "c"], image_urls=[[image] for image in images]),
        client=simulator.client(),
        folder=tmp_path / "s",
    )
    spoil(tmp_path / "s" / PICTURES / images[0].file_name)

    sweep.run()

    assert [row.status for row in sweep.rows()] == ["rejected", "done"] * 2
    assert "Nothing of it was sent" in sweep.rows()[0].error
    assert len(simulator.ledger) == 2 + 2
    reopened = gridgen.open(sweep.folder, client=simulator.client())
    reopened.run()
    assert reopened.counts() == {"done": 2, "rejected": 2}


def test_pictures_of_one_origin_do_not_serve_another(simulate, tmp_path, boat):
    """A link of one server is never sent to another."""
    grid = Grid(prompt="a", image_urls=boat)
    first, second = simulate(), simulate(seed=1)
    Sweep(grid, client=first.client(), folder=tmp_path / "s").run()

    with contextlib.closing(sqlite3.connect(tmp_path / "s" / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE upload SET origin = 'apimart'")
    Sweep(Grid(prompt="b", image_urls=boat), client=second.client(), folder=tmp_path / "s").run()

    assert uploads(second) == 1


@pytest.mark.parametrize("speed", [math.inf, 2000.0], ids=["in-process", "socket"])
def test_the_first_frame_is_a_picture_too(simulate, tmp_path, boat, speed):
    """A model whose field is one URL gets one: the picture under its own wire name, over a real socket as well."""
    simulator = simulate(speed=speed)
    grid = Grid(prompt="a", image_urls=boat, model="kling-3.0-turbo")

    Sweep(grid, client=simulator.client(), folder=tmp_path / "s").run()

    assert uploads(simulator) == 1
    [entry] = simulator.ledger
    assert entry.body["first_frame_image"].startswith(simulator.base_url)
    assert entry.cost > Decimal(0)
    assert json.loads(bodies(tmp_path / "s")[0]) == entry.body


def test_pictures_in_other_fields_are_uploaded_too(simulate, tmp_path, boat):
    """Images with roles and a first frame go to the server like any other, each content once, and outlive a reopening."""
    simulator = simulate()
    roles = [[{"url": boat, "role": "first_frame"}, {"url": picture("blue"), "role": "last_frame"}]]
    grid = Grid(prompt=["a", "b"], model="seedance-2.0", image_with_roles=roles)
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "s")
    assert sweep.estimate().uploads == 2

    sweep.run()

    assert sweep.counts() == {"done": 2}
    assert uploads(simulator) == 2
    assert b"sha256:" not in b"".join(bodies(sweep.folder))
    again = gridgen.open(tmp_path / "s", client=simulator.client())
    assert again.counts() == {"done": 2}
    assert again.estimate().uploads == 0


def test_a_client_uploads_by_itself(simulate, boat):
    """C36: upload() gives the link, once per content while it lives; a URL stays one; submit() takes a cell with pictures."""
    simulator = simulate()
    client = simulator.client()

    link = client.upload(boat)

    assert link == client.upload(boat.read_bytes())
    assert client.upload("https://e.org/a.png") == "https://e.org/a.png"
    assert uploads(simulator) == 1
    client.submit(Grid(prompt="a", image_urls=boat)[0])
    assert simulator.ledger[0].body["image_urls"] == [link]
    later(simulator, 70 * 3600)
    assert client.upload(boat) != link
    with pytest.raises(GridError, match="no JPEG, PNG, WebP or GIF"):
        client.upload(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    assert uploads(simulator) == 2


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault(kind="close", on="upload", when="after"), NetworkError, "the same call uploads it again"),
        (Fault(kind="reply", on="upload", status=413), APIError, "413"),
        (Fault(kind="reply", on="upload", status=429), RateLimitError, "429"),
    ],
    ids=["lost", "413", "429"],
)
def test_c36_a_client_repeats_no_upload(simulate, boat, fault, error, said):
    """C36: one POST whatever the answer; the error says what became of it, and no clip is ordered."""
    simulator = simulate(faults=[fault])

    with pytest.raises(error, match=said):
        simulator.client().submit(Grid(prompt="a", image_urls=boat)[0])

    assert (uploads(simulator), len(simulator.ledger)) == (1, 0)


def test_a_running_sweep_says_how_many_pictures_it_sends(simulate, tmp_path, boat):
    """While pictures are on their way the sweep says how many; afterwards no more."""
    slow = Fault(kind="slow", on="upload", seconds=300.0, times=None)
    simulator = simulate(speed=600.0, faults=[slow])
    grid = Grid(prompt=["a", "b"], image_urls=[[boat], [boat, picture("blue")]])
    sweep = Sweep(grid, client=simulator.client(timeout=600), folder=tmp_path / "s")

    sweep.start()
    until(lambda: any("uploads: 2 pictures to send, once each" in each for each in sweep.waits_for))
    sweep.wait()

    assert sweep.waits_for == ()
    assert uploads(simulator) == 2
    assert sweep.counts() == {"done": 4}
