"""What axe-core finds wrong on a page; https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md says what each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

SEVERE = ("serious", "critical")


def barriers(page: Page, *ours: str) -> list[str]:
    """Return what keeps some people out, as far as a machine can tell.

    Parameters
    ----------
    page : Page
        As it stands now.
    *ours : str
        Selectors of the elements to look at; the whole document by default.

    Returns
    -------
    list of str
        Each with the rule, how severe it is, the element and why; what is less than serious is left out.
    """
    context = {"include": [[each] for each in ours]} if ours else None
    found = Axe().run(page, context=context, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}) at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SEVERE
        for node in rule["nodes"]
    ]
