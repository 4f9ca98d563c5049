"""Ways in which clips are billed, each with the price list that a server publishes of it and its own reckoning.

Facts and figures are those of apimart.ai's pricing page of 2026-09-24; nothing here reads
a list, so that what is billed does not hang on how gridgen reads one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURE, VIDEO = "https://e.org/a.png", "https://e.org/v.mp4"


class Form(NamedTuple):
    """A way to bill: twelve cells that ask for it, what is published, and what each body is billed.

    Attributes
    ----------
    axes : dict
        Of the grid, the model among them.
    listed : dict
        ``data`` of the reply of the price list.
    bill : callable
        Returns USD for a body.
    """

    axes: dict[str, Any]
    listed: dict[str, Any]
    bill: Callable[[dict[str, Any]], Decimal]

    @property
    def model(self) -> str:
        """The only model."""
        return self.axes["model"]


def prompts(count: int) -> list[str]:
    """Return so many prompts."""
    return [f"boat {number}" for number in range(count)]


def published(
    unit: str, whole: str | None = None, tiers: dict[str, str] | None = None, **further: Any
) -> dict:
    """Return what the list says of a model billed by seconds or calls: what is billed, and a fourth more before the discount."""
    usd = {name: float(price) for name, price in (tiers or {}).items()}
    return {
        "billing_type": f"per_{unit}",
        "discount_rate": 0.8,
        "model_price": float(whole or 0) / 0.8,
        "paid_price": float(whole or 0),
        "resolution_prices": {name: price / 0.8 for name, price in usd.items()},
        "resolution_paid_prices": usd,
        "billing_tier_paid_prices": {},
        "size_quality_prices": {},
        **further,
    }


def of_modes(whole: str, **tiers: str) -> dict:
    """Return what the list says of a model with modes: their prices stand beside empty ones by resolution."""
    usd = {name.replace("_", "-"): float(price) for name, price in tiers.items()}
    return published("second", whole, billing_tier_paid_prices=usd)


def usd(table: dict[str, str], name: str) -> Decimal:
    """Return a figure of a table."""
    return Decimal(table[name])


SEEDANCE = {"480p": "0.066", "720p": "0.142"}
SEEDANCE_INPUT = {"480p": "0.04", "720p": "0.08584"}
H3 = {"2K": "0.09144", "768P": "0.05712"}
PIXVERSE = {"360p": "0.016", "720p": "0.032"}
PIXVERSE_AUDIO = {"360p": "0.024", "720p": "0.04"}
KLING = {"std": "0.0672", "pro": "0.0896", "4k": "0.42856"}
KLING_SOUND = {"std": "0.1008", "pro": "0.1344", "4k": "0.42856"}
OMNI_KLING = {"std": "0.0672", "pro": "0.0896"}
OMNI_KLING_VIDEO = {"std": "0.1008", "pro": "0.1344"}
OMNI = {"720p-4": "0.25", "720p-10": "0.4", "4k-4": "0.75", "4k-10": "0.9"}
XAI = {"480p": "0.064", "720p": "0.112"}
SKYREELS = {"480p": "0.064", "720p": "0.088"}
ALL_SEEDANCE = published(
    "second",
    None,
    {"480P": "0.066", "480P-input": "0.04", "720P": "0.142", "720P-input": "0.08584", "1080P": "0.3544"},
)
ALL_H3 = published("second", "0.09144", {"2K": "0.09144", "768P": "0.05712"})
ALL_PIXVERSE = published(
    "second", "0.024", {"360P": "0.016", "360P-audio": "0.024", "720P": "0.032", "720P-audio": "0.04"}
)
ALL_OMNI = published(
    "request",
    "0.35",
    {
        "720P-4S": "0.25",
        "720P-10S": "0.4",
        "4K-4S": "0.75",
        "4K-10S": "0.9",
        "720P-VIDREF": "0.08",
        "4K-VIDREF": "0.24",
    },
)


def pictures(*counts: int) -> list[list[str]]:
    """Return lists of so many pictures each."""
    return [[f"https://e.org/{number}.png" for number in range(count)] for count in counts]


def _tiered(table: dict[str, str], field: str = "resolution") -> Callable[[dict[str, Any]], Decimal]:
    return lambda body: usd(table, body[field]) * body["duration"]


def _pictures(body: dict[str, Any], each: str, free: int = 0) -> Decimal:
    return max(0, len(body.get("image_urls", ())) - free) * Decimal(each)


def _kling(body: dict[str, Any]) -> Decimal:
    return usd(KLING_SOUND if body.get("audio") else KLING, body["mode"]) * body["duration"]


def _seconds_of(video: str) -> int:
    return int(video.rpartition("/")[2].partition(".")[0])


LONGER = [[f"https://e.org/{seconds}.mp4"] for seconds in range(2, 26, 2)]
"""Reference videos, each two seconds longer than the one before."""

KNOWN = {
    "seconds by resolution": Form(
        {"model": "seedance-2.0", "prompt": prompts(3), "duration": [4, 7], "quality": ["480p", "720p"]},
        ALL_SEEDANCE,
        _tiered(SEEDANCE),
    ),
    "a default and a tier": Form(
        {"model": "MiniMax-H3", "prompt": prompts(3), "duration": [4, 9], "quality": ["768p", "2k"]},
        published("second", "0.09144", {"768P": "0.05712"}),
        _tiered(H3),
    ),
    "further pictures": Form(
        {"model": "MiniMax-H3", "prompt": prompts(4), "image_urls": pictures(1, 5, 9), "quality": "768p"},
        {**ALL_H3, "input_image_price": 0.0286, "input_image_paid_price": 0.0229},
        lambda body: usd(H3, body["resolution"]) * body["duration"] + _pictures(body, "0.0229", free=5),
    ),
    "each picture": Form(
        {
            "model": "grok-imagine-video-1.5",
            "prompt": prompts(2),
            "image_urls": pictures(1, 2, 7),
            "quality": ["480p", "720p"],
        },
        published("second", None, {"480P": "0.064", "720P": "0.112"}, input_material_prices={"image": 0.008}),
        lambda body: usd(XAI, body["resolution"]) * body["duration"] + _pictures(body, "0.008"),
    ),
    "all pictures but the first": Form(
        {
            "model": "grok-imagine-video-1.5",
            "prompt": prompts(6),
            "image_urls": pictures(1, 7),
            "quality": "720p",
        },
        published("second", None, {"720P": "0.112"}, input_image_price=0.02, input_image_first_free=True),
        lambda body: usd(XAI, body["resolution"]) * body["duration"] + _pictures(body, "0.02", free=1),
    ),
    "with and without sound": Form(
        {"model": "pixverse-v6", "prompt": prompts(3), "audio": [True, False], "quality": ["360p", "720p"]},
        ALL_PIXVERSE,
        lambda body: (
            usd(PIXVERSE_AUDIO if body.get("audio") else PIXVERSE, body["resolution"]) * body["duration"]
        ),
    ),
    "billing tiers": Form(
        {
            "model": "kling-v3",
            "prompt": prompts(2),
            "audio": [True, False],
            "quality": ["720p", "1080p", "4k"],
        },
        of_modes(
            "0.0672",
            sound="0.1008",
            pro="0.0896",
            pro_sound="0.1344",
            **{"4k": "0.42856", "4k_sound": "0.42856"},
        ),
        _kling,
    ),
    "billing tiers with a reference video": Form(
        {
            "model": "kling-v3-omni",
            "prompt": prompts(3),
            "quality": ["720p", "1080p"],
            "video_list": [None, [{"video_url": VIDEO}]],
        },
        of_modes("0.0672", video="0.1008", pro="0.0896", pro_video="0.1344", sound="0.0896"),
        lambda body: (
            usd(OMNI_KLING_VIDEO if body.get("video_list") else OMNI_KLING, body["mode"]) * body["duration"]
        ),
    ),
    "by call": Form(
        {"model": "veo3.1-fast", "prompt": prompts(4), "quality": ["720p", "1080p", "4k"]},
        published("request", "0.14", {"4K": "0.64", "extend": "0.14", "EXTEND-4K": "0.64"}),
        lambda body: Decimal("0.64" if body["resolution"] == "4k" else "0.14"),
    ),
    "by call and length": Form(
        {
            "model": "gemini-omni-1.1-flash-ext",
            "prompt": prompts(3),
            "duration": [4, 10],
            "quality": ["720p", "4k"],
        },
        ALL_OMNI,
        lambda body: usd(OMNI, f"{body['resolution']}-{body['duration']}"),
    ),
    "by call with a reference video": Form(
        {
            "model": "gemini-omni-1.1-flash-ext",
            "prompt": prompts(6),
            "quality": ["720p", "4k"],
            "video_urls": [[VIDEO]],
        },
        ALL_OMNI,
        lambda body: Decimal("0.24" if body["resolution"] == "4k" else "0.08"),
    ),
    "before its discount": Form(
        {"model": "skyreels-v4-fast", "prompt": prompts(3), "duration": [4, 7], "quality": ["480p", "720p"]},
        {
            "billing_type": "per_second",
            "discount_rate": 0.8,
            "resolution_prices": {"480P": 0.08, "720P": 0.11},
            "resolution_paid_prices": {},
        },
        _tiered(SKYREELS),
    ),
    "beside prices of tokens": Form(
        {"model": "seedance-2.0", "prompt": prompts(6), "quality": ["480p", "720p"]},
        {**ALL_SEEDANCE, "billing_tier_paid_prices": {"token": 10, "token-input": 6}},
        _tiered(SEEDANCE),
    ),
}
"""Forms that a list tells before a clip is made."""

UNKNOWN = {
    "the seconds of a reference video": Form(
        {
            "model": "seedance-2.0",
            "prompt": prompts(3),
            "duration": [4, 7],
            "quality": ["480p", "720p"],
            "video_urls": [[VIDEO]],
        },
        ALL_SEEDANCE,
        lambda body: usd(SEEDANCE_INPUT, body["resolution"]) * (body["duration"] + 8),
    ),
    "reference videos of any length": Form(
        {"model": "seedance-2.0", "prompt": "boat", "quality": ["480p"], "video_urls": LONGER},
        ALL_SEEDANCE,
        lambda body: Decimal("0.04") * (body["duration"] + _seconds_of(body["video_urls"][0])),
    ),
    "a clip as long as its reference video": Form(
        {
            "model": "kling-v3-motion-control",
            "prompt": "boat",
            "image_urls": [PICTURE],
            "video_url": [each for [each] in LONGER],
        },
        of_modes("0.10288", pro="0.13712"),
        lambda body: Decimal("0.10288") * _seconds_of(body["video_url"]),
    ),
    "lengths that the model chooses": Form(
        {"model": "seedance-2.5", "prompt": prompts(12), "duration": -1, "quality": "480p"},
        published("second", "0.216", {"480P": "0.09608", "720P": "0.216"}),
        lambda body: Decimal("0.09608") * (4 + 2 * int(body["prompt"].split()[1])),
    ),
    "tokens": Form(
        {"model": "seedance-2.5", "prompt": prompts(3), "duration": [4, 7], "quality": ["480p", "720p"]},
        {"billing_type": "per_token", "paid_price": 0.0000004, "resolution_paid_prices": {}},
        lambda body: (
            Decimal("0.0000004") * 24 * body["duration"] * (9_000 if body["resolution"] == "720p" else 4_000)
        ),
    ),
    "a unit that nobody knows": Form(
        {"model": "skyreels-v4-fast", "prompt": prompts(6), "quality": ["480p", "720p"]},
        {"billing_type": "per_frame", "paid_price": 0.004, "resolution_paid_prices": {"480P": 0.003}},
        lambda body: Decimal("0.004") * 24 * body["duration"],
    ),
    "a family that nobody knows": Form(
        {"model": "pixverse-v6", "prompt": prompts(6), "duration": [5, 8], "quality": "720p"},
        published("second", "0.024", {"720P": "0.032", "720P-hologram": "0.09"}),
        lambda body: Decimal("0.09") * body["duration"],
    ),
    "a whole family that nobody knows": Form(
        {"model": "pixverse-v6", "prompt": prompts(6), "duration": [5, 8], "quality": "720p"},
        published("second", "0.024", {"hologram": "0.09"}),
        lambda body: Decimal("0.09") * body["duration"],
    ),
    "entries that nobody proved": Form(
        {"model": "sora-2-pro", "prompt": prompts(4), "quality": ["720p", "1024p", "1080p"]},
        published(
            "second", "0.6", {"official-720P": "0.24", "official-1024P": "0.4", "official-1080P": "0.56"}
        ),
        lambda body: Decimal("0.6") * body["duration"],
    ),
    "a table by size": Form(
        {"model": "grok-imagine-1.5-video-ext", "prompt": prompts(6), "quality": ["480p", "720p"]},
        {"billing_type": "per_second", "paid_price": 0, "size_quality_prices": {"16:9": {"480p": 0.02}}},
        lambda body: Decimal("0.02") * body["duration"],
    ),
    "extending a clip": Form(
        {
            "model": "pixverse-v6",
            "prompt": prompts(6),
            "extend_from_task_id": "task_1",
            "quality": ["360p", "720p"],
        },
        ALL_PIXVERSE,
        lambda body: Decimal("0.06") * body["duration"],
    ),
    "sound that the tier's list lacks": Form(
        {"model": "kling-v3", "prompt": prompts(12), "audio": True, "quality": "4k"},
        of_modes("0.0672", sound="0.1008", pro="0.0896", pro_sound="0.1344", **{"4k": "0.42856"}),
        lambda body: Decimal("0.6") * body["duration"],
    ),
    "a length that the model chooses": Form(
        {"model": "seedance-2.5", "prompt": prompts(6), "duration": -1, "quality": ["480p", "720p"]},
        published("second", "0.216", {"480P": "0.09608", "720P": "0.216"}),
        lambda body: (Decimal("0.09608") if body["resolution"] == "480p" else Decimal("0.216")) * 12,
    ),
    "a length that the list lacks": Form(
        {"model": "gemini-omni-1.1-flash-ext", "prompt": prompts(6), "duration": [6, 8], "quality": "720p"},
        ALL_OMNI,
        lambda body: Decimal("0.3") if body["duration"] == 6 else Decimal("0.35"),
    ),
    "no list": Form(
        {
            "model": "grok-imagine-1.0-video-apimart",
            "prompt": prompts(3),
            "duration": [6, 12],
            "quality": ["480p", "720p"],
        },
        {},
        lambda body: Decimal("0.0102" if body["quality"] == "480p" else "0.01912") * body["duration"],
    ),
    "a check that costs more": Form(
        {
            "model": "grok-imagine-1.5-video-ext",
            "prompt": prompts(6),
            "nsfw_check": True,
            "quality": ["480p", "720p"],
        },
        published("second", None, {"480P": "0.0102", "720P": "0.01912"}),
        lambda body: (
            (Decimal("0.0102") if body["resolution"] == "480p" else Decimal("0.01912")) * body["duration"]
            + Decimal("0.02")
        ),
    ),
}
"""Forms of which the price is known only when a clip has been charged."""
