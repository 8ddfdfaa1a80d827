"""Merging, splitting and linking of cases; live sessions, incidents, the pause of everything outgoing.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
-- What a merge or a split moved from one case to another, so that it can be moved back: ids by table.
CREATE TABLE case_moves (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, source INTEGER NOT NULL REFERENCES cases(id),
  target INTEGER NOT NULL REFERENCES cases(id), moved TEXT NOT NULL, at TEXT NOT NULL, officer TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'done'
);
CREATE INDEX case_moves_source ON case_moves (source) WHERE kind = 'merge' AND state = 'done';
ALTER TABLE undo_steps ADD COLUMN moves TEXT NOT NULL DEFAULT '[]';
-- What holds for the whole desk until somebody takes it back: the pause of everything outgoing.
CREATE TABLE switches (name TEXT PRIMARY KEY, at TEXT NOT NULL, officer TEXT NOT NULL, why TEXT NOT NULL DEFAULT '');
"""
