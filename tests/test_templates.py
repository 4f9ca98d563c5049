"""Prompt templates: what a text with slots, choices and wildcards makes, for ever in the same order."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gridgen import Grid, GridError, linked, search_replace, template, value

TEXTS = json.loads(Path(__file__).with_name("templates.json").read_text("utf-8"))


def prompts(grid: Grid) -> list[str]:
    """Return the prompts of a grid, in order."""
    return [cell.prompt for cell in grid]


def test_slots_multiply_the_last_fastest():
    """G5: two slots are two axes, in the order of the keywords, whatever their order in the text."""
    made = template("at {time} a {animal}", animal=["fox", "hen"], time=["dawn", "noon"])

    assert made.texts == ["at dawn a fox", "at noon a fox", "at dawn a hen", "at noon a hen"]


def test_a_plain_string_is_never_a_template():
    """Braces, percent signs, pipes and underscores of a plain prompt are literal."""
    text = '{"a": 1} {b|c} 50 % __x__ ${y}'

    assert prompts(Grid(prompt=text)) == [text]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case["text"][:40])
def test_committed_templates(case):
    """Each template makes the committed prompts in the committed order, for ever."""
    made = template(case["text"], wildcards=case.get("wildcards"), **case.get("slots", {}))

    assert made.texts == case["texts"]


def test_slots_are_columns_of_the_table():
    """G5: each slot is a DataFrame column: texts are categories in order, numbers stay numbers."""
    grid = Grid(prompt=template("{count} {animal}s", count=[2, 3], animal=["hen", "fox"]), duration=[6, 8])
    table = grid.df

    assert list(table.columns)[:4] == ["prompt", "count", "animal", "duration"]
    assert table["count"].dtype == "int64"
    assert list(table["animal"].cat.categories) == ["hen", "fox"]
    assert list(table["prompt"])[:3] == ["2 hens", "2 hens", "2 foxs"]


def test_choices_and_wildcards_are_axes_too(tmp_path):
    """What stands between braces or underscores has an axis with a name of its own."""
    (tmp_path / "animals.txt").write_text("# comment\nfox\n\n {red|white} hen \n", "utf-8")
    grid = Grid(prompt=template("a __animals__ in {sun|rain} or {snow|fog}", wildcards=tmp_path))

    axes = {axis.name: axis.values for axis in grid.axes if not axis.sent}
    assert axes == {
        "animals": ("fox", "red hen", "white hen"),
        "variant1": ("sun", "rain"),
        "variant2": ("snow", "fog"),
    }
    assert len(grid) == 12


def test_wildcards_with_a_star_read_several_files(tmp_path):
    """A star takes the lines of all files whose names fit, in the order of the names."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.txt").write_text("two\n", "utf-8")
    (tmp_path / "deep" / "a.txt").write_text("one\n", "utf-8")

    assert template("__deep/*__", wildcards=tmp_path).texts == ["one", "two"]


def test_weights_guide_the_sample_only():
    """G5: weights change neither the cells nor their order, but how often a sample draws them."""
    heavy = Grid(prompt=template("{20::fox|hen} {a}", a=range(50)))

    assert prompts(heavy) == prompts(Grid(prompt=template("{fox|hen} {a}", a=range(50))))
    drawn = heavy.sample(25, seed=3)
    assert sum(cell.prompt.startswith("fox") for cell in drawn) >= 20


def test_a_slot_is_named_twice_and_filled_once():
    """A slot that stands in two places has one value in both."""
    assert template("{x} and {x}", x=["a", "b"]).texts == ["a and a", "b and b"]


def test_a_value_may_be_a_template():
    """A slot that only some values name is an axis in which the others have nothing."""
    animal = ["hen", template("{colour} fox")]
    grid = Grid(prompt=template("a {animal}", animal=animal, colour=["red", "white"]))

    assert prompts(grid) == ["a hen", "a red fox", "a white fox"]
    assert [cell.colour for cell in grid] == [None, "red", "white"]
    assert list(grid.df["colour"].isna()) == [True, False, False]


def test_labels_fill_what_a_template_leaves_open():
    """A slot without values is filled by a free axis, in the place where that stands."""
    grid = Grid(prompt=template("a {mood} boat"), duration=[6, 8], labels={"mood": ["calm", "wild"]})

    assert [(cell.prompt, cell.duration) for cell in grid] == [
        ("a calm boat", 6),
        ("a wild boat", 6),
        ("a calm boat", 8),
        ("a wild boat", 8),
    ]


