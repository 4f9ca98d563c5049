"""The layout of a grid before anything is spent: what is new, made and skipped, in text and in HTML."""

from __future__ import annotations

import html.parser

import pytest

import gridgen as gg
from gridgen import Grid, GridError, Sweep, template
from gridgen.grid.preview import state_of
from gridgen.states import State

EXT = "grok-imagine-1.5-video-ext"
KLING = "kling-v2-6"


def grid() -> Grid:
    """Six cells of eight."""
    return Grid(
        prompt=["a boat", "a fox"],
        model=EXT,
        size=["16:9", "9:16"],
        duration=[6, 10],
        exclude={"size": "9:16", "duration": 10, "reason": "too long for a phone"},
    )


PAGE = "apimart.ai's pricing page, as kept by apimart-66/ai-api-aggregator @c3b66bff, 2026-09-24"


def test_u4_the_first_preview_says_where_its_price_is_from_or_what_it_may_be():
    """Case U4: without a client a price is dated as in an estimate, and an unknown one has its family's beside it."""
    known, unknown = Grid(prompt="a", model="kling-v2-6").preview(), Grid(prompt=["a", "b"]).preview()
    like = "no price is known; like grok-imagine-1.5-video-apimart: $0.12, which is an estimate and no price"

    assert "; $0.18; " in repr(known)
    assert f"\nprice read from {PAGE}\n" in repr(known)
    assert "; price unknown; " in repr(unknown)
    assert f"\n{like}\n" in repr(unknown)
    assert f"{like}<" in unknown._repr_html_().replace("<span>$</span>", "$")
    assert "\nno price is known\n" in repr(Grid(prompt="a", model="sora-2").preview())


def test_u4_the_preview_of_a_sweep_says_the_same(simulate, tmp_path):
    """Case U4: with a client it is the server's own list, as in the sweep's estimate; nothing is said where nothing is new."""
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path)
    sweep.estimate()
    assert "\nprice read from the server's price list" in repr(sweep.preview())
    sweep.run()
    assert "price" not in repr(sweep.preview())


def test_the_layout_in_text():
    """G10: the layout with counts, price and reasons, without a key, a network or a notebook."""
    assert repr(grid().preview()) == (
        "Preview: 6 cells of 8: prompt 2 x size 2 x duration 2; 44 s of footage; $0.45; 38 s to 9 min\n"
        f"price read from {PAGE}\n"
        "all with grok-imagine-1.5-video-ext, 480p\n"
        "\n"
        "        16:9        9:16\n"
        "        6 s   10 s  6 s   10 s\n"
        "a boat  +     +     +     x1\n"
        "a fox   +     +     +     x1\n"
        "\n"
        "+ new 6  x skipped 2\n"
        "x1 too long for a phone (2)"
    )


def test_axes_go_where_they_are_wanted():
    """Rows and columns are chosen as for the gallery; what is left shares a box."""
    preview = grid().preview(rows=["size", "prompt"], cols="duration")

    assert (preview.rows, preview.cols) == (("size", "prompt"), ("duration",))
    assert "16:9 / a boat  +    +\n" in repr(preview)
    assert "9:16  +    x1" not in repr(grid().preview(rows="size", cols="duration"))
    assert "9:16  + +  x1 x1" in repr(grid().preview(rows="size", cols="duration"))
    with pytest.raises(GridError, match=r"rows='sise': 'sise' is not an axis \(did you mean 'size'\?\)"):
        grid().preview(rows="sise")


def test_the_layout_in_html():
    """G10: one table with nested headers, a tile for each place, and the reasons by number."""
    shown = grid()._repr_html_().replace("<span>$</span>", "$")

    assert shown.count("too long for a phone") == 3
    assert 'colspan="2"' in shown
    head = "6 cells of 8: prompt 2 × size 2 × duration 2; 44 s of footage; $0.45; 38 s to 9 min"  # noqa: RUF001 - the sign for times
    assert f"<strong>{head}</strong>" in shown
    assert shown.count("$0.061") == 2 * 4
    assert "<style" not in shown
    assert "<script" not in shown
    assert balanced(shown)


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong = False

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.wrong = self.wrong or not self.open or self.open.pop() != tag


