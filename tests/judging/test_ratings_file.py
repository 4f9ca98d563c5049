"""The file that a reviewer without Python sends back: merged once, and refused when it is not what it says."""

from __future__ import annotations

import json
import os

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgen import Grid, GridError, Sweep
from gridgen.clock import Clock
from gridgen.judgements.ratings import clip_names
from gridgen.judgements.ratings_file import read_ratings

PAGE = "0" * 24
NOW = round(Clock().time() * 1000)


@pytest.fixture
def clips(planned):
    """Return the names that an exported page gives to the clips."""
    return clip_names(planned)


def judged(clip: str, at: int = 1_800_000_000_000 - 10**11, **parts: object) -> dict[str, object]:
    """Return a judgement as the page writes it."""
    return {"clip": clip, "at": at, "stars": None, "pick": None, "tags": [], "note": "", **parts}


def file(tmp_path, judgements=(), choices=(), **top):
    """Write a ratings file and return its path."""
    told = {"gridgen_ratings": 1, "page": PAGE, "sweep": "boats", "reviewer": "anna"}
    told |= {"judgements": judgements, "choices": choices, **top}
    path = tmp_path / "ratings.json"
    path.write_text(json.dumps(told))
    return path


def test_a_file_is_merged_into_the_table(planned, clips, tmp_path):
    """Stars, picks, tags, notes and choices arrive under the reviewer's name, with their own times."""
    at = NOW - 5000
    path = file(
        tmp_path,
        [judged(clips[0], at, stars=5, pick=True, tags=["sharp"], note="yes"), judged(clips[3], at, stars=1)],
        [{"left": clips[0], "right": clips[1], "outcome": "left", "at": at}],
    )
    merged = planned.ratings.merge(path)

    assert (merged.reviewer, merged.judgements, merged.choices, merged.known) == ("anna", 2, 1, 0)
    assert planned.df["rating"].dropna().to_dict() == {0: 5, 3: 1}
    assert planned.df.loc[0, ["tags", "note"]].tolist() == ["sharp", "yes"]
    assert planned.ratings.df["when"].tolist() == [pd.Timestamp(at, unit="ms", tz="UTC")] * 2
    assert len(planned.internals.judgements.book.counted) == 1


def test_notes_in_a_file_keep_their_moments(planned, clips, tmp_path):
    """A note at a moment is a line of the note that a page has always sent, so any page and any version can bring it."""
    path = file(tmp_path, [judged(clips[0], NOW - 5000, note="calm\n0:02.4 a flicker")])
    planned.ratings.merge(path)
    table = planned.ratings.df

    assert table["note"].tolist() == ["calm", "a flicker"]
    assert table["at"].dropna().tolist() == [2.4]
    assert planned.df.loc[0, "note"] == "calm\n0:02.4 a flicker"


def test_merging_again_adds_nothing_and_a_later_file_only_what_is_new(planned, clips, tmp_path):
    """A reviewer may send the file each evening: what is known is passed over, the latest word counts."""
    choice = {"left": clips[0], "right": clips[1], "outcome": "tie", "at": NOW - 9000}
    first = file(tmp_path, [judged(clips[0], NOW - 9000, stars=2)], [choice])
    planned.ratings.merge(first)
    again = planned.ratings.merge(first)
    assert (again.judgements, again.choices, again.known) == (0, 0, 2)
    later = file(tmp_path, [judged(clips[0], NOW - 9000, stars=2), judged(clips[0], NOW - 1000, stars=4)])
    assert planned.ratings.merge(later).judgements == 1

    assert planned.df.loc[0, "rating"] == 4
    assert len(planned.ratings.history) == 2


def test_several_reviewers_are_compared(planned, clips, tmp_path):
    """The result of merging says how far the reviewers agree, and the table holds their mean."""
    for name, shift in (("anna", 0), ("ben", 1)):
        entries = [
            judged(clip, NOW - 1000, stars=at % 5 + (shift if at == 2 else 0))
            for at, clip in enumerate(clips)
        ]
        merged = planned.ratings.merge(file(tmp_path, entries, reviewer=name))

    assert merged.agreement.clips == 8
    assert merged.agreement.stars == pytest.approx(0.95, abs=0.05)
    assert "2 reviewers, 8 clips judged by two or more: alpha 0.9" in repr(merged)
    assert planned.df.loc[2, "rating"] == 2.5


