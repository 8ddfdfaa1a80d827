"""Contacts' answers: mail that was read, what was decided about it, chasing.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
-- A mail of the answers' mailbox stands in messages (account mail.imap), without a case until it is known whose it is.
CREATE TABLE contact_mails (
  message_id INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE, kind TEXT NOT NULL, state TEXT NOT NULL,
  why TEXT NOT NULL, sender TEXT NOT NULL, contact TEXT, handoff_id INTEGER,
  case_id INTEGER REFERENCES cases(id) ON DELETE SET NULL, until TEXT, decided_by TEXT, decided_at TEXT
);
CREATE INDEX contact_mails_undecided ON contact_mails (message_id) WHERE state = 'undecided';
CREATE INDEX contact_mails_case ON contact_mails (case_id) WHERE case_id IS NOT NULL;
ALTER TABLE handoffs ADD COLUMN chased_at TEXT;
ALTER TABLE undo_steps ADD COLUMN mails TEXT NOT NULL DEFAULT '[]';
CREATE INDEX handoffs_open ON handoffs (contact, expected_at) WHERE answered_at IS NULL;
CREATE INDEX outbox_handoff ON outbox (handoff_id) WHERE handoff_id IS NOT NULL;
CREATE INDEX outbox_message ON outbox (iif(json_valid(payload), json_extract(payload, '$.message_id'), NULL));
"""
