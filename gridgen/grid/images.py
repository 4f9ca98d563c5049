"""Reference images: a URL of the web, or a picture of one's own that is uploaded once.

A picture is told by its content: the first bytes say JPEG, PNG, WebP or GIF
(the types that ``POST /v1/uploads/images`` takes, up to 20 MB), whatever the
file is called. Nothing else is ever read further, let alone sent.
"""

from __future__ import annotations

import base64
import difflib
import functools
import hashlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gridgen.atomic import write_atomically
from gridgen.errors import GridError, Problem
from gridgen.models.fields import public_url
from gridgen.money import without_mathematics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PIL import Image

__all__ = [
    "FRESH",
    "HASH",
    "LARGEST",
    "NOT_SENT",
    "UPLOAD_LIFE",
    "LocalImage",
    "copy_into",
    "digested",
    "is_picture",
    "local_images",
    "pictured",
    "recall",
    "recalled",
    "reference",
    "thumbnails",
]

LARGEST = 20 * 2**20
"""Bytes of the largest image that the API takes (docs.apimart.ai, uploads/images)."""

UPLOAD_LIFE = 72 * 3600.0
"""Seconds for which an uploaded image can be fetched (docs.apimart.ai, uploads/images)."""

FRESH = 6 * 3600.0
"""Seconds that a link must still live when a submission names it; the task may wait in a queue."""

NOT_SENT = "Nothing of it was sent."
"""What is said of a picture that is no good."""

PICTURES = "images"
"""Where a sweep's folder keeps copies of pictures."""

HASH = "sha256:"
"""How the text of a picture of one's own begins; 64 hexadecimal digits follow."""

_HEAD = 16
_DIGEST = re.compile(f"{HASH}[0-9a-f]{{64}}")
_MAGIC = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp"}


class LocalImage(str):
    """A picture that lies on this machine; its text is ``sha256:`` and the hash of its content.

    Two files of the same content are equal, whatever they are called, so they make
    one key and one upload. A picture that was given as pixels (Pillow, numpy) is
    told by its pixels.

    Attributes
    ----------
    name : str
        What a person reads: the file's name, or a few digits of the hash.
    content_type : str
        Such as ``image/png``, told from the content.
    size : int
        Bytes.
    """

    __slots__ = ("_read", "_thumbnails", "content_type", "name", "size")

    name: str
    content_type: str
    size: int
    _read: Callable[[], bytes] | None
    _thumbnails: dict[int, str]

    def __new__(
        cls,
        text: str,
        *,
        name: str = "",
        content_type: str = "",
        size: int = 0,
        read: Callable[[], bytes] | None = None,
    ) -> Self:
        """Make one from its text; without ``read`` its content is elsewhere."""
        made = super().__new__(cls, text)
        made.name, made.content_type, made.size = name or f"image {text[7:13]}", content_type, size
        made._read, made._thumbnails = read, {}
        return made

    def __repr__(self) -> str:
        return f"LocalImage({self.name!r}, {self.content_type or 'not here'}, {self.size:,} bytes)"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        known = {"name": self.name, "content_type": self.content_type, "size": self.size}
        return (str(self),), {**known, "read": self._read}

    @property
    def is_recalled(self) -> bool:
        """Whether it is known from a sweep's folder and not from a person's file."""
        return self._read is None or getattr(self._read, "func", None) is _read_copy

    @property
    def digest(self) -> str:
        """The hash alone, in hexadecimal digits."""
        return self[7:]

    @property
    def file_name(self) -> str:
        """A name for its copy, the same for the same content."""
        return self.digest[:32] + _SUFFIX.get(self.content_type, ".bin")

    def read(self) -> bytes:
        """Return the content.

        Raises
        ------
        GridError
            If the file is gone, or is another one by now.
        """
        if self._read is None:
            msg = f"the image {self.name!r} is not at hand: build the grid from the file again"
            raise GridError(msg, nothing=NOT_SENT)
        return self._read()

    def thumbnail(self, side: int = 64) -> str:
        """Return it as a ``data:`` URL of a small WebP picture, `side` pixels on its long side."""
        if side not in self._thumbnails:
            from PIL import Image, ImageOps

            with Image.open(io.BytesIO(self.read())) as opened:
                opened.draft("RGB", (side, side))
                small = ImageOps.exif_transpose(opened).convert("RGB")
            small.thumbnail((side, side))
            out = io.BytesIO()
            small.save(out, "WEBP", quality=70, method=4)
            self._thumbnails[side] = "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
        return self._thumbnails[side]

    @without_mathematics
    def _repr_html_(self) -> str:
        import html

        return (
            f"<img src='{self.thumbnail(160)}' alt='{html.escape(self.name, quote=True)}'>"
            f"<br><small>{html.escape(repr(self))}</small>"
        )


