"""A repeated picture, written straight into an H.264 stream.

A picture that is shown twice need not be encoded twice: a P slice whose
macroblocks are all skipped says "as before" in a few bytes. Syntax after
ITU-T H.264 (08/2021), sections 7.3.2.1, 7.3.2.2 and 7.3.3.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Repeats"]

_BASELINE: Final = 66
_SPS: Final = 7
_PPS: Final = 8
_ORDER_AS_DECODED: Final = 2


class Repeats:
    """Writes the repeats of one stream's pictures.

    Parameters
    ----------
    headers : bytes
        The stream's sequence and picture parameter sets, in Annex B form. They
        must be of the Baseline profile, frames in the order of decoding, which
        is what x264's preset ``ultrafast`` writes.
    macroblocks : int
        Blocks of 16 x 16 pixels in a picture.

    Raises
    ------
    ValueError
        The stream is of another kind.
    """

    def __init__(self, headers: bytes, macroblocks: int) -> None:
        units = {unit[0] & 31: _Bits(unit[1:]) for unit in re.split(b"\0\0\0?\1", headers)[1:]}
        self._macroblocks = macroblocks
        self._number_bits = _number_bits(units[_SPS])
        self._deblocking = _deblocking_control(units[_PPS])

    def after(self, since_key: int) -> bytes:
        """Return the picture that repeats its predecessor.

        Parameters
        ----------
        since_key : int
            Encoded pictures between the last keyframe and the predecessor; 0
            where the keyframe itself is repeated.
        """
        number = (since_key + 1) % (1 << self._number_bits)
        slice_ = _golomb(0) + _golomb(5) + _golomb(0)
        slice_ += f"{number:0{self._number_bits}b}"
        slice_ += "00" + _golomb(0)
        slice_ += _golomb(1) if self._deblocking else ""
        slice_ += _golomb(self._macroblocks) + "1"
        slice_ += "0" * (-len(slice_) % 8)
        payload = int(slice_, 2).to_bytes(len(slice_) // 8)
        return b"\0\0\0\1\1" + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)


class _Bits:
    """Reads the fields of a parameter set."""

    def __init__(self, unit: bytes) -> None:
        plain = unit.replace(b"\0\0\3", b"\0\0")
        self._text = f"{int.from_bytes(plain):0{8 * len(plain)}b}"
        self._place = 0

    def take(self, count: int) -> int:
        self._place += count
        return int(self._text[self._place - count : self._place], 2)

    def golomb(self) -> int:
        zeros = self._text.index("1", self._place) - self._place
        self._place += zeros
        return self.take(zeros + 1) - 1


def _golomb(value: int) -> str:
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _number_bits(sps: _Bits) -> int:
    profile = sps.take(8)
    sps.take(16)
    sps.golomb()
    bits, order = sps.golomb() + 4, sps.golomb()
    if (profile, order) != (_BASELINE, _ORDER_AS_DECODED):
        message = f"the encoder wrote profile {profile}, order {order}; expected {_BASELINE} and {_ORDER_AS_DECODED}."
        raise ValueError(message)
    return bits


def _deblocking_control(pps: _Bits) -> bool:
    pps.golomb()
    pps.golomb()
    arithmetic, _ = pps.take(1), pps.take(1)
    groups = pps.golomb()
    pps.golomb()
    pps.golomb()
    weighted = pps.take(3)
    if arithmetic or groups or weighted:
        message = "the encoder wrote CABAC, slice groups or weighted prediction; expected none of them."
        raise ValueError(message)
    for _ in range(3):
        pps.golomb()
    return bool(pps.take(1))
