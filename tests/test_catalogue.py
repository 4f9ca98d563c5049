"""The catalogue: what each model takes, in whose words, and what it refuses and why."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gridgen.errors import GridError
from gridgen.models import DEFAULT_MODEL, Model, catalogue, find
from gridgen.models.fields import Choice, Option, Rule

TABLE = tomllib.loads(Path(__file__).with_name("models.toml").read_text("utf-8"))["row"]
ROWS = [(name, row) for row in TABLE for name in row["ids"]]
EXTRA = {"grok-imagine-video", "MiniMax-H3-Max"}
"""Ids that the reference names outside its table."""

REFERENCE = next(
    (path for up in Path(__file__).parents if (path := up / "shared" / "wire-protocol.md").is_file()), None
)
URL = "https://e.org/a.png"


def least(model: Model) -> dict:
    """Return the fields of the plainest clip that a model makes."""
    fields = {"prompt": "a boat", **model.defaults}
    fields["image_urls"] = tuple(f"https://e.org/{n}.png" for n in range(model.images.min))
    given = {"url": "https://e.org/v.mp4", "choice": None}
    return fields | {
        name: given[option.kind] or option.values[0]
        for name, option in model.options.items()
        if option.required
    }


@pytest.mark.conformance("C42")
@pytest.mark.parametrize("name", catalogue())
def test_every_record_has_source_and_date(name):
    """C42: whoever doubts a fact finds where and when it was read, of the model and of its price."""
    model = catalogue()[name]

    for record in (model, *([model.price] if model.price else [])):
        assert record.source.strip()
        assert isinstance(record.verified_on, date)


def test_the_table_names_every_model():
    """No row of the reference is missing from the catalogue, and nothing else is in it."""
    assert {name for name, _ in ROWS} | EXTRA == set(catalogue())


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_the_catalogue_is_the_table(name, row):
    """Field names, values, ranges, limits and defaults are those of the reference."""
    model = catalogue()[name]
    for part, choice, usual in (("ratio", model.size, "usual_ratio"), ("tier", model.quality, "usual_tier")):
        for field, values in row.get(part, {}).items():
            assert field == choice.field
            assert set(values) <= set(choice.wire or choice.values)
            assert choice.open or not values or len(values) == len(choice.values)
        assert usual not in row or choice.default == row[usual]
    assert row.get("ratio") != {} or model.size is None
    _compare_seconds(model, row)
    for field, most in row.get("images", {}).items():
        assert (field, most) == (model.images.field, model.images.max) or most == model.images.max == 0
    assert set(row.get("fields", ())) <= {option.field for option in model.options.values()}
    assert {frozenset(pair) for pair in row.get("never_both", ())} == set(map(frozenset, model.exclusive))
    assert row.get("prompt") == model.prompt_max
    assert "priced_by" not in row or model.price.unit == row["priced_by"]


def _compare_seconds(model: Model, row: dict) -> None:
    span, seconds = model.duration, row.get("seconds")
    if seconds is None:
        assert span is None
    elif isinstance(seconds, str):
        assert seconds == f"{span.min}-{span.max}"
        assert not span.values
    else:
        assert list(span.values) == seconds
    if span is not None:
        assert span.automatic == row.get("automatic", False)
        assert span.lenient == row.get("others_ignored", False)
        assert span.default == row.get("usual", span.default)
    size = model.size
    dropped = row.get("ratio_dropped_beside_images", False)
    assert dropped == (size is not None and "image_urls" in size.omit_with)
    if row.get("ratio_ignored_beside_images"):
        assert size.ignored_with_images


@pytest.mark.skipif(REFERENCE is None, reason="the wire reference is not beside the project")
def test_the_transcription_is_the_reference():
    """Each row of the reference's own table has a record here, and each number and ratio of it is in it."""
    text = REFERENCE.read_text("utf-8").partition("## 8.")[2].partition("**Catalogue record**")[0]
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line][1:]
    assert len(lines) >= 25
    for line in lines:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        ids, ratio, seconds, tiers, media, _ = cells
        rows = _rows_of(ids)
        assert rows, ids
        values = {value for row in rows for part in row.get("ratio", {}).values() for value in part}
        assert set(re.findall(r"\d+:\d+", ratio)) <= values, ids
        assert "R5" not in ratio or {"16:9", "9:16", "1:1", "4:3", "3:4"} <= values, ids
        tier = {value.lower() for row in rows for part in row["tier"].values() for value in part}
        assert {
            value.lower() for value in re.findall(r"\b\d+p\b|\b[24]k\b", tiers, re.IGNORECASE)
        } <= tier | {
            "720p",
            "1080p",
        }, ids
        _check_field(ratio, [row.get("ratio", {}) for row in rows], ids)
        _check_numbers(re.sub(r"live 15", "", seconds), rows, ids)
        named = {name for row in rows for name in (*row.get("fields", ()), *row.get("images", {}))}
        assert {"first_frame_image", "image_with_roles", "seed", "watermark"} & set(
            re.findall(r"\w+", media)
        ) <= named, ids


