"""The catalogue: what each model accepts, its names on the wire, and its price.

The facts are data (``catalogue.toml``), each record with its source and date.
The client checks against them and the simulator serves them.
"""

from gridgen.models.fields import Choice, Images, Option, Rule, Span
from gridgen.models.model import Model, Unsupported
from gridgen.models.price import NO_TRAITS, Price, Quote, enough
from gridgen.models.records import (
    DEFAULT_MODEL,
    catalogue,
    find,
    nearest,
    page_record,
    price_page,
    relative,
    unseen,
)

__all__ = [
    "DEFAULT_MODEL",
    "NO_TRAITS",
    "Choice",
    "Images",
    "Model",
    "Option",
    "Price",
    "Quote",
    "Rule",
    "Span",
    "Unsupported",
    "catalogue",
    "enough",
    "find",
    "nearest",
    "page_record",
    "price_page",
    "relative",
    "unseen",
]
