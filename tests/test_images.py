"""Reference images: what is taken for one, what it is called, and what is refused before anything leaves."""

from __future__ import annotations

import copy
import hashlib
import io
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from gridgen import Grid, GridError
from gridgen.grid.images import LARGEST, LocalImage, local_images, reference

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://e.org/a.png"


def picture(colour: str = "red", form: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a file of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form)
    return out.getvalue()


@pytest.fixture
def boat(tmp_path) -> Path:
    """Return the path of a red picture."""
    path = tmp_path / "boat.png"
    path.write_bytes(picture())
    return path


def test_g14_one_content_is_one_key(boat, tmp_path):
    """G14: the same file under two names, as a text, a path or bytes, is one image and one key."""
    other = tmp_path / "copy.jpg"
    other.write_bytes(boat.read_bytes())

    cells = [
        Grid(prompt="a", image_urls=value)[0]
        for value in (str(boat), boat, other, boat.read_bytes(), bytearray(boat.read_bytes()), [boat])
    ]

    assert len({cell.key for cell in cells}) == 1
    assert cells[0].image_urls == ("sha256:" + hashlib.sha256(boat.read_bytes()).hexdigest(),)
    assert cells[0].key != Grid(prompt="a")[0].key
    boat.write_bytes(picture("blue"))
    assert Grid(prompt="a", image_urls=boat)[0].key != cells[0].key


def test_pixels_are_told_by_what_they_show():
    """A Pillow image and arrays of whole numbers or fractions of the same picture are one image, whatever encodes it."""
    shown = np.zeros((30, 40, 3), "uint8")
    shown[..., 0] = 255
    found = {
        reference(each)
        for each in (Image.new("RGB", (40, 30), "red"), shown, shown.astype("int64"), shown / 255, shown > 0)
    }

    assert (
        found == {"sha256:64c26bd54d1d8bdb4c0da8e39d56c1a2d0a8e4dd6d5ad76ac4ad2c6b4ff64d2f"}
        or len(found) == 1
    )
    [image] = found
    assert Image.open(io.BytesIO(image.read())).size == (40, 30)
    assert image.content_type == "image/png"
    assert reference(np.zeros((4, 5))) == reference(Image.new("L", (5, 4)))
    assert Image.open(io.BytesIO(reference(Image.new("P", (5, 4))).read())).mode == "RGB"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_type_is_told_by_the_content(form, tmp_path):
    """The four types that the API takes, under any name."""
    path = tmp_path / "picture.dat"
    path.write_bytes(picture(form=form))

    image = reference(path)

    assert image.content_type == f"image/{form.lower()}"
    assert image.read() == path.read_bytes()
    assert image.size == path.stat().st_size


def test_an_axis_of_all_kinds(boat):
    """URLs, files and pictures mix; each has a label, and a label tells them apart."""
    grid = Grid(prompt="a", image_urls=[None, URL, [boat, URL], Image.new("RGB", (8, 8))])

    labels = next(axis.labels for axis in grid.axes if axis.name == "image_urls")
    assert labels[:3] == ("no image", "a.png", "boat.png + a.png")
    assert labels[3].startswith("image ")
    assert [image.name for cell in grid for image in local_images(cell.image_urls)] == ["boat.png", labels[3]]


def test_a_picture_under_two_names_is_named_by_both(boat, tmp_path):
    """One content is one value of the axis, and the error says which file is which, without the bytes."""
    twin = tmp_path / "twin.png"
    twin.write_bytes(boat.read_bytes())

    for again, shown in [
        (twin, "'twin.png' is the picture 'boat.png' again"),
        (boat, "'boat.png' is on the axis twice"),
    ]:
        with pytest.raises(GridError) as caught:
            Grid(prompt="a", image_urls=[[boat], [again]])
        assert shown in str(caught.value)
    with pytest.raises(GridError) as caught:
        Grid(prompt="a", image_urls=[[boat], [boat.read_bytes()]])
    assert len(str(caught.value)) < 200


def test_a_list_of_pictures_can_be_read_in_two_ways(boat):
    """Two files in a flat list are one clip or two: the person says which."""
    with pytest.raises(GridError, match="can be read in two ways"):
        Grid(prompt="a", image_urls=[boat, boat.read_bytes()])


def test_an_image_looks_like_one(boat):
    """A notebook shows it small; a copy is the same image; its name is escaped."""
    image = reference(boat)

    assert image.thumbnail(16).startswith("data:image/webp;base64,")
    assert "<img" in image._repr_html_()
    assert "<b>" not in LocalImage(image, name="<b>", read=image.read)._repr_html_()
    assert copy.copy(image).read() == image.read()
    assert repr(image) == f"LocalImage('boat.png', image/png, {image.size} bytes)"