def _rows_of(ids: str) -> list[dict]:
    head = ids.split(maxsplit=1)[0].strip("*")
    if "*" in ids.split(maxsplit=1)[0]:
        pattern = re.compile(re.escape(ids.split(maxsplit=1)[0]).replace(r"\*", ".*"))
        return [row for row in TABLE if any(pattern.fullmatch(name) for name in row["ids"])]
    stem, tails = head, re.findall(r"(?<=/)\s*(-\w+|\d\.\d)", ids)
    wanted = {stem, *(stem + tail for tail in tails if tail.startswith("-"))}
    wanted |= set(re.findall(r"[\w.]+-[\w.-]+", ids))
    return [row for row in TABLE if wanted & set(row["ids"])]


def _check_field(cell: str, parts: list[dict], ids: str) -> None:
    field = re.match(r"\**(size|aspect_ratio)\b", cell)
    if field:
        assert field[1] in {name for part in parts for name in part}, ids
    elif cell == "none":
        assert {} in parts, ids


def _check_numbers(cell: str, rows: list[dict], ids: str) -> None:
    known: set[int] = set()
    for row in rows:
        seconds = row.get("seconds", [])
        known |= set(map(int, seconds.split("-"))) if isinstance(seconds, str) else set(seconds)
        known |= {row.get("usual", 5)}
    spans = re.sub(r"\([^)]*\)|;.*|-1\b(?!\d)|omit.*|<=\S+", "", cell)
    assert {int(number) for number in re.findall(r"\d+", spans)} <= known, (ids, cell)


@pytest.mark.parametrize("name", catalogue())
def test_the_plainest_clip_of_each_model(name):
    """What is asked for by default is offered, and its body has nothing empty and nothing foreign."""
    model = catalogue()[name]
    fields = least(model)

    assert model.lacks(fields) == ()
    body = model.body(model.settled(fields))
    named = [part.field for part in (model.size, model.duration, model.quality) if part is not None]
    known = {"model", "prompt", *named, model.images.field, *(each.field for each in model.options.values())}
    assert set(body) <= known
    assert not [value for value in body.values() if value in (None, "", [], ())]


