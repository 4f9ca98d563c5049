"""What reviewers say of clips: stars, picks, tags, notes and blind choices, in a file beside the journal."""

from gridgen.judgements.opinion import UNCHANGED, Consensus, Opinion, agreed, changed, reviewer_name
from gridgen.judgements.store import OUTCOMES, Choice, Judgement, Judgements, RatingLog

__all__ = [
    "OUTCOMES",
    "UNCHANGED",
    "Choice",
    "Consensus",
    "Judgement",
    "Judgements",
    "Opinion",
    "RatingLog",
    "agreed",
    "changed",
    "reviewer_name",
]
