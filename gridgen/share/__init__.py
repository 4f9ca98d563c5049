"""What a person sends to others: a page that needs no Python, a contact sheet, and the sweep itself."""

from gridgen.share.bundle import Bundle, pack, unpack
from gridgen.share.contact import ContactSheet, FrameOptions, contact_sheet
from gridgen.share.heading import Heading
from gridgen.share.page import Page, to_html
from gridgen.share.page_data import ExportOptions

__all__ = [
    "Bundle",
    "ContactSheet",
    "ExportOptions",
    "FrameOptions",
    "Heading",
    "Page",
    "contact_sheet",
    "pack",
    "to_html",
    "unpack",
]