@pytest.mark.parametrize(
    ("name", "fields", "body"),
    [
        (
            DEFAULT_MODEL,
            {"size": "9:16", "duration": 10, "quality": "720p", "image_urls": (URL,)},
            {"size": "9:16", "duration": 10, "quality": "720p", "image_urls": [URL]},
        ),
        (
            "grok-imagine-1.5-video-ext",
            {"size": "1:1", "duration": 6, "quality": "480p", "nsfw_check": False},
            {"size": "1:1", "duration": 6, "resolution": "480p", "nsfw_check": False},
        ),
        (
            "kling-v2-6",
            {"size": "1:1", "duration": 10, "quality": "1080p", "audio": True, "negative_prompt": ""},
            {"aspect_ratio": "1:1", "duration": 10, "mode": "pro", "audio": True},
        ),
        (
            "sora-2",
            {"size": "9:16", "duration": 4, "quality": "720p", "image_urls": (URL,)},
            {"duration": 4, "resolution": "720p", "image_urls": [URL]},
        ),
        (
            "kling-3.0-turbo",
            {"size": "1:1", "image_urls": (URL,)},
            {"aspect_ratio": "1:1", "duration": 5, "resolution": "720p", "first_frame_image": URL},
        ),
        ("wan3.0-video", {"quality": "720p"}, {"size": "16:9", "duration": 5, "resolution": "720P"}),
        (
            "seedance-2.0",
            {"audio": False, "seed": 0},
            {"size": "16:9", "duration": 5, "resolution": "480p", "generate_audio": False, "seed": 0},
        ),
        ("MiniMax-Hailuo-2.3", {"size": None}, {"duration": 6, "resolution": "768p"}),
        (
            "gemini-omni-1.1-flash-ext",
            {"video_urls": ("https://e.org/v.mp4",)},
            {"aspect_ratio": "16:9", "resolution": "720p", "video_urls": ["https://e.org/v.mp4"]},
        ),
        ("flux-3-video", {"quality": "1080p"}, {"aspect_ratio": "16:9", "duration": 5, "resolution": "fhd"}),
    ],
)
def test_the_users_words_become_the_models(name, fields, body):
    """C8, C11: one vocabulary for all; each model's own names and spellings on the wire, in its page's order."""
    model = catalogue()[name]

    made = model.body(model.settled({"prompt": "a boat", **fields}))

    assert made == {"model": name, "prompt": "a boat", **body}
    assert list(made)[2 : 2 + len(body)] == [key for key in made if key in body]


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("kling-v2-6", {"duration": 6}, "kling-v2-6 makes clips of 5 or 10 s, not 6"),
        (DEFAULT_MODEL, {"duration": 5}, f"{DEFAULT_MODEL} makes clips of 6 to 30 s, not 5"),
        ("veo3.1-fast", {"duration": 6}, "veo3.1-fast makes clips of 8 s, not 6"),
        ("seedance-2.5", {"duration": 3}, "clips of 4 to 30 s, or -1 to leave it to the model, not 3"),
        ("kling-v2-6", {"size": "3:2"}, "kling-v2-6 has no size 3:2 (it has 16:9, 9:16, 1:1)"),
        ("sora-2", {"quality": "480p"}, "sora-2 has no quality 480p (it has 720p)"),
        ("MiniMax-Hailuo-2.3", {"size": "16:9"}, "MiniMax-Hailuo-2.3 takes no size"),
        ("sora-2", {"seed": 7}, "sora-2 takes no seed"),
        ("veo3.1-lite", {"image_urls": (URL,)}, "veo3.1-lite takes no reference image"),
        ("sora-2", {"image_urls": (URL, URL)}, "sora-2 takes at most 1 reference image, not 2"),
        ("gemini-omni-1.1-flash-ext", {"image_urls": (URL, URL)}, "takes 0, 1 or 3 reference images, not 2"),
        ("viduq3", {}, "viduq3 needs 1 reference image"),
        ("MiniMax-Hailuo-2.3-Fast", {}, "MiniMax-Hailuo-2.3-Fast needs 1 reference image"),
        ("MiniMax-Hailuo-2.3", {"prompt": "a" * 2001}, "takes prompts of at most 2000 characters, not 2001"),
        (
            "MiniMax-Hailuo-2.3",
            {"quality": "1080p", "duration": 10},
            "MiniMax-Hailuo-2.3 takes duration 6 beside quality 1080p, not 10",
        ),
        ("kling-v2-6", {"audio": True, "quality": "720p"}, "takes quality 1080p beside audio on, not 720p"),
        ("kling-v2-6", {"audio": "yes"}, "kling-v2-6 takes True or False as audio, not 'yes'"),
        (
            "pixverse-v6",
            {"image_urls": (URL, URL), "duration": 6},
            "takes duration 5 or 8 beside images 2, not 6",
        ),
        (
            "seedance-2.0",
            {"audio_urls": (URL,)},
            "takes audio_urls only beside image_urls, image_with_roles or",
        ),
        (
            "seedance-2.0",
            {"image_urls": (URL,), "image_with_roles": ({"url": URL},)},
            "seedance-2.0 takes image_urls or image_with_roles, not both",
        ),
        (
            "gemini-omni-1.1-flash-ext",
            {"video_urls": (URL,), "duration": 6},
            "takes no duration beside video_urls",
        ),
        ("viduq3-pro", {"seed": -2}, "viduq3-pro takes a whole number from -1 as seed, not -2"),
        ("kling-v3-motion-control", {"image_urls": (URL,)}, "kling-v3-motion-control needs video_url"),
    ],
)
def test_what_a_model_lacks_has_a_reason(name, fields, said):
    """G2, G11: a cell that the model cannot make says what it can, in one short sentence."""
    [lack] = find(name).lacks({"prompt": "a boat", **fields})

    assert said in lack.reason
    assert str(lack) == lack.reason
    assert lack.reason.startswith(name)


def test_an_error_shows_what_was_typed():
    """Where the cell is not skipped, the line that was typed is named with the legal values."""
    [lack] = find("kling-v2-6").lacks({"prompt": "a", "duration": 6})

    assert lack.error == "duration=6 is not offered by 'kling-v2-6' (offered: 5 or 10 seconds)"
    assert lack.field == "duration"


