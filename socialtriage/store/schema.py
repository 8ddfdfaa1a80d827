"""The schema, as named migrations that only ever grow. Imported only when a store is not up to date."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlite_utils import Database, Migrations

from socialtriage.store import (
    schema_answers,
    schema_figures,
    schema_grouping,
    schema_keeping,
    schema_moderation,
    schema_networks,
    schema_replies,
)

migrations = Migrations("socialtriage")

ACCOUNTS = """
CREATE TABLE accounts (
  id TEXT PRIMARY KEY, network TEXT NOT NULL, handle TEXT NOT NULL DEFAULT '', identity TEXT,
  state TEXT NOT NULL DEFAULT 'never_polled', detail TEXT NOT NULL DEFAULT '', cursor TEXT,
  last_poll_at TEXT, last_ok_at TEXT, last_message_at TEXT, next_poll_at TEXT, login_expires_at TEXT,
  reread_at TEXT, reread_old_at TEXT, requests INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE gaps (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, start_at TEXT NOT NULL, end_at TEXT NOT NULL,
  why TEXT NOT NULL, closed_at TEXT, UNIQUE (account, start_at, end_at)
);
CREATE TABLE tombstones (
  account TEXT NOT NULL, remote_id TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL,
  PRIMARY KEY (account, remote_id)
) WITHOUT ROWID;
CREATE TABLE leases (
  name TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
  officer TEXT NOT NULL, expires_at TEXT NOT NULL
);
CREATE TABLE contact_away (contact TEXT PRIMARY KEY, until TEXT NOT NULL);
"""

CASES = """
CREATE TABLE persons (
  id INTEGER PRIMARY KEY, network TEXT NOT NULL, key TEXT NOT NULL, handle TEXT NOT NULL, name TEXT NOT NULL,
  url TEXT, first_at TEXT NOT NULL, cases INTEGER NOT NULL DEFAULT 0, needs TEXT NOT NULL DEFAULT '',
  linked_to INTEGER REFERENCES persons(id), UNIQUE (network, key)
);
CREATE INDEX persons_linked ON persons (linked_to) WHERE linked_to IS NOT NULL;
CREATE TABLE cases (
  id INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 1,
  status TEXT NOT NULL, lane INTEGER NOT NULL, urgency INTEGER NOT NULL, kind TEXT, area TEXT, topic TEXT, owner TEXT,
  account TEXT NOT NULL, network TEXT NOT NULL, visibility TEXT NOT NULL,
  person_id INTEGER NOT NULL REFERENCES persons(id), thread TEXT NOT NULL, conversation TEXT,
  snippet TEXT NOT NULL, opened_at TEXT NOT NULL, last_message_at TEXT NOT NULL, waiting_since TEXT,
  due_at TEXT, due_clock TEXT, due_from TEXT, due_sort TEXT NOT NULL,
  acknowledged_at TEXT, answered_at TEXT, promised_at TEXT, promise_kept INTEGER, closed_at TEXT, reopened_at TEXT,
  outcome TEXT, within_charter INTEGER, snoozed_until TEXT,
  messages INTEGER NOT NULL DEFAULT 1, media INTEGER NOT NULL DEFAULT 0,
  repeat_count INTEGER NOT NULL DEFAULT 1, repeat_since TEXT,
  suggested_area TEXT, suggested_urgency INTEGER, suggested_because TEXT NOT NULL DEFAULT '[]',
  external_reference TEXT, flags TEXT NOT NULL DEFAULT '[]', facts TEXT NOT NULL DEFAULT '[]',
  pressing INTEGER GENERATED ALWAYS AS
    (CASE WHEN status = 'new' AND suggested_urgency = 0 THEN 0 ELSE urgency END) VIRTUAL
);
CREATE INDEX cases_pressing ON cases (lane, pressing, due_sort, id) WHERE lane < 5;
CREATE INDEX cases_owner ON cases (owner, pressing, due_sort, id) WHERE lane < 5 AND owner IS NOT NULL;
CREATE INDEX cases_closed ON cases (closed_at, id) WHERE lane = 5;
CREATE INDEX cases_person ON cases (person_id, opened_at);
CREATE INDEX cases_thread ON cases (account, thread, person_id);
CREATE INDEX cases_conversation ON cases (account, conversation, person_id) WHERE conversation IS NOT NULL;
CREATE INDEX cases_snoozed ON cases (snoozed_until) WHERE lane = 4;
CREATE INDEX cases_opened ON cases (opened_at);
CREATE INDEX cases_external ON cases (external_reference) WHERE external_reference IS NOT NULL;
CREATE TABLE case_links (
  a INTEGER NOT NULL REFERENCES cases(id), b INTEGER NOT NULL REFERENCES cases(id), why TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX case_links_other ON case_links (b);
"""

MESSAGES = """
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, remote_id TEXT NOT NULL, case_id INTEGER REFERENCES cases(id),
  person_id INTEGER REFERENCES persons(id), voice TEXT NOT NULL, visibility TEXT NOT NULL,
  text TEXT NOT NULL, who TEXT NOT NULL, subject TEXT, quoted TEXT, place TEXT, at TEXT NOT NULL,
  received_at TEXT NOT NULL, url TEXT, thread TEXT NOT NULL, conversation TEXT, parent TEXT,
  state TEXT NOT NULL DEFAULT 'received', edited_at TEXT, gone_at TEXT, language TEXT, automatic TEXT,
  reply_data TEXT NOT NULL DEFAULT '{}', refs TEXT, checked_at TEXT, outbox_id INTEGER,
  UNIQUE (account, remote_id)
);
CREATE INDEX messages_case ON messages (case_id, at);
CREATE INDEX messages_orphans ON messages (account, parent) WHERE case_id IS NULL AND voice = 'officer';
CREATE INDEX messages_strays ON messages (account, conversation) WHERE case_id IS NULL AND conversation IS NOT NULL;
CREATE INDEX messages_thread ON messages (account, thread);
CREATE TABLE revisions (
  id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages(id), text TEXT NOT NULL,
  replaced_at TEXT NOT NULL
);
CREATE INDEX revisions_message ON revisions (message_id);
CREATE TABLE media (
  id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages(id), kind TEXT NOT NULL, name TEXT NOT NULL,
  url TEXT, mime TEXT, alt TEXT, remote_id TEXT, state TEXT NOT NULL, sha256 TEXT, bytes INTEGER, path TEXT
);
CREATE INDEX media_message ON media (message_id);
CREATE INDEX media_pending ON media (id) WHERE state = 'pending';
CREATE VIRTUAL TABLE messages_fts USING fts5 (
  text, who, subject, content="messages", content_rowid="id", tokenize="unicode61 remove_diacritics 2"
);
"""

LEAVING = """
CREATE TABLE handoffs (
  id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), contact TEXT NOT NULL, email TEXT NOT NULL,
  message_id TEXT NOT NULL UNIQUE, note TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, queued_at TEXT NOT NULL,
  sent_at TEXT, expected_at TEXT, chased INTEGER NOT NULL DEFAULT 0, answered_at TEXT, error TEXT
);
CREATE INDEX handoffs_case ON handoffs (case_id);
CREATE INDEX handoffs_contact ON handoffs (contact, state);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, case_id INTEGER REFERENCES cases(id),
  handoff_id INTEGER REFERENCES handoffs(id), account TEXT, recipient TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL, payload TEXT NOT NULL, body TEXT NOT NULL DEFAULT '', data BLOB, officer TEXT NOT NULL,
  queued_at TEXT NOT NULL, not_before TEXT, next_try_at TEXT, tries INTEGER NOT NULL DEFAULT 0, error TEXT,
  sent_at TEXT, remote_id TEXT, url TEXT
);
CREATE INDEX outbox_waiting ON outbox (state, id) WHERE state IN ('queued', 'sending', 'unknown', 'failed');
CREATE INDEX outbox_case ON outbox (case_id);
CREATE TABLE drafts (
  case_id INTEGER NOT NULL REFERENCES cases(id), officer TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
  updated_at TEXT NOT NULL, PRIMARY KEY (case_id, officer, kind)
) WITHOUT ROWID;
"""

LOG = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, officer TEXT NOT NULL, case_id INTEGER, ref TEXT, kind TEXT NOT NULL,
  detail TEXT NOT NULL, note_hash TEXT, hash TEXT NOT NULL
);
CREATE INDEX events_case ON events (case_id, seq) WHERE case_id IS NOT NULL;
CREATE INDEX events_at ON events (at);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the log cannot be changed'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the log cannot be changed'); END;
CREATE TABLE event_notes (seq INTEGER PRIMARY KEY REFERENCES events(seq), salt TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE undo_steps (
  id INTEGER PRIMARY KEY, officer TEXT NOT NULL, at TEXT NOT NULL, said TEXT NOT NULL, state TEXT NOT NULL,
  steps TEXT NOT NULL, outbox_ids TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX undo_officer ON undo_steps (officer, state, id);
"""


def _run(db: Database, script: str) -> None:
    """Statement by statement: `executescript` would commit the migration's transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.conn.execute(statement)
            statement = ""


@migrations()
def m001_first(db: Any) -> None:
    """The desk: accounts, cases, messages, what leaves, the log."""
    for script in (ACCOUNTS, CASES, MESSAGES, LEAVING, LOG):
        _run(db, script)


@migrations()
def m002_conversation_and_record(db: Any) -> None:
    """Every network, the conversation brought to its end, and the record: each subject's part is in its own module."""
    for part in (
        schema_networks,
        schema_answers,
        schema_replies,
        schema_moderation,
        schema_grouping,
        schema_keeping,
        schema_figures,
    ):
        _run(db, part.SCRIPT)
