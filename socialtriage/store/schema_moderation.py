"""Hides, blocks and reports with their reason, snapshot and review date; evidence kept from messages.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
