"""Saved answers in use, promises, replies that wait for a second officer.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
-- A part of a thread leaves only after the row `after_id` was sent; `held` is whose word it waits for (approval).
ALTER TABLE outbox ADD COLUMN after_id INTEGER;
ALTER TABLE outbox ADD COLUMN held TEXT;
ALTER TABLE outbox ADD COLUMN sent_data TEXT;
CREATE INDEX outbox_after ON outbox (after_id) WHERE after_id IS NOT NULL;
-- What was written to be private must not come back as the draft of a public answer.
ALTER TABLE drafts ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
CREATE TABLE answers_used (
  outbox_id INTEGER PRIMARY KEY, answer TEXT NOT NULL, case_id INTEGER, officer TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX answers_used_answer ON answers_used (answer, at);
CREATE INDEX cases_promised ON cases (promised_at) WHERE promised_at IS NOT NULL AND promise_kept IS NULL;
"""