def test_nobody_is_spoken_for_by_mistake(planned, clips, tmp_path):
    """A file under a name that has judged here is taken only when one says that it is the same person."""
    planned.ratings.rate(0, stars=5, reviewer="anna")
    path = file(tmp_path, [judged(clips[0], NOW - 1000, stars=0)])
    with pytest.raises(
        GridError, match=r"by 'anna', who has judged here as well.*reviewer='anna'.*Nothing was merged"
    ):
        planned.ratings.merge(path)
    assert planned.df.loc[0, "rating"] == 5

    planned.ratings.merge(path, reviewer="anna (tablet)")
    assert planned.df.loc[0, "rating"] == 2.5


A, B = "a" * 24, "b" * 24


def test_two_reviewers_of_one_name_stay_two(planned, clips, tmp_path):
    """Case I3: files of one name from two browsers are of two people, none of whom overrides the other, however often they are merged."""
    for _ in range(2):
        first = planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW - 9000, stars=5)], browser=A))
        second = planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW - 5000, stars=1)], browser=B))
    later = planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW - 1000, stars=2)], browser=B))

    assert (first.reviewer, second.reviewer, later.reviewer) == ("anna", "anna 2", "anna 2")
    assert (first.judgements, second.judgements, later.judgements) == (0, 0, 1)
    assert planned.ratings.df[["reviewer", "rating"]].to_numpy().tolist() == [["anna", 5], ["anna 2", 2]]
    assert planned.df.loc[0, "rating"] == 3.5


def test_one_browser_is_one_reviewer_on_all_pages(planned, clips, tmp_path):
    """Who rates two pages of one sweep in one browser is one reviewer, whose latest word counts."""
    planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW - 9000, stars=5)], browser=A))
    merged = planned.ratings.merge(
        file(tmp_path, [judged(clips[0], NOW - 1000, stars=1)], browser=A, page="1" * 24)
    )

    assert (merged.reviewer, planned.ratings.reviewers) == ("anna", ("anna",))
    assert planned.df.loc[0, "rating"] == 1


def test_a_file_of_a_browser_is_not_taken_for_one_of_an_older_page(planned, clips, tmp_path):
    """Case I3: nobody knows who was meant by a file without a browser, so nobody is overridden; two such files are one person, as ever."""
    planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW - 9000, stars=5)]))
    assert planned.ratings.merge(file(tmp_path, [judged(clips[1], NOW - 9000, stars=4)])).reviewer == "anna"
    assert (
        planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW, stars=1)], browser=A)).reviewer
        == "anna 2"
    )
    told = planned.ratings.merge(file(tmp_path, [judged(clips[0], NOW, stars=1)], browser=B), reviewer="anna")

    assert told.reviewer == "anna"
    assert planned.ratings.reviewers == ("anna", "anna 2")


def test_a_long_name_stays_a_name_with_its_number(planned, clips, tmp_path):
    """A second reviewer whose name has no room for a number loses letters, not the number."""
    for browser in (A, B):
        merged = planned.ratings.merge(
            file(tmp_path, [judged(clips[0], NOW, stars=1)], browser=browser, reviewer="x" * 60)
        )

    assert (len(merged.reviewer), merged.reviewer[-3:]) == (60, "x 2")


@pytest.mark.parametrize("browser", ["", "a" * 23, "A" * 24, 7, None, ["a" * 24]])
def test_a_browser_that_no_page_names_is_refused(planned, clips, tmp_path, browser):
    """The name of the browser is checked as the page's is."""
    with pytest.raises(GridError, match=r"browser is .*, not a name that gridgen gives.*Nothing was merged"):
        planned.ratings.merge(file(tmp_path, [judged(clips[0], stars=1)], browser=browser))


def test_the_text_of_a_file_is_merged_like_the_file(planned, clips, tmp_path):
    """Case V3: what a reviewer copied from the page can be given as it is."""
    text = file(tmp_path, [judged(clips[0], NOW, stars=3)]).read_text()
    assert planned.ratings.merge(f"\n{text}\n").judgements == 1
    with pytest.raises(GridError, match=r"the text is not a ratings file.*it is not JSON"):
        planned.ratings.merge(text[:-5])


