"""What a person sends to others: a page that needs no Python, and a contact sheet."""

from gridgen.share.contact import ContactSheet, Taken, contact_sheet
from gridgen.share.known import Shown
from gridgen.share.page import LIMIT, Page, export_html

__all__ = ["LIMIT", "ContactSheet", "Page", "Shown", "Taken", "contact_sheet", "export_html"]
