"""Merging, splitting and linking of cases; what presses; live sessions, incidents, the pause of everything outgoing.

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
-- A suspected emergency stays with the emergencies until an officer says how urgent it is, which takes the suggestion
-- away: noting, claiming or tagging it with an area says nothing about that. One that was finished and is open again
-- has been judged.
DROP INDEX cases_pressing;
DROP INDEX cases_owner;
ALTER TABLE cases DROP COLUMN pressing;
ALTER TABLE cases ADD COLUMN pressing INTEGER GENERATED ALWAYS AS
  (CASE WHEN suggested_urgency = 0 AND (status = 'new' OR reopened_at IS NULL) THEN 0 ELSE urgency END) VIRTUAL;
CREATE INDEX cases_pressing ON cases (lane, pressing, due_sort, id) WHERE lane < 5;
CREATE INDEX cases_owner ON cases (owner, pressing, due_sort, id) WHERE lane < 5 AND owner IS NOT NULL;
-- What holds for the whole desk until somebody takes it back: the pause of everything outgoing.
CREATE TABLE switches (name TEXT PRIMARY KEY, at TEXT NOT NULL, officer TEXT NOT NULL, why TEXT NOT NULL DEFAULT '');
-- The latest longer texts of residents by a hash of their words, so that one that was sent to several accounts is
-- noticed. Times in seconds. As few as the intake keeps are walked through when something is forgotten.
CREATE TABLE said_texts (
  id INTEGER PRIMARY KEY, digest INTEGER NOT NULL, case_id INTEGER NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX said_texts_digest ON said_texts (digest);
-- Accounts that are polled fast for a while, because somebody follows a post live.
CREATE TABLE live_accounts (account TEXT PRIMARY KEY, every REAL NOT NULL, until TEXT NOT NULL);
-- Where an officer moved a question of a live post to.
CREATE TABLE live_marks (
  message_id INTEGER PRIMARY KEY REFERENCES messages(id), place TEXT NOT NULL, officer TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE incidents (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, area TEXT, keywords TEXT NOT NULL DEFAULT '[]',
  text TEXT NOT NULL DEFAULT '', at TEXT NOT NULL, until TEXT, ended_at TEXT, officer TEXT NOT NULL
);
-- What was said of an incident on each account: by a row of the outbox, known by its key (ids of rows that were
-- dropped are given again), or by hand on the network's own page.
CREATE TABLE incident_posts (
  id INTEGER PRIMARY KEY, incident_id INTEGER NOT NULL REFERENCES incidents(id), account TEXT NOT NULL,
  text TEXT NOT NULL, key TEXT, page TEXT, at TEXT NOT NULL, officer TEXT NOT NULL
);
CREATE INDEX incident_posts_incident ON incident_posts (incident_id);
-- Cases of an incident: suggested by their words, taken in or left out by an officer.
CREATE TABLE incident_cases (
  incident_id INTEGER NOT NULL REFERENCES incidents(id), case_id INTEGER NOT NULL REFERENCES cases(id),
  state TEXT NOT NULL, officer TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (incident_id, case_id)
) WITHOUT ROWID;
CREATE INDEX incident_cases_case ON incident_cases (case_id);
-- What an officer is about to say of an incident; the name is empty for one that has not begun.
CREATE TABLE statement_drafts (
  officer TEXT NOT NULL, incident TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (officer, incident)
) WITHOUT ROWID;
"""
