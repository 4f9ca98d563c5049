"""A prompt read as directions for a picture: light, weather, pace, camera, subject.

Words with a meaning here act as they read. All other words, and the seed,
only choose shapes and paths, through a hash.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import NAMES
from gridgen.simulator.clips.kinds import KINDS, having

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Look", "Subject", "read"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what the clip is about.

    Attributes
    ----------
    kind : str
        The silhouette, such as ``"fox"`` or ``"paper boat"``.
    deed : str
        How it moves: run, walk, wait, float, leap, fly, swim, rise, fall, dance or bloom.
    colour : str or None
        The colour word before it.
    many : bool
        Whether the prompt speaks of several.
    others : int
        How many more than one those are, where it says so.
    ridden : bool
        Whether somebody sits on it.
    """

    kind: str
    deed: str
    colour: str | None = None
    many: bool = False
    others: int = 4
    ridden: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a prompt asks to be seen.

    Attributes
    ----------
    setting : str or None
        The place, such as ``"forest"``; None leaves it to the hash.
    hour : str or None
        dawn, day, golden, dusk or night; None leaves it to the hash.
    weather : frozenset of str
        Any of rain, snow, fog, storm, cloud, stars, aurora, and of what floats in the
        air: petals, leaves, embers, fireflies, bubbles, dust, confetti.
    heavy : float
        How much of that weather, 1 being usual.
    colour : str or None
        The colour word that tints the whole picture.
    light : float
        Exposure, 1 being usual.
    pace : float
        Speed of everything that moves, 1 being usual, 0.3 to 3.
    camera : str
        drift, static, push in, pull out, pan left, pan right, tilt up, tilt
        down, orbit or handheld.
    subjects : tuple of Subject
        At most two, the first being the main one.
    manner : frozenset of str
        neon, birch, autumn, blossom, snowy, mono, vivid or pale.
    """

    setting: str | None
    hour: str | None
    weather: frozenset[str]
    heavy: float
    colour: str | None
    light: float
    pace: float
    camera: str
    subjects: tuple[Subject, ...]
    manner: frozenset[str]


def _table(**meanings: str) -> dict[str, str]:
    """Turn ``meaning="word word two_words"`` around: from word to meaning."""
    return {
        word.replace("_", " "): meaning.replace("_", " ")
        for meaning, words in meanings.items()
        for word in words.split()
    }


_SETTINGS: Final = _table(
    forest="forest woods woodland jungle trees pines birch birches grove taiga rainforest",
    city="city tokyo street streets neon skyline downtown town alley urban metropolis york paris "
    "london berlin shanghai hong_kong seoul cyberpunk skyscraper skyscrapers avenue rooftop station subway",
    sea="sea ocean beach coast coastal coastline shore seashore waves wave harbour harbor bay island lighthouse tide surf "
    "seaside cliff cliffs",
    desert="mars martian desert dunes dune sand sahara canyon mesa savanna savannah",
    mountains="mountain mountains alps peak peaks summit glacier himalaya ridge volcano valley fjord arctic",
    hills="airport runway airfield",
    meadow="meadow field fields grass grassland prairie hill hills farm garden countryside flowers tulips "
    "lavender sunflowers wheat village pasture park",
    puddle="puddle puddles gutter",
    lake="lake pond river lagoon swamp creek stream canal",
    space="space galaxy cosmos planet planets orbital asteroid nebula stars_and universe lunar",
    underwater="underwater reef coral seabed kelp aquarium undersea deep_sea",
    library="library bookshop bookshelf bookshelves archive",
    kitchen="kitchen kitchens",
    table="table tabletop marble product_shot still_life sketchbook",
    room="room bedroom party birthday living_room office cafe coffee_shop classroom restaurant bakery bar indoors interior "
    "studio windowsill window attic workshop desk sofa",
)
_HOURS: Final = _table(
    dawn="dawn sunrise morning daybreak",
    day="day daylight noon midday sunny sunlit afternoon daytime blue_sky",
    golden="golden sunset golden_light golden_hour sundown warm_light amber_light",
    dusk="dusk twilight evening blue_hour gloaming",
    night="night midnight moonlit moonlight nighttime nocturnal moon stars starry starlit neon cyberpunk aurora northern_lights "
    "fireworks firework",
)
_WEATHER: Final = _table(
    rain="rain rainy raining drizzle downpour rainfall monsoon showers",
    snow="snow snowy snowing snowfall blizzard snowstorm snowflakes",
    fog="fog foggy mist misty haze hazy",
    storm="storm stormy thunder lightning thunderstorm tempest hurricane gale",
    cloud="cloud clouds cloudy overcast",
    stars="stars starry starlit",
    aurora="aurora auroras northern_lights aurora_borealis polar_lights",
    petals="petals blossom blossoms sakura cherry",
    leaves="autumn fall_leaves falling_leaves leaves autumnal",
    embers="fire embers sparks campfire lava burning volcano",
    fireflies="fireflies firefly",
    bubbles="bubbles underwater reef aquarium",
    dust="dust dusty sandstorm sand_storm dust_storm pollen",
    confetti="confetti carnival party",
    fireworks="fireworks firework",
)
_CAMERA: Final = {
    "push in": "push in|pushes in|pushing in|zoom in|zooms in|zooming in|dolly in|close in|moves closer|push",
    "pull out": "pull out|pulls out|pull back|pulls back|zoom out|zooms out|dolly out|dolly back|crane out",
    "pan left": "pan left|pans left|panning left|pan to the left|track left|tracks left|truck left",
    "pan right": "pan right|pans right|panning right|pan to the right|track right|tracks right|truck right|pan|panning|tracking shot",
    "tilt up": "tilt up|tilts up|crane up|pedestal up|rise up",
    "tilt down": "tilt down|tilts down|crane down|pedestal down",
    "orbit": "orbit|orbits|orbiting|arc shot|circles around|circling|around",
    "handheld": "handheld|hand held|shaky|shaking|shaky cam",
    "static": "static|locked off|locked|tripod|fixed camera|still camera|stationary|still shot",
}
_MANNER: Final = _table(
    neon="neon cyberpunk synthwave vaporwave",
    birch="birch birches",
    autumn="autumn autumnal",
    blossom="blossom blossoms sakura cherry",
    snowy="snow snowy snowfall blizzard winter arctic ice icy frozen glacier",
    mono="monochrome noir black_and_white greyscale grayscale",
    vivid="vivid vibrant colourful colorful saturated",
    pale="pastel pale faded muted washed",
)
_PACE: Final[Mapping[str, float]] = {
    "slow motion": 0.4, "slow": 0.5, "slowly": 0.5, "calm": 0.7, "gentle": 0.7, "gently": 0.7, "lazy": 0.6, "quiet": 0.8,
    "serene": 0.7, "peaceful": 0.7, "still": 0.6, "drifting": 0.8, "fast": 2.0, "quick": 1.7, "quickly": 1.7, "racing": 1.9,
    "rapid": 1.9, "rapidly": 1.9, "rushing": 1.9, "speeding": 2.0, "frantic": 2.0, "hurried": 1.6, "timelapse": 2.4,
    "time lapse": 2.4, "hyperlapse": 2.6, "energetic": 1.5, "swift": 1.6, "swiftly": 1.6, "wild": 1.4,
}  # fmt: skip
_LIGHT: Final[Mapping[str, float]] = {
    "dark": 0.62, "darkness": 0.55, "gloomy": 0.75, "dim": 0.75, "shadowy": 0.7, "moody": 0.85, "bright": 1.15,
    "brilliant": 1.15, "luminous": 1.12, "sunny": 1.08, "glowing": 1.05,
}  # fmt: skip
_HEAVY: Final[Mapping[str, float]] = {
    "heavy": 1.8, "thick": 1.6, "dense": 1.6, "blizzard": 2.0, "downpour": 2.0, "pouring": 1.8, "light": 0.7, "drizzle": 0.5,
    "thin": 0.6, "snowstorm": 1.8,
}  # fmt: skip
_NAMED: Final = {word: kind.name for kind in KINDS.values() for word in kind.words}
_DEEDS: Final = _table(
    run="runs run running gallops gallop galloping races race sprints sprinting chases chasing dashes bolts trots drives "
    "driving speeds rides riding rushes",
    walk="walks walk walking strolls wanders wandering hikes marches stalks crosses crossing passes",
    wait="waits wait waiting stands standing sits sitting rests sleeping sleeps watches looks stares",
    float="floats float floating drifts drift drifting sails sail sailing glides gliding bobs rocking",
    leap="breaches breach breaching leaps leap leaping jumps jump jumping hops",
    fly="flies fly flying soars soaring hovers hovering flutters",
    swim="swims swim swimming dives diving",
    rise="rises rise rising launches launch lifts ascends climbs takes_off blasts_off",
    fall="falls fall falling sinks sinking tumbles descends lands landing touches_down",
    dance="dances dance dancing spins spinning twirls waltzes",
    bloom="blooms bloom blooming opens opening blossoming unfolds unfolding grows growing",
)
_OWN_COLOURS: Final = {
    "crow": "black", "raven": "black", "panther": "black", "orca": "black", "eagle": "brown", "hawk": "brown", "owl": "brown",
    "falcon": "brown", "unicorn": "white", "taxi": "yellow", "goldfish": "orange", "shark": "grey", "sunflower": "yellow",
    "dandelion": "yellow", "lotus": "pink", "lily": "white", "daisy": "white", "poppy": "red", "rose": "rose",
}  # fmt: skip
_SEVERAL: Final = frozenset({"people", "men", "women", "children", "couple", "wolves"})
_ALIKE: Final = frozenset({"fish", "koi", "deer", "salmon", "carp"})
"""Words that are the same for one and for several."""
_RIDING: Final = frozenset({"ride", "rides", "riding", "rode"})
_RIDERS: Final = having("person")
_OTHERS: Final = {"two": 1, "couple": 1, "pair": 1, "three": 2, "four": 3}
_MATTER: Final = frozenset(
    ["paper", "little", "small", "tiny", "big", "giant", "old", "lone", "lonely", "hot", "air"]
)
_SIGNS: Final = _table(
    english="the a an of in on with and over at through into by under",
    foreign="un une le les des du et sur dans avec sous au aux der das den dem ein eine einen im auf mit und "
    "el una las con sobre il gli nel di da um uma chien fille maison ciel nuit hund katze haus himmel "
    "perro gato noche gatto ragazza cielo notte cachorro menina",
)
"""Frequent words by which English and other languages are told apart."""
_NATURAL: Final = {
    "green": ("meadow", "forest"), "golden": ("meadow", "desert"), "yellow": ("meadow", "desert"), "orange": ("desert",),
    "blue": ("sea", "lake", "underwater"), "turquoise": ("sea", "lake"), "white": ("mountains",), "grey": ("city",),
}  # fmt: skip
_LIGHT_NOUNS: Final = frozenset({"light", "hour", "glow", "sunlight", "retriever"})


def read(prompt: str) -> Look:
    """Read a prompt.

    Parameters
    ----------
    prompt : str
        Any text.

    Returns
    -------
    Look
        What its words ask for. Words after "no" or "without" count for nothing, and neither does
        another language, whose words mean other things than English ones that look alike.
    """
    words = _words(prompt)
    if _is_foreign(words):
        words = []
    text = f" {' '.join(words)} "
    weather = frozenset(_all(_WEATHER, text))
    setting, subjects, manner = (
        _first(_SETTINGS, text),
        _subjects(words, text),
        frozenset(_all(_MANNER, text)),
    )
    if setting is None and "blossom" in manner:
        setting = "meadow"
    if setting == "underwater":
        subjects = tuple(
            replace(each, kind="diver", deed="swim") if each.kind in _RIDERS else each for each in subjects
        )
    return Look(
        setting=setting,
        hour=_hour(text),
        weather=weather | {"rain"} if "storm" in weather and "snow" not in weather else weather,
        heavy=_product(_HEAVY, text, 0.4, 2.2) * (1.3 if "storm" in weather else 1.0),
        colour=_tint(words, subjects) or ("orange" if {"mars", "martian"} & set(words) else None),
        light=_product(_LIGHT, text, 0.45, 1.25),
        pace=_product(_PACE, text, 0.3, 3.0) * (1.25 if "storm" in weather else 1.0),
        camera=_camera(text),
        subjects=subjects,
        manner=manner,
    )


def _is_foreign(words: list[str]) -> bool:
    """Return whether more words are signs of another language than of English."""
    known = {*_NAMED, *_SETTINGS}
    accented = {word for word in words if not word.isascii() and _plain(word) not in known}
    # French says "noir" behind a noun, English before one, or in "film noir"
    usual = known | {"film", "neo", "noir"}
    noir = [word for word, after in itertools.pairwise(words) if after == "noir" and word not in usual]
    signs = [_SIGNS.get(word) for word in set(words)]
    return signs.count("foreign") + len(accented) + bool(noir) > signs.count("english")


def _plain(word: str) -> str:
    """Return a word without its accents."""
    return "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))


def _words(prompt: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", prompt[:4000]).lower()
    plain = re.sub(r"\b(?:no|without)\s+\w+", " ", plain)
    return re.findall(r"\w+", plain)


def _all(table: Mapping[str, str], text: str) -> list[str]:
    """Return the meanings found, in the order in which their words come."""
    found = {}
    for word in sorted(table, key=len, reverse=True):
        place = text.find(f" {word} ")
        if place >= 0:
            found[place] = table[word]
            # a longer phrase takes its words away from shorter ones
            text = text.replace(f" {word} ", " " * (len(word) + 2)) if " " in word else text
    return [found[place] for place in sorted(found)]


def _first(table: Mapping[str, str], text: str) -> str | None:
    return next(iter(_all(table, text)), None)


def _hour(text: str) -> str | None:
    found = _all(_HOURS, text)
    return "night" if "night" in found else next(iter(found), None)


def _product(table: Mapping[str, float], text: str, least: float, most: float) -> float:
    result = 1.0
    for word, factor in table.items():
        if f" {word} " in text:
            result *= factor
    return min(most, max(least, result))


def _camera(text: str) -> str:
    for camera, phrases in _CAMERA.items():
        if any(f" {phrase} " in text for phrase in phrases.split("|")):
            return camera
    return "drift"


def _subjects(words: list[str], text: str) -> tuple[Subject, ...]:
    deed = _first(_DEEDS, text)
    found: dict[str, Subject] = {}
    for kind in _all(_NAMED, text):
        if kind not in found:
            does = KINDS[kind].deed if found or _cannot(kind, deed) else deed or KINDS[kind].deed
            found[kind] = Subject(
                kind, does, _colour_before(words, kind), _several(words, kind), _others(words, kind)
            )
    if "swing" in found:  # whoever is named with it sits on it
        return (found["swing"],)
    mount = next((kind for kind in found if "mount" in KINDS[kind].traits), None)
    if mount and _RIDING & set(words) and _RIDERS & set(found):
        return (replace(found[mount], ridden=True),)
    return tuple(found.values())[:2]


def _cannot(kind: str, deed: str | None) -> bool:
    """Return whether a deed is not the subject's own: people do not fly, and only flowers bloom."""
    return (deed == "fly" and kind in _RIDERS) or (deed == "bloom" and kind != "flower")


