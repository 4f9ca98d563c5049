"""What the form's fields mean: a grid, and Python that builds the same one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgen import Grid, GridError
from gridgen.form.draft import Draft, slots_of

SIZES = ("16:9", "9:16", "1:1")
texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30).filter(
    str.strip
)
drafts = st.builds(
    Draft,
    prompts=st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple),
    sizes=st.lists(st.sampled_from(SIZES), max_size=3, unique=True).map(tuple),
    qualities=st.sampled_from([(), ("480p",), ("480p", "720p")]),
    durations=st.sampled_from(["", "6", "6, 10", "6,8,..,14", "10,"]).filter(lambda text: text != "10,"),
    images=st.lists(
        st.sampled_from(["https://a.example/a.png", "https://a.example/b.png"]), max_size=2, unique=True
    ).map(tuple),
    bare=st.booleans(),
)


def rebuilt(draft: Draft) -> Grid:
    """Run the draft's code up to the grid, and return that."""
    code = draft.code(draft.grid(), client="None", folder='odd "folder"', budget="2.00")
    names: dict[str, object] = {}
    exec(code.partition("sweep =")[0], names)
    compile(code, "code", "exec")
    found = names["grid"]
    assert isinstance(found, Grid)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=80, deadline=None)
@given(drafts, st.data())
def test_the_code_rebuilds_the_grid(draft, data):
    """G15: whatever stands in the form, and whatever was clicked away, its Python makes an equal grid."""
    grid = draft.grid()
    for _ in range(data.draw(st.integers(0, 3))):
        cell = data.draw(st.sampled_from(list(grid))) if len(grid) else None
        if cell is None:
            break
        draft = draft.toggled((("prompt", cell.prompt), ("duration", cell.duration)), grid)
        grid = draft.grid()

    assert rebuilt(draft) == grid
    assert [each.reason for each in rebuilt(draft).skipped] == [each.reason for each in grid.skipped]


def test_a_template_asks_for_its_slots():
    """A slot without texts is told by name; with them it is an axis, also over several prompts."""
    draft = Draft(prompts=("a {animal} at {dawn|dusk}", "a {animal} asleep"), templated=True)

    with pytest.raises(GridError, match=r"\{animal\} has no texts"):
        draft.grid()

    filled = Draft(draft.prompts, templated=True, slots={"animal": ("fox", "hen")})
    assert len(filled.grid()) == 6
    assert rebuilt(filled) == filled.grid()
    assert "animal" in [axis.name for axis in filled.grid().axes]


def test_braces_are_literal_unless_they_are_said_to_be_slots():
    """A plain prompt keeps its braces, percent signs and underscores."""
    prompt = "50 % {off} __sale__"

    assert Draft(prompts=(prompt,)).grid()[0].prompt == prompt
    assert slots_of("a {fox") == ()


def test_a_click_leaves_out_and_takes_in_again():
    """A place that was left out comes back; a header takes with it what was left out below it."""
    draft = Draft(prompts=("a boat",), sizes=SIZES, durations="6, 10")
    grid = draft.grid()
    place, head = (("size", "16:9"), ("duration", 6)), (("size", "16:9"),)

    one = draft.toggled(place, grid)
    assert len(one.grid()) == 5
    assert one.toggled(place, one.grid()).grid() == grid

    whole = one.toggled(head, one.grid())
    assert whole.excluded == (head,)
    assert len(whole.grid()) == 4
    assert whole.toggled(place, whole.grid()).grid() == grid


def test_an_exclusion_rests_while_its_value_is_gone():
    """When a size is unticked the exclusion that names it does no harm, and holds again on its return."""
    draft = Draft(prompts=("a boat",), sizes=SIZES, excluded=((("size", "1:1"),),))

    assert len(draft.grid()) == 2
    assert len(Draft(prompts=("a boat",), sizes=SIZES[:2], excluded=draft.excluded).grid()) == 2


@pytest.mark.parametrize("durations", ["ten", "6,,8", "5", "6 8"])
def test_a_wrong_duration_is_told(durations):
    """What is no list of offered seconds raises before anything is shown as a grid."""
    with pytest.raises(GridError):
        Draft(prompts=("a boat",), durations=durations).grid()
