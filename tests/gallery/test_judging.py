"""The Python side of judging in the wall: what messages may do, and that what is clicked is Python state."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_sweep import FakeSweep
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from outbox import Outbox
from waiting import until

from gridgen import GridError, Sweep
from gridgen.gallery import Gallery
from gridgen.gallery.static import static_form
from gridgen.grid import Grid
from gridgen.judgements.opinion import NO_OPINION
from gridgen.sweep.internals import Internals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gridgen import Simulator


@pytest.fixture
def wall(sweep: FakeSweep) -> Iterator[tuple[FakeSweep, Gallery, Outbox]]:
    """Four clips, their gallery, and what it sends."""
    gallery = Gallery(sweep, reviewer="anna")
    yield sweep, gallery, Outbox(gallery.wall)
    gallery.close()


@pytest.fixture
def real(simulate: Callable[..., Simulator], tmp_path: Path) -> Sweep:
    """Four finished clips of a real sweep."""
    grid = Grid(prompt=["a paper boat", "a red fox"], size=["16:9", "9:16"])
    made = Sweep(grid, client=simulate().client(), folder=tmp_path / "boats", previews=False)
    made.run()
    return made


def test_the_stand_in_has_the_face_of_a_sweep(sweep, real):
    """What these tests show in place of a sweep has no name and no parameter that a real one lacks."""
    own = {"change", "finish", "finish_like", "fps", "stopped", "watchers"}
    taken = {name for name in (*dir(FakeSweep), *vars(sweep)) if not name.startswith("_")} - own
    verbs = [name for name in taken if inspect.isroutine(getattr(FakeSweep, name, None))]

    assert sorted(name for name in taken if not (hasattr(real, name) or hasattr(real.internals, name))) == []
    assert {"rows", "watch", "slot", "rejudge", "stop"} <= set(verbs)
    assert [list(inspect.signature(getattr(FakeSweep, name)).parameters) for name in verbs] == [
        list(inspect.signature(getattr(Sweep if hasattr(Sweep, name) else Internals, name)).parameters)
        for name in verbs
    ]


def test_a_click_is_a_judgement_and_the_answer_says_what_counts(
    wall: tuple[FakeSweep, Gallery, Outbox],
) -> None:
    """Part by part, under the gallery's reviewer; undo restores and says of which clip; each says which changes are older."""
    sweep, gallery, outbox = wall
    slot = sweep.internals.slot(sweep.rows()[2])
    content, _ = outbox.ask(kind="judge", request=1, id=2, said={"stars": 4})
    assert content == {
        "request": 1,
        "id": 2,
        "said": {"stars": 4, "pick": None, "tags": [], "note": ""},
        "seq": gallery.wall.feed.snapshot()["seq"],
    }
    outbox.ask(kind="judge", request=2, id=2, said={"pick": True, "tags": ["a", "b"], "note": "x"})
    opinion = sweep.internals.judgements.book.of(slot, "anna")
    assert (opinion.stars, opinion.pick, opinion.tags, opinion.note) == (4, True, ("a", "b"), "x")
    content, _ = outbox.ask(kind="undo", request=3)
    assert content["said"] == {"stars": 4, "pick": None, "tags": [], "note": ""}
    outbox.ask(kind="undo", request=4)
    content, _ = outbox.ask(kind="undo", request=5)
    assert content == {"request": 5}
    assert sweep.internals.judgements.book.of(slot, "anna") == NO_OPINION


def test_the_browser_hears_of_what_is_said_elsewhere(wall: tuple[FakeSweep, Gallery, Outbox]) -> None:
    """A word of another reviewer arrives as a change of the clip: theirs as the average, one's own as said."""
    sweep, gallery, outbox = wall
    slot = sweep.internals.slot(sweep.rows()[1])
    for reviewer, stars in (("ben", 2), ("anna", 5)):
        sweep.internals.rejudge(sweep.internals.judgements.judge([slot], reviewer, stars=stars))
    until(lambda: [c for c, _ in outbox.sent if c.get("kind") == "delta"])
    until(lambda: gallery.wall.feed.snapshot()["tiles"][1]["rating"] == 3.5)
    tile = gallery.wall.feed.snapshot()["tiles"][1]
    assert (tile["rating"], tile["said"]["stars"]) == (3.5, 5)


