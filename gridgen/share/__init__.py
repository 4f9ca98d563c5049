"""What a person sends to others: a page that needs no Python, a contact sheet, and the sweep itself."""

from gridgen.share.bundle import Bundle, pack, unpack
from gridgen.share.contact import ContactSheet, Taken, contact_sheet
from gridgen.share.known import Shown
from gridgen.share.page import LIMIT, Page, to_html

__all__ = [
    "LIMIT",
    "Bundle",
    "ContactSheet",
    "Page",
    "Shown",
    "Taken",
    "contact_sheet",
    "pack",
    "to_html",
    "unpack",
]
