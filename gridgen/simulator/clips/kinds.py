"""What a clip can be about: one row for each subject that a prompt can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import from_hex
from gridgen.simulator.clips.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridgen.simulator.clips.colours import Colour

__all__ = ["KINDS", "Kind", "having"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A subject, how it is shown, and the words that name it.

    Attributes
    ----------
    name : str
    deed : str
        What it does where the prompt does not say.
    home : str
        Where it is then; empty where it can be anywhere.
    height : float
        In short sides of the frame.
    colour : Colour
        Where the prompt names none.
    frames : int
        Pictures in its cycle.
    seconds : float
        Length of the cycle.
    sway : float
        Degrees by which it rocks.
    traits : frozenset of str
        air (it flies or hangs), afloat, built (it never moves), glows (it is seen in the dark),
        alone (one is enough), mount (it can be ridden), person.
    words : tuple of str
    """

    name: str
    deed: str
    home: str
    height: float
    colour: Colour
    frames: int
    seconds: float
    sway: float
    traits: frozenset[str]
    words: tuple[str, ...]


_ROWS: Final = """
name       | deed  | home       | tall | colour | frames, s | sway | traits            | words
fox        | run   | forest     | 0.30 | e2682c | 10 0.62   | 0    |                   | fox foxes vixen
wolf       | run   | forest     | 0.33 | 7a7e88 | 10 0.66   | 0    |                   | wolf wolves coyote
dog        | run   | meadow     | 0.30 | ce9a5c | 10 0.6    | 0    |                   | dog dogs puppy hound corgi
           |       |            |      |        |           |      |                   | labrador retriever puppies
cat        | walk  | meadow     | 0.26 | 54505a | 12 1.0    | 0    |                   | cat cats kitten kittens panther
horse      | run   | meadow     | 0.42 | 845434 | 10 0.7    | 0    | mount             | horse horses pony stallion mare
           |       |            |      |        |           |      |                   | unicorn zebra
deer       | walk  | forest     | 0.40 | a87448 | 12 1.1    | 0    | mount             | deer stag elk moose reindeer antelope
bear       | walk  | forest     | 0.38 | 604636 | 12 1.3    | 0    | mount             | bear bears panda
elephant   | walk  | desert     | 0.48 | 8a8a94 | 12 1.6    | 0    | mount             | elephant elephants mammoth
whale      | leap  | sea        | 0.62 | 3e5470 | 12 3.0    | 0    | alone             | whale whales humpback orca
dolphin    | leap  | sea        | 0.40 | 627e96 | 12 1.6    | 0    |                   | dolphin dolphins porpoise
fish       | swim  | underwater | 0.20 | f08434 | 12 0.8    | 0    | glows             | fish koi goldfish salmon shark carp
jellyfish  | float | underwater | 0.34 | e296dc | 16 2.2    | 0    | glows             | jellyfish medusa
diver      | swim  | underwater | 0.26 | 283c54 | 12 1.8    | 5    |                   | diver divers scuba_diver snorkeler
paper boat | float | sea        | 0.36 | f8f6ee | 16 2.8    | 5    | afloat            | paper_boat paper_ship paper_boats
           |       |            |      |        |           |      |                   | origami_boat
sailboat   | float | sea        | 0.36 | c44234 | 16 3.2    | 4    | afloat            | boat boats sailboat yacht sail
           |       |            |      |        |           |      |                   | dinghy canoe
ship       | float | sea        | 0.30 | be3830 | 16 4.0    | 1.2  | afloat alone      | ship ships ferry steamer vessel
           |       |            |      |        |           |      |                   | freighter tanker
bird       | fly   |            | 0.22 | eceef2 | 12 0.9    | 0    | air               | bird birds gull seagull eagle crow raven
           |       |            |      |        |           |      |                   | hawk swan crane heron owl swallow falcon
butterfly  | fly   | meadow     | 0.26 | f4983a | 10 0.4    | 0    | air               | butterfly butterflies moth
bee        | fly   | meadow     | 0.17 | f6be2c |  8 0.5    | 7    | air               | bee bees bumblebee honeybee
dragon     | fly   | mountains  | 0.42 | 488454 | 12 1.1    | 0    | air               | dragon dragons wyvern
balloon    | float | meadow     | 0.42 | e24638 | 16 5.0    | 3    | air               | balloon balloons hot_air_balloon airship
kite       | fly   |            | 0.26 | ec5446 | 16 2.4    | 9    | air               | kite kites
lantern    | float |            | 0.22 | ee6034 | 16 4.0    | 5    | air glows         | lantern lanterns
umbrella   | fly   | city       | 0.26 | da343c | 16 3.5    | 16   | air               | umbrella parasol umbrellas
plane      | fly   |            | 0.17 | 3468b8 |  8 4.0    | 2.5  | air alone         | plane airplane aeroplane jet aircraft
rocket     | rise  | space      | 0.50 | d83e32 |  6 0.3    | 0    | air               | rocket rockets spaceship shuttle
           |       |            |      |        |           |      |                   | starship missile
astronaut  | float | space      | 0.42 | e06032 | 16 7.0    | 14   | air               | astronaut astronauts cosmonaut spaceman
car        | run   | city       | 0.22 | ce3a32 |  8 0.4    | 0    | alone             | car cars taxi truck van convertible
train      | run   | city       | 0.20 | 3a5c80 |  1 1.0    | 0    | alone glows       | train trains tram locomotive metro
robot      | walk  | city       | 0.42 | acb6c2 | 12 1.6    | 0    | glows             | robot robots android mech droid
person     | walk  |            | 0.38 | ba3e36 | 12 1.0    | 0    | person            | person people man men samurai monk
           |       |            |      |        |           |      |                   | surfer skater traveller traveler figure
           |       |            |      |        |           |      |                   | couple knight wizard runner hiker skier
           |       |            |      |        |           |      |                   | chef king prince
woman      | walk  |            | 0.38 | ba3e36 | 12 1.0    | 0    | person            | woman women girl lady dancer bride
           |       |            |      |        |           |      |                   | ballerina princess queen witch
child      | walk  |            | 0.27 | ec963c | 12 0.8    | 0    | person            | child children kid kids toddler boy boys
swing      | wait  |            | 1.95 | d64654 | 20 3.2    | 17   | built alone       | swing on_a_swing on_the_swing swing_set
cup        | wait  | table      | 0.40 | e8e2d6 |  1 1.0    | 0    | built alone       | cup mug espresso cappuccino coffee_cup
           |       |            |      |        |           |      |                   | cup_of_tea teacup
bottle     | wait  | table      | 0.52 | e8a896 |  1 1.0    | 0    | built alone       | bottle perfume_bottle flask perfume
hand       | wait  | table      | 0.42 | 425c88 | 16 1.4    | 4    |                   | hand hands
lighthouse | wait  | sea        | 0.62 | c0342e |  1 1.0    | 0    | built alone glows | lighthouse
windmill   | wait  | meadow     | 0.50 | d6c4a8 | 16 1.6    | 0    | built alone       | windmill windmills
castle     | wait  | mountains  | 0.56 | a6a0ac |  1 1.0    | 0    | built alone       | castle castles fortress palace
house      | wait  | meadow     | 0.34 | d6bea0 |  1 1.0    | 0    | built alone       | house cottage cabin hut barn farmhouse
volcano    | wait  | mountains  | 0.60 | 5c4e54 | 12 3.0    | 0    | built alone       | volcano volcanoes
waterfall  | wait  | forest     | 0.66 | 747074 |  6 0.5    | 0    | built alone       | waterfall waterfalls
campfire   | wait  | forest     | 0.30 | ec6e28 | 12 0.8    | 0    | built alone glows | campfire bonfire
flower     | wait  | meadow     | 0.60 | e85482 | 24 6.0    | 3    | built alone glows | flower rose sunflower lotus dandelion
           |       |            |      |        |           |      |                   | orchid lily daisy peony poppy
"""


def _kinds(text: str) -> Iterator[Kind]:
    for name, deed, home, tall, colour, cycle, sway, traits, words in rows(text):
        frames, seconds = cycle.split()
        named = tuple(word.replace("_", " ") for word in words.split())
        shown = (float(tall), from_hex(colour), int(frames), float(seconds), float(sway))
        yield Kind(name, deed, home, *shown, frozenset(traits.split()), named)


KINDS: Final = {kind.name: kind for kind in _kinds(_ROWS)}
"""All of them, by name."""


def having(trait: str) -> frozenset[str]:
    """Return the names of the kinds that have a trait."""
    return frozenset(name for name, kind in KINDS.items() if trait in kind.traits)
