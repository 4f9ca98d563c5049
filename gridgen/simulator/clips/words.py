"""A prompt read as directions for a picture: light, weather, pace, camera, subject.

Words with a meaning here act as they read. All other words, and the seed,
only choose shapes and paths, through a hash.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "Look", "Subject", "read"]


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
KINDS: Final = _table(
    fox="fox foxes vixen",
    wolf="wolf wolves coyote",
    dog="dog dogs puppy hound corgi labrador retriever",
    cat="cat cats kitten kittens panther",
    horse="horse horses pony stallion mare unicorn zebra",
    deer="deer stag elk moose reindeer antelope",
    bear="bear bears panda",
    elephant="elephant elephants mammoth",
    paper_boat="paper_boat paper_ship paper_boats origami_boat",
    sailboat="boat boats sailboat yacht sail dinghy canoe",
    ship="ship ships ferry steamer vessel freighter tanker",
    whale="whale whales humpback orca",
    dolphin="dolphin dolphins porpoise",
    fish="fish koi goldfish salmon shark carp",
    jellyfish="jellyfish medusa",
    bird="bird birds gull seagull eagle crow raven hawk swan crane heron owl swallow falcon",
    butterfly="butterfly butterflies moth",
    balloon="balloon balloons hot_air_balloon airship",
    car="car cars taxi truck van convertible",
    train="train trains tram locomotive metro",
    robot="robot robots android mech droid",
    astronaut="astronaut astronauts cosmonaut spaceman",
    person="person man people samurai monk surfer skater traveller traveler figure couple knight wizard runner "
    "hiker skier chef king prince",
    child="child children kid kids toddler boy boys",
    cup="cup mug espresso cappuccino coffee_cup cup_of_tea teacup",
    bottle="bottle perfume_bottle flask perfume",
    hand="hand hands",
    swing="swing on_a_swing on_the_swing swing_set",
    bee="bee bees bumblebee honeybee",
    diver="diver divers scuba_diver snorkeler",
    woman="woman girl lady dancer bride ballerina princess queen witch",
    rocket="rocket rockets spaceship shuttle starship missile",
    plane="plane airplane aeroplane jet aircraft",
    lighthouse="lighthouse",
    windmill="windmill windmills",
    umbrella="umbrella parasol",
    lantern="lantern lanterns",
    castle="castle castles fortress palace",
    house="house cottage cabin hut barn farmhouse",
    volcano="volcano volcanoes",
    waterfall="waterfall waterfalls",
    campfire="campfire bonfire",
    flower="flower rose sunflower lotus dandelion orchid lily daisy peony poppy",
    dragon="dragon dragons wyvern",
    kite="kite kites",
)
"""What can be seen in a clip, by the words that name it."""
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
_OWN_DEEDS: Final = {
    "fox": "run", "wolf": "run", "dog": "run", "cat": "walk", "horse": "run", "deer": "walk", "bear": "walk",
    "elephant": "walk", "whale": "leap", "dolphin": "leap", "fish": "swim", "jellyfish": "float", "bird": "fly",
    "butterfly": "fly", "balloon": "float", "car": "run", "train": "run", "robot": "walk", "astronaut": "float",
    "person": "walk", "rocket": "rise", "plane": "fly", "lighthouse": "wait", "windmill": "wait", "umbrella": "fly",
    "lantern": "float", "castle": "wait", "house": "wait", "volcano": "wait", "waterfall": "wait", "campfire": "wait",
    "flower": "wait", "dragon": "fly", "woman": "walk", "kite": "fly", "child": "walk", "cup": "wait", "bottle": "wait", "hand": "wait", "bee": "fly", "swing": "wait",
    "diver": "swim",
}  # fmt: skip
_OWN_COLOURS: Final = {
    "crow": "black", "raven": "black", "panther": "black", "orca": "black", "eagle": "brown", "hawk": "brown", "owl": "brown",
    "falcon": "brown", "unicorn": "white", "taxi": "yellow", "goldfish": "orange", "shark": "grey", "sunflower": "yellow",
    "dandelion": "yellow", "lotus": "pink", "lily": "white", "daisy": "white", "poppy": "red",
}  # fmt: skip
_SEVERAL: Final = frozenset({"people", "children", "couple", "wolves"})
_ALIKE: Final = frozenset({"fish", "koi", "deer", "salmon", "carp"})
"""Words that are the same for one and for several."""
_BEYOND: Final = frozenset({("person", "fly"), ("woman", "fly"), ("child", "fly")})
"""What a subject cannot do itself: it makes something else do it."""
_RIDING: Final = frozenset({"ride", "rides", "riding", "rode"})
_MOUNTS: Final = frozenset({"horse", "elephant", "deer", "bear"})
_RIDERS: Final = frozenset({"person", "woman", "child"})
_OTHERS: Final = {"two": 1, "couple": 1, "pair": 1, "three": 2, "four": 3}
_AFLOAT: Final = frozenset({"paper boat", "sailboat", "ship"})
_MATTER: Final = frozenset(
    {"paper", "little", "small", "tiny", "big", "giant", "old", "lone", "lonely", "hot", "air"}
)
_ENGLISH: Final = frozenset(
    ["the", "a", "an", "of", "in", "on", "with", "and", "over", "at", "through", "into", "by", "under"]
)
_FOREIGN: Final = frozenset(
    [
        "un",
        "une",
        "le",
        "les",
        "des",
        "du",
        "et",
        "sur",
        "dans",
        "avec",
        "sous",
        "au",
        "aux",
        "der",
        "das",
        "den",
        "dem",
        "ein",
        "eine",
        "einen",
        "im",
        "auf",
        "mit",
        "und",
        "über",
        "el",
        "una",
        "las",
        "con",
        "sobre",
        "il",
        "gli",
        "nel",
        "di",
        "da",
        "um",
        "uma",
    ]
)
"""Small words by which English and other languages are told apart."""
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
    if len(_FOREIGN & set(words)) > len(_ENGLISH & set(words)):
        words = []
    text = f" {' '.join(words)} "
    weather = frozenset(_all(_WEATHER, text))
    setting, subjects = _first(_SETTINGS, text), _subjects(words, text)
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
        manner=frozenset(_all(_MANNER, text)),
    )


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
    for kind in _all(KINDS, text):
        own = "float" if kind in _AFLOAT else _OWN_DEEDS[kind]
        asked = None if found or (kind, deed) in _BEYOND or (deed == "bloom" and kind != "flower") else deed
        found.setdefault(
            kind,
            Subject(
                kind, asked or own, _colour_before(words, kind), _several(words, kind), _others(words, kind)
            ),
        )
    if "swing" in found:  # whoever is named with it sits on it
        return (found["swing"],)
    mount = next((kind for kind in found if kind in _MOUNTS), None)
    if mount and _RIDING & set(words) and _RIDERS & set(found):
        return (replace(found[mount], ridden=True),)
    return tuple(found.values())[:2]


def _several(words: list[str], kind: str) -> bool:
    """Return whether the prompt speaks of more than one of a kind."""
    for place, word in enumerate(words):
        if KINDS.get(word) == kind:
            alike = word in _ALIKE and not {"a", "an", "one"} & set(words[:place])
            if alike or word in _SEVERAL or (word.endswith("s") and word not in {"lotus", "android"}):
                return True
    return False


def _others(words: list[str], kind: str) -> int:
    """Return how many more than one a number before a kind, or a word of its own, means: four where none does."""
    told = [
        _OTHERS.get(word, _OTHERS.get(before, 4))
        for before, word in zip(["", *words], words, strict=False)
        if KINDS.get(word) == kind
    ]
    return min(told, default=4)


def _colour_before(words: list[str], kind: str) -> str | None:
    """Return the colour word of a subject: right before it, or before "little", "paper" and the like."""
    for place, word in enumerate(words):
        if word in _OWN_COLOURS and KINDS.get(word) == kind:
            return _OWN_COLOURS[word]
        if KINDS.get(word) == kind or (word in kind.split() and word not in _MATTER):
            before = place - 1
            while before >= 0 and words[before] in _MATTER:
                before -= 1
            if before >= 0 and words[before] in NAMES:
                return words[before]
    return None


def _tint(words: list[str], subjects: tuple[Subject, ...]) -> str | None:
    """Return the colour word that belongs to no subject, names no light, and says more than its noun."""
    taken = {subject.colour for subject in subjects}
    for word, following in zip(words, [*words, ""][1:], strict=True):
        natural = _SETTINGS.get(following) in _NATURAL.get(word, ())
        if word in NAMES and word not in taken and following not in _LIGHT_NOUNS and not natural:
            return word
    return None