def test_a_slot_left_open_is_a_keyword_of_the_grid():
    """A slot that a template names is an axis like any other, alone, among prompts and with labels and notes."""
    fox = Grid(
        prompt=template("a {animal} at sea"), animal=["fox", value("hen", label="bird")], duration=[6, 8]
    )
    both = Grid(prompt={"first": template("a {animal}"), "second": "a boat"}, animal=["fox", "hen"])

    assert prompts(fox)[::2] == ["a fox at sea", "a hen at sea"]
    assert [cell["animal"] for cell in fox][::2] == ["fox", "hen"]
    assert next(axis.labels for axis in fox.axes if axis.name == "animal") == ("fox", "bird")
    assert set(prompts(both)) == {"a fox", "a hen", "a boat"}
    with pytest.raises(
        GridError, match=r"'anmial' is not an axis.*\n.*names {animal}.*write Grid\(\.\.\., animal="
    ):
        Grid(prompt=template("a {animal}"), anmial=["fox"])


def test_a_prompt_that_names_no_slot_is_made_once():
    """Beside a template with an open slot a plain prompt stands once, at no value of the slot, and nothing is skipped."""
    grid = Grid(prompt=[template("a {animal}"), "a boat"], animal=["fox", "hen"], duration=[6, 8])

    assert prompts(grid)[::2] == ["a fox", "a hen", "a boat"]
    assert [cell["animal"] for cell in grid][::2] == ["fox", "hen", None]
    assert grid.skipped == ()
    assert grid.df["animal"].isna().tolist() == [False] * 4 + [True] * 2
    shapes = linked(animal=["fox", "hen"], size=["16:9", "9:16"])
    assert len(Grid(shapes, prompt=[template("a {animal}"), "a boat"])) == 4


def test_a_field_of_the_request_fills_a_slot():
    """A prompt can say how long its clip is."""
    grid = Grid(prompt=template("a boat, {duration} seconds"), duration=[6, 8])

    assert prompts(grid) == ["a boat, 6 seconds", "a boat, 8 seconds"]


def test_slots_may_be_linked_with_fields():
    """A slot and a size that go together are one step."""
    grid = Grid(
        linked(shape=["wide", "tall"], size=["16:9", "9:16"]),
        prompt=template("a {shape} {animal}", animal=["fox", "hen"]),
    )

    assert [(cell.prompt, cell.size) for cell in grid] == [
        ("a wide fox", "16:9"),
        ("a wide hen", "16:9"),
        ("a tall fox", "9:16"),
        ("a tall hen", "9:16"),
    ]


def test_several_templates_share_their_slots():
    """Templates in a list are told apart by an axis of their own, and a plain prompt among them is literal."""
    slots = ["fox", "hen"]
    grid = Grid(
        prompt=[template("a {animal} at dawn", animal=slots), template("the {animal}", animal=slots), "{x}"]
    )

    assert prompts(grid) == ["a fox at dawn", "a hen at dawn", "the fox", "the hen", "{x}"]
    assert [cell.animal for cell in grid] == ["fox", "hen", "fox", "hen", None]
    assert list(grid.df["template"].cat.categories) == ["a {animal} at dawn", "the {animal}", "{x}"]


def test_values_keep_label_note_and_weight():
    """What was said of a slot's value is on the axis."""
    made = template("a {animal}", animal=[value("vulpes vulpes", label="fox", note="in Latin"), "hen"])
    [axis] = [axis for axis in Grid(prompt=made).axes if axis.name == "animal"]

    assert (axis.labels, axis.notes) == (("fox", "hen"), ("in Latin", ""))


def test_the_same_text_twice_is_one_clip():
    """Two ways to fill the slots that write the same prompt ask for one clip: the second is skipped, and says why."""
    grid = Grid(prompt=template("a {x}{y}", x=["b", "bc"], y=["cd", "d"]))

    assert prompts(grid) == ["a bcd", "a bd", "a bccd"]
    assert [(each.cell.prompt, each.reason) for each in grid.skipped] == [
        ("a bcd", "asks for the same clip as cell 0 of the grid")
    ]


def test_labels_change_no_key():
    """Slots are not part of the request: the key is that of the prompt written out."""
    made = Grid(prompt=template("a {animal}", animal="fox"))

    assert made[0].key == Grid(prompt="a fox")[0].key
    assert made[0] == Grid(prompt="a fox")[0]


