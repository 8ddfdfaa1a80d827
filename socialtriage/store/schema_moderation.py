"""Hides, blocks and reports with their reason, snapshot and review date; evidence kept from messages.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
ALTER TABLE media ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media ADD COLUMN next_try_at TEXT;
ALTER TABLE media ADD COLUMN why TEXT;
CREATE TABLE moderation (
  id INTEGER PRIMARY KEY, case_id INTEGER REFERENCES cases(id) ON DELETE SET NULL, ref TEXT NOT NULL,
  message_id INTEGER REFERENCES messages(id) ON DELETE SET NULL,
  person_id INTEGER REFERENCES persons(id) ON DELETE SET NULL,
  account TEXT NOT NULL, network TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, officer TEXT NOT NULL,
  at TEXT NOT NULL, review_at TEXT, state TEXT NOT NULL, done_at TEXT, lifted_at TEXT, reviewed_at TEXT,
  reviewed_by TEXT, outbox_id INTEGER, snapshot TEXT NOT NULL
);
CREATE INDEX moderation_case ON moderation (case_id);
CREATE INDEX moderation_outbox ON moderation (outbox_id) WHERE outbox_id IS NOT NULL;
CREATE INDEX moderation_review ON moderation (review_at) WHERE review_at IS NOT NULL AND reviewed_at IS NULL;
-- What was decided follows the row of the outbox that carries it out, whoever changes that row.
CREATE TRIGGER moderation_follows AFTER UPDATE OF state ON outbox
WHEN NEW.kind IN ('hide', 'unhide', 'delete', 'block', 'unblock', 'mute', 'unmute', 'report') BEGIN
  UPDATE moderation SET state = NEW.state, done_at = NEW.sent_at WHERE outbox_id = NEW.id;
END;
CREATE TRIGGER moderation_dropped AFTER DELETE ON outbox
WHEN OLD.state != 'sent'
AND OLD.kind IN ('hide', 'unhide', 'delete', 'block', 'unblock', 'mute', 'unmute', 'report') BEGIN
  -- The next row may get the same number.
  UPDATE moderation SET state = 'dropped', outbox_id = NULL WHERE outbox_id = OLD.id;
END;
"""