@pytest.mark.parametrize("quote", ["", "> "])
@pytest.mark.parametrize("as_file", [False, True])
def test_the_mail_around_a_text_is_left_out(planned, clips, tmp_path, as_file, quote):
    """Case V3: the mail that the page begins, pasted or saved with greeting, signature and quotes, is read like the file."""
    told = json.loads(file(tmp_path, [judged(clips[0], NOW, stars=3, note="a {brace}")]).read_text())
    line = json.dumps(told, separators=(",", ":"))
    mail = f"Hi,\n\nMy ratings:\n\n{quote}{line}\n\nSent {{from}} my phone\n-- \nAnna"
    if as_file:
        (tmp_path / "mail.txt").write_text(mail, "utf-8")
    assert planned.ratings.merge(tmp_path / "mail.txt" if as_file else mail).judgements == 1


def test_no_file_outlasts_a_later_word(planned, clips, tmp_path):
    """A time in the future counts as now, so that what its reviewer says afterwards still wins."""
    planned.ratings.merge(file(tmp_path, [judged(clips[0], 2**50, stars=0)]))
    planned.ratings.rate(0, stars=5, reviewer="anna")

    assert planned.df.loc[0, "rating"] == 5


def test_a_file_of_another_sweep_is_refused(planned, clips, tmp_path):
    """Clips that this sweep does not have are told; a file about none of them is refused whole."""
    foreign = "f" * 24
    with pytest.raises(GridError, match=r"about 1 clips, none of which is in this sweep"):
        planned.ratings.merge(file(tmp_path, [judged(foreign, stars=1)]))
    assert planned.ratings.history.empty
    merged = planned.ratings.merge(file(tmp_path, [judged(foreign, stars=1), judged(clips[0], stars=1)]))

    assert (merged.judgements, merged.foreign) == (1, 1)


def test_names_in_pages_tell_nothing(sweep, simulate, tmp_path):
    """The same cell has another name in another folder, so no one can try out from a page what a prompt was."""
    other = Sweep(sweep.grid, client=simulate().client(), folder=tmp_path / "other", previews=False)
    other.run()

    assert set(clip_names(sweep)).isdisjoint(clip_names(other))
    assert clip_names(sweep) == clip_names(Sweep(sweep.grid, client=sweep.client, folder=sweep.folder))


