"""Restricted cases, flags with a statutory date, retention, exports, bridges to other systems.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
-- When the words of a message were forgotten; the row stays, so that counts do.
ALTER TABLE messages ADD COLUMN redacted_at TEXT;
-- Who wrote what, over all cases: a person's words are found wherever they stand.
CREATE INDEX messages_person ON messages (person_id) WHERE person_id IS NOT NULL;
-- When a case was forgotten, by its time or on request.
ALTER TABLE cases ADD COLUMN redacted_at TEXT;
CREATE INDEX cases_to_forget ON cases (closed_at) WHERE lane = 5 AND redacted_at IS NULL;
-- The few cases that no search may find.
CREATE INDEX cases_restricted ON cases (id) WHERE flags LIKE '%"restricted"%';
-- INSERT OR REPLACE takes a row away without asking the triggers that keep events from being deleted.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'the log cannot be changed');
END;
-- The personal part of an event's detail, hashed into the chain together with the note.
ALTER TABLE event_notes ADD COLUMN detail TEXT;
-- What the spotter found: one row for each case and rule. What was dismissed is no longer among the case's flags.
CREATE TABLE case_flags (
  case_id INTEGER NOT NULL REFERENCES cases(id), flag TEXT NOT NULL, phrase TEXT NOT NULL, at TEXT NOT NULL,
  due_on TEXT, PRIMARY KEY (case_id, flag)
) WITHOUT ROWID;
CREATE INDEX case_flags_flag ON case_flags (flag);
-- A handoff that went into another system: by which bridge, its number there, how it is asked for, what it said last.
ALTER TABLE handoffs ADD COLUMN via TEXT NOT NULL DEFAULT 'mail';
ALTER TABLE handoffs ADD COLUMN external_reference TEXT;
ALTER TABLE handoffs ADD COLUMN external_handle TEXT;
ALTER TABLE handoffs ADD COLUMN external_said TEXT;
ALTER TABLE handoffs ADD COLUMN looked_at TEXT;
CREATE INDEX handoffs_elsewhere ON handoffs (looked_at) WHERE via IN ('open311', 'zammad');
"""
