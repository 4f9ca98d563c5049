"""What a person sends to others: a page that needs no Python."""

from gridgen.share.known import Shown
from gridgen.share.page import LIMIT, Page, export_html

__all__ = ["LIMIT", "Page", "Shown", "export_html"]
