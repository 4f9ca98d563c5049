"""The journal: what was meant, sent and heard, in SQLite beside the videos.

It is the truth that a sweep is a view of. An intent, with the exact bytes, is
on the disk before its POST leaves; the task's id is on the disk before
anything else happens with it. One process writes, behind an operating-system
lock; others read.
"""

from gridgen.journal.lease import abandoned
from gridgen.journal.record import Changes, Record, Row, Sender, is_inside, row
from gridgen.journal.snapshot import restore, snapshot
from gridgen.journal.store import Journal, is_begun, read, read_cells, read_uploads, store_id
from gridgen.journal.uploads import Upload

__all__ = [
    "Changes",
    "Journal",
    "Record",
    "Row",
    "Sender",
    "Upload",
    "abandoned",
    "is_begun",
    "is_inside",
    "read",
    "read_cells",
    "read_uploads",
    "restore",
    "row",
    "snapshot",
    "store_id",
]
