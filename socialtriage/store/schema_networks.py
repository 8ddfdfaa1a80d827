"""What accounts spend, how active they usually are, gaps that were acknowledged.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
-- What calls have cost: `pot` is what has the limit (a vendor's project, an account), `day` the vendor's.
CREATE TABLE spending (
  pot TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL, units REAL NOT NULL DEFAULT 0,
  calls INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (pot, day, kind)
) WITHOUT ROWID;
-- Since when an account that rested for long is behind, from where on gaps are being read again, and what its network
-- last said of its allowance, as JSON.
ALTER TABLE accounts ADD COLUMN behind_since TEXT;
ALTER TABLE accounts ADD COLUMN refill_since TEXT;
ALTER TABLE accounts ADD COLUMN allowance TEXT;
-- The last arrivals of an account, in their order: its habit is looked at in every pass.
CREATE INDEX messages_arrivals ON messages (account) WHERE voice = 'resident';
"""