def balanced(text: str) -> bool:
    """Whether every tag is closed in its turn."""
    tags = _Tags()
    tags.feed(text)
    return not tags.wrong and not tags.open


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "{{a}} & <b>"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text):
    """Prompts, labels, notes and reasons are escaped wherever they stand."""
    made = Grid(
        prompt=[text, "b"],
        size=[gg.value("16:9", label=f"{text}1", note=text), "9:16"],
        duration={text: 6, "x": 8},
        exclude={"prompt": "b", "duration": 8, "reason": text},
    )
    for shown in (made._repr_html_(), made.preview(rows="duration", cols=[])._repr_html_()):
        assert "<script" not in shown
        assert "<img" not in shown
        assert "<b>" not in shown
        assert balanced(shown)


def test_what_is_made_is_marked(simulate, tmp_path):
    """G10: in a sweep's folder the layout tells what is made already, what is new and what is skipped."""
    client = simulate().client()
    Sweep(grid()[:2], client=client, folder=tmp_path).run()
    preview = Sweep(grid(), client=client, folder=tmp_path, takes=2).preview(cols=["size", "duration"])

    assert preview.counts == {"new": 10, "made": 2, "skipped": 4}
    assert "a boat  = +   = +" in repr(preview)
    assert "$0.73" in repr(preview)
    assert preview._repr_html_().count("✓") == 2


def test_every_status_has_a_state():
    """What went wrong, or is held or under way, is never shown as new or made."""
    states = {status: state_of(status) for status in State}

    assert {status for status, state in states.items() if state == "new"} == {"planned", "held"}
    assert {status for status, state in states.items() if state == "made"} == {"done"}
    assert {status for status, state in states.items() if state == "skipped"} == {"skipped"}
    assert {states[status] for status in ("sending", "queued", "running", "stalled", "downloading")} == {
        "under way"
    }
    assert {states[status] for status in ("unknown", "failed", "rejected", "expired", "missing", "lost")} == {
        "in trouble"
    }


def test_an_unknown_price_is_never_nothing():
    """E1: what has no known price says so in the headline, alone and beside what has one."""
    assert "; price unknown" in repr(Grid(prompt="a").preview())
    both = Grid(prompt="a", model=[EXT, "grok-imagine-1.0-video-apimart"]).preview()
    assert "$0.061 and 1 of unknown price" in repr(both)
    assert (both.usd, both.unpriced) == (Grid(prompt="a", model=EXT)[0].price(), 1)


def test_a_huge_grid_is_shown_in_part():
    """A layout of a hundred thousand places draws the first thousand, and counts them all."""
    made = Grid(
        prompt=[f"p{n}" for n in range(2000)],
        model=EXT,
        duration=range(6, 11),
        quality=["480p", "720p"],
        size=["16:9", "9:16", "1:1", "3:2", "2:3"],
    )
    preview = made.preview()

    assert preview.counts == {"new": 100_000}
    assert len(preview.tiles) == 1000
    assert "the first 1,000 of 100,000 places are shown" in preview._repr_html_()
    assert preview.usd == sum(cell.price() for cell in made[:50]) * 2000
    assert len(preview._repr_html_()) < 1_000_000


def test_slots_are_laid_out_rather_than_prompts():
    """The slots of a template go to rows and columns; the prompt follows from them and is not said again."""
    made = Grid(prompt=template("a {animal} at {time}", animal=["fox", "hen"], time=["dawn", "noon"]))
    preview = made.preview()

    assert (preview.rows, preview.cols) == (("animal",), ("time",))
    assert "a fox at dawn" not in preview._repr_html_()


def test_many_reasons_are_summed_up():
    """Of more reasons than fit a legend the rest is counted."""
    made = Grid(
        prompt="a",
        duration=range(6, 31),
        exclude=[{"duration": each, "reason": f"not {each}"} for each in range(10, 31)],
    )

    assert "and 9 more reasons" in repr(made.preview())


def test_tiles_say_where_they_stand():
    """A form can read from a tile which cell it is, where it stands and in which state."""
    tiles = grid().preview().tiles

    assert [tile.index for tile in tiles] == list(range(8))
    assert (tiles[3].state, tiles[3].reason) == ("skipped", "too long for a phone")
    assert {axis.name: axis.values[at] for axis, at in zip(grid().axes, tiles[1].at, strict=True)}[
        "duration"
    ] == 10


def test_an_empty_grid_has_a_layout():
    """A grid of which nothing is left can be shown."""
    nothing = Grid(prompt="a") - Grid(prompt="a")

    assert repr(nothing) == "Grid(0 cells; 0 s of footage)"
    assert "0 cells" in nothing._repr_html_()
    assert nothing.df.columns[0] == "prompt"
    assert nothing.sample(0) == nothing.sample(method="pairwise") == nothing
    assert nothing + Grid(prompt="b") == Grid(prompt="b")