def test_one_spelling_for_one_meaning():
    """A tier typed as on the wire, or in another case, is the same cell; so is a model by an old id."""
    assert find("kling-v2-6").settled({"quality": "PRO"})["quality"] == "1080p"
    assert find("wan3.0-video").settled({"quality": "720P"})["quality"] == "720p"
    assert find("seedance-2.0").settled({"generate_audio": True}) == find("seedance-2.0").settled(
        {"audio": True}
    )
    assert find("Omni-Flash-Ext").id == "gemini-omni-1.1-flash-ext"
    assert find("doubao-seedance-2.0") is find("seedance-2.0")
    assert find("seedance-2-0") is find("DOUBAO-seedance-2-0") is find("seedance-2.0")
    assert find("veo3.1-fast-ext") is find("veo3.1-fast")
    assert find("grok-imagine-1.5-video-ext") is not find("grok-imagine-1.5-video-apimart")


def test_prices():
    """E1: by second, by request and with a fee for images; None, never 0, for what no source states."""
    ext, veo = find("grok-imagine-1.5-video-ext").price, find("veo3.1-fast").price

    assert ext.of(quality="720p", duration=10) == Decimal("0.1912")
    assert veo.of(quality="4k", duration=8, images=2) == Decimal("0.64")
    assert ext.of(quality="4k", duration=10) is None
    assert ext.of(quality="480p", duration=None) is None
    assert ext.of(quality="480p", duration=-1) is None
    assert find(DEFAULT_MODEL).price is None


def test_a_model_of_ones_own():
    """A few plain values make a model; what they mean is shown."""
    model = Model(
        "house-2",
        size=["16:9", "1:1"],
        duration=(4, 12),
        quality=["720p", "1080p"],
        images=2,
        options={"seed": int, "audio": bool, "style": Option("style", "choice", values=("noir", "pop"))},
        price={"720p": 0.02, "1080p": "0.05"},
        names={"size": "ratio", "quality": "tier"},
        rules=[Rule(when={"quality": ("1080p",)}, only={"duration": (4, 8)})],
    )

    assert repr(model) == (
        "Model('house-2': size 16:9, 1:1; duration 4 to 12 s; quality 720p, 1080p; "
        "at most 2 images; seed; audio; style)"
    )
    assert model.body(model.settled({"prompt": "a", "seed": 3, "style": "noir"})) == {
        "model": "house-2",
        "prompt": "a",
        "ratio": "16:9",
        "duration": 4,
        "tier": "720p",
        "seed": 3,
        "style": "noir",
    }
    assert model.price.of(quality="1080p", duration=4) == Decimal("0.20")
    [lack] = model.lacks({"prompt": "a", "quality": "1080p", "duration": 6})
    assert lack.reason == "house-2 takes duration 4 or 8 beside quality 1080p, not 6"
    assert find(model) is model


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"id": " "}, "id=' ' is not the name of a model"),
        ({"size": []}, "size=[] is not a list of texts such as"),
        ({"duration": 0}, "duration=0 is not a number of seconds"),
        ({"duration": "6"}, "duration='6' is not a number of seconds"),
        ({"options": {"seed": float}}, "option 'seed': <class 'float'> is neither an Option nor"),
        ({"names": {"ratio": "size"}}, "'ratio' has no name to change"),
    ],
)
def test_a_wrong_model_is_an_error(arguments, said):
    """What makes no model says which argument and what it may be."""
    with pytest.raises(GridError) as caught:
        Model(**{"id": "m", **arguments})

    assert said in str(caught.value)


def test_an_unknown_model_is_not_checked():
    """Of an unknown id nothing is known: no limit, no default, no price."""
    model = find("someone-elses-model")

    assert not model.known
    assert model.lacks({"prompt": "a", "size": "7:5", "duration": 77, "mood": "calm"}) == ()
    assert model.body({"prompt": "a", "size": None, "duration": 7, "mood": "calm"}) == {
        "model": "someone-elses-model",
        "prompt": "a",
        "duration": 7,
        "mood": "calm",
    }


MODELS = st.sampled_from(list(catalogue().values()))


@given(MODELS, st.data())
def test_settling_settles(model, data):
    """What is settled stays as it is, and says the same to the server in every spelling."""
    fields = {"prompt": "a"}
    for name, choice in (("size", model.size), ("quality", model.quality)):
        if isinstance(choice, Choice):
            word = data.draw(st.sampled_from([*choice.values, *choice.wire]))
            fields[name] = data.draw(st.sampled_from([word, word.upper(), word.lower()]))
    settled = model.settled(fields)

    assert model.settled(settled) == settled
    assert model.body(settled) == model.body(model.settled(settled))
    assert settled["size"] is None or settled["size"] in model.size.values