def test_search_and_replace():
    """G5: a finished prompt is varied by naming words; what else stands in it has no meaning of its own."""
    made = search_replace("a {red} boat, a red sky at dawn", colour=["red", "blue"], time=["dawn", "noon"])

    assert made.texts == [
        "a {red} boat, a red sky at dawn",
        "a {red} boat, a red sky at noon",
        "a {blue} boat, a blue sky at dawn",
        "a {blue} boat, a blue sky at noon",
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: template("a {b"), "character 3: a '{' without its '}'"),
        (lambda: template("a }"), "character 3: a '}' without its '{'"),
        (lambda: template("{{a|b} c|d}"), "character 6: a '}' without its '{'"),
        (lambda: template("{a|b"), "character 1: a '{' without its '}'"),
        (lambda: template("{a b}"), "'{a b}' is neither a slot like {name} nor a choice like {a|b}"),
        (lambda: template("{}"), "is neither a slot"),
        (lambda: template("{3-2$$a|b|c}"), "takes at least 3 and at most 2"),
        (lambda: template("{~a|b}"), "asks for a chance choice"),
        (lambda: template("{a|" * 60 + "b" + "}" * 60), "nested more than 40 deep"),
        (lambda: template("__animals__"), "no wildcards= says where its lines are"),
        (lambda: template("__animals__", wildcards={"animal": ["fox"]}), "has no lines for it"),
        (lambda: template("a __b"), "a '__' without its partner"),
        (lambda: template("__a__", wildcards={"a": ["__b__"], "b": ["__a__"]}), "in a circle: a -> b -> a"),
        (lambda: template("__a__", wildcards={"a": ["{x"]}), "wildcard 'a', line '{x', character 1"),
        (lambda: template("{12$$a|b|c|d|e|f|g|h|i|j|k|l}"), "it makes 479,001,600 texts"),
        (lambda: template("{a}{b}{c}", a=range(200), b=range(200), c=range(200)), "it makes 8,000,000 texts"),
        (lambda: template("{a}", a=[template("{b}")], b=[template("{a}")]), "in a circle: a -> b -> a"),
        (
            lambda: template("a {time}", tim=["noon"]),
            "slot 'tim' has values, and the text has no {tim}; it names {time}",
        ),
        (lambda: template("{a}", a=["x", "x"]), "slot a='x' is there twice"),
        (lambda: template("{a}", a=[]), "a=[] is an empty axis"),
        (lambda: template("{a}", a=[None]), "a slot takes texts and numbers"),
        (lambda: template(7), "is not a text"),
        (lambda: search_replace("abc", x=["z", "y"]), "x='z' does not stand in the prompt 'abc'"),
        (lambda: search_replace("abc", x=["ab", "y"], y=["bc", "z"]), "x and y overlap"),
        (lambda: Grid(prompt=template("a {moood}"), labels={"mood": ["calm"]}), "did you mean 'mood'?"),
        (lambda: Grid(prompt=template("a {size}", size=["b"])), "'size' is a field of the request"),
        (lambda: Grid(prompt=template("a {status}", status=["b"])), "'status' is a column of the table"),
        (lambda: Grid(linked(prompt=[template("{a|b}")], size=["16:9"])), "a template cannot be linked"),
        (lambda: Grid(prompt="a", labels={"mood": ["calm", "wild"]}), "no cell would differ by it"),
        (lambda: Grid(prompt=template(" {a| }")), "prompt=' ' is empty"),
        (lambda: template("{a|b} {c}").texts, "names {c}, which a grid has to fill"),
    ],
)
def test_bad_templates_are_clear_errors(made, said):
    """Every mistake names its place and what to do instead."""
    with pytest.raises(GridError) as caught:
        made()

    assert said in str(caught.value)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="{}|_$"), min_size=1, max_size=6)
LISTS = st.lists(WORDS, min_size=1, max_size=4, unique=True)


@given(st.lists(LISTS, min_size=1, max_size=3), WORDS)
def test_slots_are_the_product_in_order(values, between):
    """The texts are those of the nested loops that one would write by hand."""
    slots = {f"s{at}": each for at, each in enumerate(values)}
    made = template(between + between.join(f"{{{name}}}" for name in slots), **slots)

    assert made.texts == [between + between.join(chosen) for chosen in itertools.product(*values)]
    assert made == template(between + between.join(f"{{{name}}}" for name in slots), **slots)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_doubling_makes_any_text_literal(text):
    """Whoever doubles braces and double underscores gets the text itself."""
    doubled = text.replace("{", "{{").replace("}", "}}").replace("__", "____")

    assert template(doubled).texts == [text]


@given(st.text(st.sampled_from("{}|$_:a1-~ "), max_size=25))
def test_any_text_is_read_or_refused(text):
    """No text makes anything but a list of prompts or a GridError."""
    try:
        made = template(text)
    except GridError:
        return
    assert made.wanted or all(isinstance(each, str) for each in made.texts)


@given(LISTS, st.integers(0, 3), st.integers(0, 3))
def test_n_of_m_takes_them_in_every_order(options, low, more):
    """A bounded choice is all arrangements of that many different options."""
    high = min(low + more, len(options))
    stripped = [option.lstrip() for option in options]
    made = template(f"{{{low}-{low + more}$$ + $${'|'.join(options)}}}x")

    expected = [
        " + ".join(each)
        for count in range(min(low, len(options)), high + 1)
        for each in itertools.permutations(stripped, count)
        if len(set(each)) == count
    ]
    assert made.texts == [f"{text}x" for text in dict.fromkeys(expected)]