def _mentions(words: list[str], kind: str) -> Iterator[tuple[int, str, str]]:
    """Return where a kind is named, by which word, and the word before it that is not about its size or matter."""
    for place, word in enumerate(words):
        phrase = f"{words[place - 1]} {word}" if place else ""
        if kind in (_NAMED.get(word), _NAMED.get(phrase)):
            before = place - 1
            while before >= 0 and (words[before] in _MATTER or words[before] in kind.split()):
                before -= 1
            yield place, word, words[before] if before >= 0 else ""


def _several(words: list[str], kind: str) -> bool:
    """Return whether the prompt speaks of more than one of a kind."""
    for place, word, _ in _mentions(words, kind):
        alike = word in _ALIKE and not {"a", "an", "one"} & set(words[:place])
        if alike or word in _SEVERAL or (word.endswith("s") and word not in {"lotus", "android"}):
            return True
    return False


def _others(words: list[str], kind: str) -> int:
    """Return how many more than one a number before a kind, or a word of its own, means: four where none does."""
    told = (_OTHERS.get(word, _OTHERS.get(before, 4)) for _, word, before in _mentions(words, kind))
    return min(told, default=4)


def _colour_before(words: list[str], kind: str) -> str | None:
    """Return the colour word of a subject: right before it, or before "little", "paper" and the like."""
    colours = (_OWN_COLOURS.get(word, before) for _, word, before in _mentions(words, kind))
    return next((colour for colour in colours if colour in NAMES), None)


def _tint(words: list[str], subjects: tuple[Subject, ...]) -> str | None:
    """Return the colour word that belongs to no subject, names no light, and says more than its noun."""
    taken = {subject.colour for subject in subjects}
    for word, following in zip(words, [*words, ""][1:], strict=True):
        natural = _SETTINGS.get(following) in _NATURAL.get(word, ())
        if word in NAMES and word not in taken and following not in _LIGHT_NOUNS and not natural:
            return word
    return None