MADE_UP: list[dict[str, Any]] = [
    {"kind": "judge"},
    {"kind": "judge", "id": 0},
    {"kind": "judge", "id": 0, "said": {}},
    {"kind": "judge", "id": 0, "said": {"stars": 6}},
    {"kind": "judge", "id": 0, "said": {"stars": True}},
    {"kind": "judge", "id": 0, "said": {"stars": "5"}},
    {"kind": "judge", "id": 0, "said": {"stars": 4.0}},
    {"kind": "judge", "id": 0, "said": {"pick": 1}},
    {"kind": "judge", "id": 0, "said": {"tags": [["a"]]}},
    {"kind": "judge", "id": 0, "said": {"tags": {"a": 1}}},
    {"kind": "judge", "id": 0, "said": {"note": "x" * 2001}},
    {"kind": "judge", "id": 0, "said": {"note": "a\0b"}},
    {"kind": "judge", "id": 0, "said": {"note": "\ud800"}},
    {"kind": "judge", "id": 0, "said": {"stars": 5, "reviewer": "ben"}},
    {"kind": "judge", "id": 0, "said": {"__class__": "x"}},
    {"kind": "judge", "id": 0, "said": [["stars", 5]]},
    {"kind": "judge", "id": 0, "said": "stars=5"},
    {"kind": "judge", "id": 99, "said": {"stars": 5}},
    {"kind": "judge", "id": -1, "said": {"stars": 5}},
    {"kind": "judge", "id": True, "said": {"stars": 5}},
    {"kind": "judge", "id": 0.0, "said": {"stars": 5}},
    {"kind": "judge", "id": "0", "said": {"stars": 5}},
    {"kind": "judge", "id": [0], "said": {"stars": 5}},
    {"kind": "judge", "id": 0, "said": {"stars": 5}, "reviewer": "ben"},
    {"kind": "judge", "id": 0, "said": {"stars": 5}, "path": "/etc/passwd"},
    {"kind": "undo", "id": 0},
    {"kind": "choose", "left": 0, "right": 1},
    {"kind": "choose", "left": 0, "right": 0, "outcome": "left"},
    {"kind": "choose", "left": 0, "right": 1, "outcome": "both"},
    {"kind": "choose", "left": 0, "right": 99, "outcome": "left"},
    {"kind": "choose", "left": 0, "right": 1, "outcome": ["left"]},
    {"kind": "choose", "left": False, "right": 1, "outcome": "left"},
    {"kind": "unchoose", "all": True},
    {"kind": "select"},
    {"kind": "select", "ids": "0"},
    {"kind": "select", "ids": [0, 99]},
    {"kind": "select", "ids": [True]},
    {"kind": "select", "ids": [[0]]},
    {"kind": "select", "ids": [0] * 1000},
    {"kind": "judgement", "id": 0, "said": {"stars": 5}},
    {"kind": ["judge"], "id": 0, "said": {"stars": 5}},
    {"kind": "export", "path": "/tmp/x"},
    {"kind": "eval", "code": "1"},
]


@pytest.mark.parametrize("message", MADE_UP, ids=lambda message: json.dumps(message)[:60])
def test_a_made_up_message_changes_nothing(
    wall: tuple[FakeSweep, Gallery, Outbox], message: dict[str, Any]
) -> None:
    """Whatever is not exactly what the wall sends gets a reason, and neither judges nor selects nor chooses."""
    sweep, gallery, outbox = wall
    content, buffers = outbox.ask(**message, request=7)
    assert (content["request"], set(content), buffers) == (7, {"request", "error"}, [])
    assert "gridgen failed here" not in content["error"]
    assert not sweep.internals.judgements.path.exists()
    assert gallery.wall.judge.selected == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeSweep, Outbox]:
    """A gallery that many made-up messages are sent to."""
    sweep = FakeSweep(Grid(prompt=["a", "b"]), tmp_path_factory.mktemp("x") / "boats")
    return sweep, Outbox(Gallery(sweep, reviewer="anna").wall)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["judge", "undo", "choose", "unchoose", "select", "view", "media"])},
        optional=dict.fromkeys(("id", "said", "left", "right", "outcome", "ids", "view"), JSON),
    )
)
def test_no_message_breaks_anything(lasting: tuple[FakeSweep, Outbox], message: dict[str, Any]) -> None:
    """Any JSON in any field is answered or refused by name; nothing inside fails, and nothing wrong is kept."""
    sweep, outbox = lasting
    content, _ = outbox.ask(**message, request=1)
    assert "gridgen failed here" not in content.get("error", "")
    assert all(
        entry.reviewer == "anna" and entry.opinion.stars in {None, 0, 1, 2, 3, 4, 5}
        for entry in sweep.internals.judgements.book.judgements
    )