HOSTILE = {
    "nothing": b"",
    "html": b"<!doctype html><script>alert(1)</script>",
    "no object": b"[1, 2]",
    "null": b"null",
    "nan": b'{"gridgen_ratings": NaN}',
    "infinity": b'{"gridgen_ratings": -Infinity}',
    "not utf-8": b'{"gridgen_ratings": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a huge number": b'{"gridgen_ratings": ' + b"9" * 100_000 + b"}",
    "truncated": b'{"gridgen_ratings": 1, "page": "000',
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtins\x94.",
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "large": b'{"a": "' + b"x" * 8_000_001 + b'"}',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_ratings_file_is_refused(planned, tmp_path, data):
    """Whatever the bytes, the error says that it is no ratings file, and nothing is merged."""
    path = tmp_path / "ratings.json"
    path.write_bytes(data)
    with pytest.raises(
        GridError, match=r"is not a ratings file of an exported page: .*\. Nothing was merged\."
    ):
        planned.ratings.merge(path)

    assert not planned.internals.judgements.path.exists()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"gridgen_ratings": 2}, "its format is 2, and this gridgen reads 1"),
        ({"gridgen_ratings": True}, "its format is True"),
        ({"extra": 1}, "it does not have exactly the fields"),
        ({"page": "../../x"}, "page is '../../x', not a name"),
        ({"page": 7}, "page is 7"),
        ({"reviewer": ""}, "reviewer='' is empty"),
        ({"reviewer": "a\u0000b"}, "control characters"),
        ({"reviewer": ["anna"]}, "is not text"),
        ({"reviewer": "x" * 61}, "61 characters"),
        ({"judgements": {}}, "judgements is not a list"),
        ({"judgements": [0] * 50_001}, "at most 50000 entries"),
        ({"judgements": ["x"]}, r"judgements\[0\] does not have exactly the fields"),
        ({"judgements": [{**judged("1" * 24), "cell": "x"}]}, r"judgements\[0\] does not have exactly"),
        ({"judgements": [judged("1" * 23)]}, r"judgements\[0\]\.clip is"),
        ({"judgements": [judged("1" * 24, stars=6)]}, r"in judgements\[0\], stars=6 is not a whole number"),
        ({"judgements": [judged("1" * 24, stars="5")]}, r"stars='5' is not"),
        ({"judgements": [judged("1" * 24, pick=1)]}, r"pick=1 is not True"),
        ({"judgements": [judged("1" * 24, tags="a")]}, r"tags is not a list"),
        ({"judgements": [judged("1" * 24, tags=[{}])]}, r"is not text"),
        ({"judgements": [judged("1" * 24, tags=["a\nb"])]}, "control characters"),
        ({"judgements": [judged("1" * 24, note="x" * 2001)]}, "2001 characters"),
        ({"judgements": [judged("1" * 24, note="\ud800")]}, "control characters"),
        ({"judgements": [judged("1" * 24, at=-1)]}, r"judgements\[0\]\.at is -1"),
        ({"judgements": [judged("1" * 24, at=1.5)]}, r"\.at is 1\.5"),
        ({"judgements": [judged("1" * 24, at=True)]}, r"\.at is True"),
        ({"judgements": [judged("1" * 24, at=2**60)]}, r"not a time in milliseconds"),
        ({"choices": [{"left": "1" * 24, "right": "1" * 24, "outcome": "tie", "at": 0}]}, "with itself"),
        (
            {"choices": [{"left": "1" * 24, "right": "2" * 24, "outcome": "both", "at": 0}]},
            "outcome is 'both'",
        ),
        ({"choices": [{"left": "1" * 24, "right": "2" * 24, "outcome": [], "at": 0}]}, r"outcome is \[\]"),
        ({"choices": [{"left": "1" * 24, "right": "2" * 24, "outcome": "tie"}]}, "exactly the fields"),
    ],
)
def test_a_wrong_part_is_named(planned, tmp_path, part, message):
    """One wrong part refuses the whole file, with the place of the part; nothing is merged."""
    with pytest.raises(GridError, match=message):
        planned.ratings.merge(file(tmp_path, **part))

    assert not planned.internals.judgements.path.exists()


@pytest.mark.parametrize(
    "make", [lambda path: path.mkdir(), os.mkfifo, lambda _path: None], ids=["folder", "pipe", "none"]
)
def test_what_is_no_file_is_refused(planned, tmp_path, make):
    """A folder, a pipe that would never end, and a name without a file are told apart from a file."""
    make(tmp_path / "x.json")
    with pytest.raises(GridError, match=r"no such file|not a plain file"):
        planned.ratings.merge(tmp_path / "x.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["gridgen_ratings", "page", "sweep", "reviewer", "judgements", "choices"]


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, JSON)) | JSON, st.integers(0, 200))
def test_no_json_gets_through_by_luck(tmp_path_factory, told, cut):
    """Any JSON, whole or cut off, is either a ratings file or refused with the one error."""
    path = tmp_path_factory.getbasetemp() / "any.json"
    text = json.dumps(told)
    path.write_text(text[:-cut] if cut else text)
    with pytest.raises(GridError, match="Nothing was merged"):
        read_ratings(path)


def test_hostile_names_and_notes_stay_text(planned, clips, tmp_path):
    """What a file says of a clip is text in the table and escaped in its HTML, whatever it spells."""
    spelled = '"><script>alert(1)</script>'
    planned.ratings.merge(
        file(tmp_path, [judged(clips[0], note=spelled, tags=[spelled[:40]])], reviewer=spelled)
    )

    assert planned.df.loc[0, "note"] == spelled
    assert "<script" not in planned.ratings._repr_html_()


def test_a_grid_of_one_cell_can_be_merged_into(simulate, tmp_path):
    """The smallest sweep takes a file as well."""
    sweep = Sweep(Grid(prompt="one"), client=simulate().client(), folder=tmp_path / "one")
    merged = sweep.ratings.merge(file(tmp_path, [judged(clip_names(sweep)[0], stars=3)]))

    assert (merged.judgements, sweep.df.loc[0, "rating"]) == (1, 3)