@pytest.mark.security("S20")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "is no JPEG, PNG, WebP or GIF by its content"),
        (b"", "is no JPEG, PNG, WebP or GIF by its content"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no JPEG, PNG, WebP or GIF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "begins like a picture and cannot be opened"),
        (picture() + b"\0" * LARGEST, "and the API takes 20 MB at most"),
    ],
)
def test_s20_only_pictures_leave(content, said, tmp_path):
    """S20: a key, a page or what is too large is refused when the grid is built, from a file and from memory."""
    path = tmp_path / "id_rsa"
    path.write_bytes(content)

    for value in (path, content):
        with pytest.raises(GridError) as caught:
            Grid(prompt="a", image_urls=value)
        assert said in str(caught.value)
        assert str(caught.value).endswith(". Nothing was submitted.")
        assert ".." not in str(caught.value)
        assert "'of " not in str(caught.value)


@pytest.mark.usefixtures("boat")
def test_paths_that_lead_nowhere(tmp_path):
    """A typo names the nearest file; a directory, a device and a URL of another kind are none."""
    for value, said in [
        (tmp_path / "baot.png", "does not exist (did you mean 'boat.png'?)"),
        (
            tmp_path / "none" / "x.png",
            f"does not exist in {str(tmp_path / 'none')!r}; a URL begins with https://",
        ),
        (tmp_path, "is not a file"),
        ("/dev/zero", "is not a file"),
        ("ftp://e.org/a.png", "is not public"),
        (np.zeros((3, 4, 7)), "image array of shape (3, 4, 7) is not (height, width)"),
        (np.full((3, 4), 300), "from 300 to 300: pixels are whole numbers from 0 to 255"),
        (np.full((3, 4), np.nan), "pixels are whole numbers"),
    ]:
        with pytest.raises(GridError) as caught:
            Grid(prompt="a", image_urls=value)
        assert said in str(caught.value)


def test_a_file_that_changes_is_not_sent(boat):
    """What was looked at is what is sent: another content under the same name is an error."""
    image = reference(boat)
    boat.write_bytes(picture("blue"))

    with pytest.raises(GridError, match="was changed since the grid was built"):
        image.read()
    boat.unlink()
    with pytest.raises(GridError, match="cannot be read any more"):
        image.read()


def test_no_array_library_is_imported():
    """Building a grid of pictures from bytes and Pillow needs neither numpy nor pandas."""
    code = (
        "import sys, io, gridgen; from PIL import Image; out = io.BytesIO(); "
        "Image.new('RGB', (4, 4)).save(out, 'PNG'); "
        "gridgen.Grid(prompt='a', image_urls=[[out.getvalue()], [Image.new('RGB', (5, 5))]]); "
        "print({'numpy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_fields_that_name_pictures_take_them(boat):
    """A first frame, and images with roles, are given like any picture, checked like one, and read by their name."""
    frame = Grid(prompt="a", model="MiniMax-H3", first_frame_image=[boat, None, URL])
    roles = Grid(
        prompt="a", model="seedance-2.0", image_with_roles=[[{"url": str(boat), "role": "first_frame"}]]
    )

    assert frame[0]["first_frame_image"] == reference(boat)
    assert next(axis.labels[0] for axis in frame.axes if axis.name == "first_frame_image") == "boat.png"
    assert roles[0]["image_with_roles"][0]["url"] == reference(boat)
    assert frame.estimate().uploads == roles.estimate().uploads == 1
    with pytest.raises(GridError, match="does not exist"):
        Grid(prompt="a", model="MiniMax-H3", first_frame_image="nowhere.png")
    with pytest.raises(GridError, match="takes a list of mappings with a url as image_with_roles"):
        Grid(prompt="a", model="seedance-2.0", image_with_roles=[[{"role": "first_frame"}]])


@pytest.mark.parametrize("name", ["grid.yaml", "grid.json"])
def test_a_file_brings_its_pictures_along(boat, tmp_path, name):
    """A grid that was saved and loaded has the same keys, and its pictures lie beside the file."""
    grid = Grid(prompt="a", image_urls=[[boat], [Image.new("RGB", (8, 8))], [URL]])
    (tmp_path / "elsewhere").mkdir()
    grid.save(tmp_path / "elsewhere" / name)
    boat.unlink()

    loaded = Grid.load(tmp_path / "elsewhere" / name)

    assert [cell.key for cell in loaded] == [cell.key for cell in grid]
    first, second = local_images(cell.image_urls for cell in loaded)
    assert (first.name, first.read()) == ("boat.png", picture())
    assert second.read()


def test_the_table_of_a_grid_shows_its_pictures(boat):
    """Rows and columns of a preview that stand for pictures show them small; those of the web are not fetched."""
    grid = Grid(prompt=["a", "b"], image_urls=[[boat], [URL], [boat, picture("blue")]])

    shown = grid._repr_html_()

    assert shown.count("<img src='data:image/webp;base64,") == 3
    assert "e.org" not in shown.replace("a.png", "")
