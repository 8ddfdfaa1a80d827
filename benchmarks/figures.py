"""The year's report against the raw SQL of the slowest view that it reads."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks import council, stores
from benchmarks.measure import turns
from benchmarks.report import Row, milliseconds
from socialtriage.domain import spans
from socialtriage.domain.times import iso
from socialtriage.services import figures
from socialtriage.services.desk import open_desk
from socialtriage.store.database import READER_PRAGMAS

GOAL = 3.0
_VARIED = """
UPDATE cases SET
  kind = CASE id % 11 WHEN 0 THEN 'complaint' WHEN 1 THEN 'praise' WHEN 2 THEN 'report' WHEN 3 THEN 'report'
    WHEN 4 THEN 'discussion' WHEN 5 THEN NULL WHEN 6 THEN 'complaint' ELSE 'enquiry' END,
  topic = CASE WHEN area IS NULL OR id % 3 = 0 THEN NULL ELSE 'topic-' || (id % 7) END,
  network = CASE id % 4 WHEN 0 THEN 'facebook' WHEN 1 THEN 'imap' WHEN 2 THEN 'x' ELSE 'mastodon' END,
  outcome = CASE WHEN lane < 5 THEN NULL WHEN id % 9 = 0 THEN 'self_served' WHEN id % 9 = 1 THEN 'handed_over'
    WHEN id % 9 = 2 THEN 'no_reply_needed' ELSE 'answered' END,
  avoidable = CASE WHEN lane = 5 AND id % 13 = 0 THEN 'chasing' WHEN lane = 5 AND id % 17 = 0 THEN 'unclear' END,
  within_charter = CASE WHEN answered_at IS NULL THEN NULL ELSE id % 8 > 0 END;
INSERT INTO handoffs (case_id, contact, email, message_id, state, queued_at, sent_at, answered_at)
  SELECT id, 'contact-' || (id % 12), 'team@town.example', 'report-' || id, 'sent', opened_at, opened_at,
    CASE WHEN id % 3 THEN last_message_at END
  FROM cases WHERE id % 6 = 0;
"""
"""What the usual stores have too little of for figures: kinds, topics, outcomes, handoffs."""


def rows(largest: int) -> list[Row]:
    """The report of a year on the largest store."""
    source = stores.store(stores.usual(largest))
    path = stores.folder() / f"{source.stem}-report.db"
    if not path.exists():
        for old in stores.folder().glob(f"{largest}.*-report.db"):
            old.unlink()
        _vary(source, path)
    desk = open_desk(council.config(), path, officer="JS", clock=lambda: council.NOW)
    with closing(desk), closing(sqlite3.connect(path)) as raw:
        raw.executescript(READER_PRAGMAS)
        span = spans.year(council.NOW.date(), desk.zone)
        views = [
            "SELECT * FROM v_cases WHERE opened_at >= ? AND opened_at < ?",
            "SELECT * FROM v_handoffs WHERE case_opened_at >= ? AND case_opened_at < ?",
        ]
        both = iso(span.start), iso(span.end)
        slowest = max(views, key=lambda sql: turns(lambda: raw.execute(sql, both).fetchall(), rounds=3)[0])
        floor, program = turns(
            lambda: raw.execute(slowest, both).fetchall(), lambda: figures.make(desk, span), rounds=5
        )
        number = desk.store.figures.number(span.start, span.end)
    what = f"the report of a year of {number:,} cases"
    return [Row(what, largest, milliseconds(floor), milliseconds(program), program / floor, GOAL)]


def _vary(source: Path, path: Path) -> None:
    partial = path.with_suffix(".partial")
    shutil.copyfile(source, partial)
    with closing(sqlite3.connect(partial, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA synchronous=OFF; BEGIN;{_VARIED}COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")
    partial.replace(path)
