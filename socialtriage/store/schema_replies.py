"""Saved answers in use, promises, replies that wait for a second officer.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
