"""What reviewers say of clips: stars, picks, tags, notes and blind choices, in a file beside the journal."""

from gridgen.judgements.opinion import KEEP, Consensus, Opinion, agreed, changed, reviewer_name
from gridgen.judgements.store import OUTCOMES, Book, Choice, Judgement, Judgements, Slot

__all__ = [
    "KEEP",
    "OUTCOMES",
    "Book",
    "Choice",
    "Consensus",
    "Judgement",
    "Judgements",
    "Opinion",
    "Slot",
    "agreed",
    "changed",
    "reviewer_name",
]
