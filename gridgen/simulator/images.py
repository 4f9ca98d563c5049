"""Uploaded reference images: what they are, where they are served, how they arrive."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from email.message import Message
from typing import Any
from uuid import UUID

from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.state import is_time

__all__ = ["IMAGE_TYPES", "UPLOAD_LIMIT", "Upload", "file_field", "image_type", "make_upload"]

UPLOAD_LIMIT = 20 * 1024 * 1024
"""The largest image that is taken, in bytes."""

_PATH = re.compile(r"/f/image/[0-9a-f]{16}-[0-9a-f-]{36}-[A-Za-z0-9._-]{1,60}")
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""The types of image that are taken."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded image.

    Attributes
    ----------
    path : str
        Where it is served.
    name : str
        File name as sent.
    content_type : str
        Told from the content, whatever the sender claimed.
    data : bytes
        The image.
    at : float
        Unix seconds.
    """

    path: str
    name: str
    content_type: str
    data: bytes
    at: float

    def fields(self) -> list[Any]:
        """Return what `from_fields` takes, as JSON can hold it."""
        data = base64.b64encode(self.data).decode()
        return [self.path, self.name, self.content_type, data, self.at]

    @classmethod
    def from_fields(cls, fields: list[Any]) -> Upload:
        """Return the upload that `fields` came from.

        Raises
        ------
        ValueError
            If they are not those of an image that was taken.
        """
        path, name, content_type, text, at = fields
        data = base64.b64decode(text, validate=True)
        sound = _PATH.fullmatch(path) and isinstance(name, str) and is_time(at) and len(data) <= UPLOAD_LIMIT
        if not sound or image_type(data) != content_type:
            msg = "this is no upload"
            raise ValueError(msg)
        return cls(path, name, content_type, data, at)


def image_type(data: bytes) -> str | None:
    """Return the type of an image by its first bytes, None for anything else."""
    for magic, content_type in _MAGIC:
        if data.startswith(magic):
            return content_type
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return "image/webp" if is_webp else None


def make_upload(data: bytes, name: str, now: float, salt: str) -> Upload:
    """Return an upload whose path depends on the content and a salt alone.

    Raises
    ------
    ErrorReply
        400 if the content is no JPEG, PNG, WebP or GIF.
    """
    content_type = image_type(data)
    if content_type is None:
        message = "unsupported image format: JPEG, PNG, WebP and GIF are taken"
        raise ErrorReply.invalid(message, "invalid_image")
    digest = hashlib.blake2b(salt.encode() + b":" + data, digest_size=24).digest()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-60:].lstrip(".-") or "image"
    unique = UUID(bytes=digest[:16], version=4)
    return Upload(f"/f/image/{digest[16:].hex()}-{unique}-{plain}", name, content_type, data, now)


def file_field(body: bytes, content_type: str) -> tuple[str, bytes]:
    """Return name and content of the field ``file`` of a multipart form.

    Raises
    ------
    ErrorReply
        400 if there is no such field with a file in it.
    """
    boundary = _header(content_type).get_param("boundary")
    if isinstance(boundary, str) and boundary:
        delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        for part in (b"\r\n" + body).split(delimiter)[1:]:
            head, found, data = part.partition(b"\r\n\r\n")
            name = _file_name(head)
            if found and name is not None:
                return name, data
    message = "multipart field file is required"
    raise ErrorReply.invalid(message, "missing_file")


def _header(value: str) -> Message:
    message = Message()
    message["Content-Type"] = re.sub(r"[\r\n]+", " ", value)
    return message


def _file_name(head: bytes) -> str | None:
    """Return the file name in a part's head if the part is the field ``file``."""
    for line in head.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == "content-disposition":
            disposition = _header(value.strip())
            name = disposition.get_param("filename")
            if disposition.get_param("name") == "file" and name is not None:
                return name if isinstance(name, str) else name[2]
    return None
