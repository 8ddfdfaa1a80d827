"""What the demand figures need, and the views for analysts.

Part of the second migration. The views are a surface: their columns keep names and meaning, new ones come at the end.
They hold no text and no handle; times are ISO 8601 in UTC and sort as text; yes and no are 1 and 0.

`v_cases`, one row a case: `case_id`, `reference`, `account`, `network`, `visibility` (public, private), `kind`, `area`,
`topic`, `urgency` (0 emergency to 3 low), `status`, `outcome`, `avoidable` (chasing, unclear, wrong_place), `owner`,
`person_id` (one number for one identity, nothing else about it), `opened_at`, `acknowledged_at`, `answered_at`,
`closed_at`, `reopened_at`, `promised_at`, `promise_kept`, `due_at`, `within_charter` (of the first answer),
`is_open`, `repeat_count` (which contact of the same person in the repeat window), `messages`, `media`,
`suggested_area`, `external_reference`, `automatic` (begun by an out-of-office note, a bounce or a mailing).

`v_messages`, one row a message: `message_id`, `case_id`, `reference`, `account`, `network`, `voice` (resident, officer,
contact), `visibility`, `at`, `received_at`, `edited_at`, `gone_at`, `language`, `automatic`, `state`, `length` (in
characters).

`v_handoffs`, one row a handoff: `handoff_id`, `case_id`, `reference`, `area`, `contact`, `state`, `queued_at`,
`sent_at`, `expected_at`, `answered_at`, `chased`, `case_opened_at`.
"""

from __future__ import annotations

SCRIPT = """
-- Which avoidable contact a case was, said at its close: chasing, unclear, wrong_place.
ALTER TABLE cases ADD COLUMN avoidable TEXT;
-- When an account was first polled well: years are compared only over accounts that were there all along.
ALTER TABLE accounts ADD COLUMN first_ok_at TEXT;
UPDATE accounts SET first_ok_at = last_ok_at;
CREATE TRIGGER accounts_first_ok AFTER UPDATE OF last_ok_at ON accounts
WHEN NEW.first_ok_at IS NULL AND NEW.last_ok_at IS NOT NULL BEGIN
  UPDATE accounts SET first_ok_at = NEW.last_ok_at WHERE id = NEW.id;
END;
CREATE INDEX handoffs_queued ON handoffs (queued_at);
CREATE VIEW v_cases AS
  SELECT id AS case_id, ref AS reference, account, network, visibility, kind, area, topic, urgency, status, outcome,
    avoidable, owner, person_id, opened_at, acknowledged_at, answered_at, closed_at, reopened_at, promised_at,
    promise_kept, due_at, within_charter, lane < 5 AS is_open, repeat_count, messages, media, suggested_area,
    external_reference, flags LIKE '%"automatic%' AS automatic
  FROM cases;
CREATE VIEW v_messages AS
  SELECT m.id AS message_id, m.case_id, c.ref AS reference, m.account, c.network, m.voice, m.visibility, m.at,
    m.received_at, m.edited_at, m.gone_at, m.language, m.automatic, m.state, length(m.text) AS length
  FROM messages m LEFT JOIN cases c ON c.id = m.case_id;
CREATE VIEW v_handoffs AS
  SELECT h.id AS handoff_id, h.case_id, c.ref AS reference, c.area, h.contact, h.state, h.queued_at, h.sent_at,
    h.expected_at, h.answered_at, h.chased, c.opened_at AS case_opened_at
  FROM handoffs h JOIN cases c ON c.id = h.case_id;
"""
