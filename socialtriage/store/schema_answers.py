"""Contacts' answers: mail that was read, what was decided about it, chasing.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