def test_picks_and_selection_are_tables(real: Sweep) -> None:
    """What a person clicks are rows of the sweep's table: this reviewer's picks, and what is selected, in grid order."""
    gallery = real.gallery(reviewer="anna")
    outbox = Outbox(gallery.wall)
    outbox.ask(kind="judge", request=1, id=3, said={"pick": True, "stars": 5})
    outbox.ask(kind="judge", request=2, id=0, said={"pick": True})
    outbox.ask(kind="judge", request=3, id=1, said={"pick": False})
    real.ratings.rate(2, pick=True, reviewer="ben")
    outbox.ask(kind="select", request=4, ids=[2, 0])

    assert gallery.picks.index.tolist() == [0, 3]
    assert gallery.picks.loc[3, "rating"] == 5
    assert gallery.selection.index.tolist() == [0, 2]
    assert gallery.selection.columns.tolist() == real.df.columns.tolist()
    assert real.df.query("pick").index.tolist() == [0, 2, 3]
    real.ratings.rate(gallery.selection, tags="chosen", reviewer="anna")
    assert real.df["tags"].dropna().index.tolist() == [0, 2]
    gallery.close()


def test_a_page_that_is_loaded_again_knows_what_was_clicked(real: Sweep) -> None:
    """Ratings, selection and choices are part of the state that a late page begins with."""
    gallery = real.gallery(reviewer="anna")
    outbox = Outbox(gallery.wall)
    outbox.ask(kind="judge", request=1, id=3, said={"stars": 5})
    outbox.ask(kind="choose", request=2, left=0, right=3, outcome="tie")
    outbox.ask(kind="choose", request=3, left=0, right=2, outcome="skip")
    outbox.ask(kind="select", request=4, ids=[1])
    until(lambda: gallery.wall.feed.snapshot()["tiles"][3]["said"])
    state = gallery.wall.get_state()

    assert state["snapshot"]["tiles"][3]["said"]["stars"] == 5
    assert state["snapshot"]["choices"] == [[0, 3, 2]]
    assert state["selected"] == [1]
    assert real.rounds(reviewer="anna").ranking()["ties"].sum() == 2
    outbox.ask(kind="unchoose", request=5)
    outbox.ask(kind="unchoose", request=6)
    assert gallery.wall.get_state()["snapshot"]["choices"] == []
    gallery.close()


def test_rounds_show_themselves(real: Sweep) -> None:
    """The rounds of some rows are a widget of those rows; their text and HTML are short and have no address."""
    rounds = real.rounds(real.df.query("size == '9:16'"), reviewer="anna")
    bundle = rounds._repr_mimebundle_()
    assert bundle["text/plain"] == repr(rounds) == "Rounds(2 cells, 0 choices, 0 of them by 'anna')"
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert rounds._shown.wall.rounds == [1, 3]


def test_the_reviewer_of_a_gallery_is_checked(sweep: FakeSweep) -> None:
    """A name that cannot be kept is refused where it is typed."""
    with pytest.raises(GridError, match="reviewer='' is empty"):
        Gallery(sweep, reviewer="")


def test_hostile_words_are_kept_as_words(real: Sweep) -> None:
    """Tags, notes and reviewers that look like markup are text in the table, its HTML, the ratings and the static form."""
    for text in HOSTILE:
        note = "".join(each for each in text[:2000] if each.isprintable() or each in "\u2028\u2029\u202e")
        real.ratings.rate(0, note=note, tags=[note[:40].replace(",", " ")], reviewer=note[:60].strip())
    assert len(real.ratings.df) == len({text[:60].strip() for text in HOSTILE})
    for shown in (real.df._repr_html_(), real.ratings._repr_html_(), static_form(real, ["prompt"], [])):
        assert "<script" not in shown.replace("<style scoped>", "")
        assert "onerror=alarm()>" not in shown.replace("&gt;", "")
