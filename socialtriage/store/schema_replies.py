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
ALTER TABLE drafts ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
-- The messages that it answers, where a case came by several accounts or threads.
ALTER TABLE drafts ADD COLUMN places TEXT NOT NULL DEFAULT '[]';
-- Pictures that go with an answer; the bytes go when it was sent.
CREATE TABLE outbox_files (
  outbox_id INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, mime TEXT NOT NULL, alt TEXT NOT NULL,
  data BLOB, PRIMARY KEY (outbox_id, number)
);
CREATE TRIGGER outbox_files_go AFTER DELETE ON outbox BEGIN DELETE FROM outbox_files WHERE outbox_id = old.id; END;
-- The highest id of a row that was taken out: an id is given once, or an undo, or an officer who looks at an older
-- list, would reach another's row.
CREATE TABLE outbox_gone (last INTEGER NOT NULL);
INSERT INTO outbox_gone (last) VALUES (0);
CREATE TRIGGER outbox_ids_stay AFTER DELETE ON outbox BEGIN
  UPDATE outbox_gone SET last = max(last, old.id);
END;
CREATE TABLE answers_used (
  outbox_id INTEGER PRIMARY KEY, answer TEXT NOT NULL, case_id INTEGER, officer TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX answers_used_answer ON answers_used (answer, at);
CREATE INDEX cases_promised ON cases (promised_at) WHERE promised_at IS NOT NULL AND promise_kept IS NULL;
"""