def is_picture(value: object) -> bool:
    """Whether a value is one picture: bytes, a path, a Pillow image or an array of pixels."""
    return (
        isinstance(value, (LocalImage, bytes, bytearray, memoryview, os.PathLike))
        or _is_pillow(value)
        or _is_array(value)
    )


def reference(value: Any) -> str:
    """Return a reference image: the URL, or the picture that a value is.

    Parameters
    ----------
    value : str, path, bytes, Pillow image or array
        A public URL; the path of a file; the content of one; a picture in memory; an
        array of shape (height, width), (height, width, 3) or (height, width, 4) with
        whole numbers from 0 to 255, or with fractions from 0 to 1.

    Raises
    ------
    GridError
        If it is none of these, no JPEG, PNG, WebP or GIF, or larger than 20 MB.
    """
    if isinstance(value, LocalImage) or public_url(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str) and _is_remote(value):
        msg = f"image URL {value[:60]!r} is not public: it must start with https:// or http:// (no data: or file:)"
        raise GridError(msg)
    if isinstance(value, (str, os.PathLike)):
        return _of_path(Path(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(value))
    if _is_array(value):
        return _of_pixels(_pillow(value), "")
    if _is_pillow(value):
        return _of_pixels(value, Path(getattr(value, "filename", "") or "").name)
    msg = f"image {value!r:.60} is a {type(value).__name__}, not a URL, a path, bytes, a Pillow image or an array"
    raise GridError(msg)


def local_images(values: Iterable[Any]) -> list[LocalImage]:
    """Return the pictures of one's own among the values of a cell, however deep, each once."""
    found: dict[str, LocalImage] = {}
    for value in values:
        if isinstance(value, LocalImage):
            found.setdefault(value, value)
        elif isinstance(value, (list, tuple)):
            found.update({image: image for image in local_images(value)})
        elif isinstance(value, dict):
            found.update({image: image for image in local_images(value.values())})
    return list(found.values())


def pictured(value: Any) -> Any:
    """Return a value of a field that names pictures, each by its URL or as the picture that it is.

    Parameters
    ----------
    value : object
        A picture as `reference` takes it, a mapping with one under ``url``, or a list
        of either.

    Raises
    ------
    GridError
        As `reference`.
    """
    if isinstance(value, Mapping):
        return {name: reference(each) if name == "url" else each for name, each in value.items()}
    if isinstance(value, (list, tuple)) and not is_picture(value):
        return tuple(pictured(each) for each in value)
    return reference(value)


def thumbnails(value: object) -> str:
    """Return the pictures of one's own in a value as small HTML pictures, "" where there is none.

    Pictures of the web are not fetched.
    """
    return "".join(_small(image) for image in local_images([value]))


def _small(image: LocalImage) -> str:
    try:
        url = image.thumbnail(40)
    except GridError:
        return ""
    style = "vertical-align:middle;margin-right:.4em;display:inline-block"
    return f"<img src='{url}' alt='' style='{style}'>"


def copy_into(images: Iterable[LocalImage], folder: Path) -> None:
    """Put a copy of each picture into a sweep's folder, so that it can be sent from there again.

    Of those known from a folder, one that is gone or spoilt is passed over: it is an
    error of the cells that need it still.

    Raises
    ------
    GridError
        If a person's file is gone, or is another one by now.
    """
    images = list(images)
    if images:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for image in images:
        path = folder / PICTURES / image.file_name
        if path.is_file():
            continue
        try:
            data = image.read()
        except GridError:
            if image.is_recalled:
                continue
            raise
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with write_atomically(path, shared=True) as part:
            part.write_bytes(data)


def digested(text: str) -> str:
    """Return the text of a picture, having seen that it is one: it names a file when the picture is recalled.

    Raises
    ------
    GridError
        If it is not ``sha256:`` and 64 hexadecimal digits.
    """
    if not _DIGEST.fullmatch(text):
        msg = f"image {text!r:.90} is not '{HASH}' and the 64 hexadecimal digits of a picture's hash"
        raise GridError(msg, nothing=NOT_SENT)
    return text


def recalled(told: Any, folder: Path) -> Any:
    """Return JSON values with the pictures in them, each a mapping with the key ``image``, as copies in a folder.

    Raises
    ------
    GridError
        As `recall`.
    """
    if isinstance(told, dict):
        if isinstance(told.get("image"), str) and told["image"].startswith(HASH):
            return recall(told["image"], folder, told.get("name", ""))
        return {name: recalled(each, folder) for name, each in told.items()}
    return [recalled(each, folder) for each in told] if isinstance(told, list) else told


def recall(text: str, folder: Path, name: str = "") -> LocalImage:
    """Return a picture by its text from the copy that `keep` left; without one it cannot be read.

    Raises
    ------
    GridError
        If the text is no picture's.
    """
    digested(text)
    name = str(name)
    for content_type, suffix in _SUFFIX.items():
        path = folder / PICTURES / f"{text[7:39]}{suffix}"
        if path.is_file():
            size = path.stat().st_size
            read = functools.partial(_read_copy, path, text)
            return LocalImage(text, name=name, content_type=content_type, size=size, read=read)
    return LocalImage(text, name=name)


def _read_copy(path: Path, text: str) -> bytes:
    """Return the content of a kept copy, having seen that it is the picture still: anybody may have changed it."""
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else b""
    except OSError as error:
        msg = f"the copy {str(path)!r} cannot be read: {error.strerror}"
        raise GridError(msg, nothing=NOT_SENT) from error
    if _type(data[:_HEAD]) is not None and (_text(data) == text or _pixels_of(data) == text):
        return data
    msg = f"the copy {str(path)!r} is not the picture that it was: delete it and build the grid from the picture again"
    raise GridError(msg, nothing=NOT_SENT)


def _pixels_of(data: bytes) -> str:
    """Return the text of a picture that was given as pixels, "" for none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as opened:
            return _text_of_pixels(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ""


def _is_remote(text: str) -> bool:
    return "://" in text or text.startswith("data:")


def _of_path(given: Path) -> LocalImage:
    path = given.expanduser().absolute()
    try:
        if not path.is_file():
            raise GridError(_missing(given, path), nothing=NOT_SENT)
        if path.stat().st_size > LARGEST:
            raise GridError(_too_large(repr(str(given)), path.stat().st_size), nothing=NOT_SENT)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if _type(head) is None:
                raise GridError(_no_image(repr(str(given))), nothing=NOT_SENT)
            data = head + file.read(LARGEST)
    except OSError as error:
        msg = f"image {str(given)!r} cannot be read: {error.strerror}"
        raise GridError(msg, nothing=NOT_SENT) from error
    text = _text(data)
    return _made(text, data, path.name, lambda: _read_again(path, text))


def _of_bytes(data: bytes) -> LocalImage:
    if len(data) > LARGEST:
        raise GridError(_too_large(f"of {len(data):,} bytes", len(data)), nothing=NOT_SENT)
    if _type(data[:_HEAD]) is None:
        raise GridError(_no_image(f"of {len(data):,} bytes"), nothing=NOT_SENT)
    return _made(_text(data), data, "", lambda: data)


def _of_pixels(picture: Image.Image, name: str) -> LocalImage:
    """Return a picture in memory, told by its pixels: encoders change, and the key may not."""
    plain = picture if picture.mode in {"L", "RGB", "RGBA"} else picture.convert(_mode(picture))
    text = _text_of_pixels(plain)
    out = io.BytesIO()
    plain.save(out, "PNG")
    data = out.getvalue()
    if len(data) > LARGEST:
        raise GridError(_too_large(f"of {plain.width}x{plain.height} pixels", len(data)), nothing=NOT_SENT)
    return _made(text, data, name, lambda: data)


def _text_of_pixels(picture: Image.Image) -> str:
    head = f"{picture.mode} {picture.width}x{picture.height}\n".encode()
    return HASH + hashlib.sha256(head + picture.tobytes()).hexdigest()


def _mode(picture: Image.Image) -> str:
    return "RGBA" if "A" in picture.mode or "transparency" in picture.info else "RGB"


def _made(text: str, data: bytes, name: str, read: Callable[[], bytes]) -> LocalImage:
    _check_header(data, repr(name) if name else f"of {len(data):,} bytes")
    return LocalImage(text, name=name, content_type=_type(data[:_HEAD]) or "", size=len(data), read=read)


def _check_header(data: bytes, name: str) -> None:
    """Refuse what only begins like a picture: the server would, too, at the cost of an upload."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)):
            pass
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        msg = f"image {name} begins like a picture and cannot be opened{why}; save it again"
        raise GridError(msg, nothing=NOT_SENT) from error


def _type(head: bytes) -> str | None:
    for magic, content_type in _MAGIC.items():
        if head.startswith(magic):
            return content_type
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _text(data: bytes) -> str:
    return HASH + hashlib.sha256(data).hexdigest()


def _read_again(path: Path, text: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"image {str(path)!r} cannot be read any more: {error.strerror}"
        raise GridError(msg, nothing=NOT_SENT) from error
    if _text(data) != text:
        msg = f"image {str(path)!r} was changed since the grid was built: build the grid again"
        raise GridError(msg, nothing=NOT_SENT)
    return data


def _missing(given: Path, path: Path) -> Problem:
    if path.exists():
        return Problem(f"image {str(given)!r} is not a file", value=given)
    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = next(iter(difflib.get_close_matches(path.name, beside, n=1)), "")
    why = f"image {str(given)!r} does not exist{'' if hint else f' in {str(path.parent)!r}'}"
    return Problem(why, value=given, hint=hint, remedy="a URL begins with https://")


def _too_large(name: str, size: int) -> str:
    return (
        f"image {name} has {size / 2**20:.1f} MB and the API takes 20 MB at most; make it smaller, "
        "or save it as JPEG"
    )


def _no_image(name: str) -> str:
    return f"image {name} is no JPEG, PNG, WebP or GIF by its content"


def _is_pillow(value: object) -> bool:
    return any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in type(value).__mro__)


def _is_array(value: object) -> bool:
    return hasattr(value, "__array_interface__") and len(getattr(value, "shape", ())) > 1


def _pillow(array: Any) -> Image.Image:
    """Return an array of pixels as a picture, without importing the library that it is of."""
    from PIL import Image

    shape, kind = array.shape, array.dtype.kind
    if len(shape) not in {2, 3} or (len(shape) == 3 and shape[2] not in {1, 3, 4}) or 0 in shape:  # noqa: PLR2004 - dimensions
        msg = f"image array of shape {shape} is not (height, width), (height, width, 3) or (height, width, 4)"
        raise GridError(msg)
    low, high = array.min(), array.max()
    most = 1 if kind in "fb" else 255
    if kind not in "fuib" or not 0 <= low <= high <= most:
        msg = (
            f"image array of {array.dtype} from {low} to {high}: pixels are whole numbers from 0 to 255, "
            "or fractions from 0 to 1"
        )
        raise GridError(msg)
    scaled = (array * 255 + 0.5 if most == 1 else array).astype("uint8")
    return Image.fromarray(scaled[..., 0] if shape[2:] == (1,) else scaled)
