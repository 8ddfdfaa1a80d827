"""Merging, splitting and linking of cases; live sessions, incidents, the pause of everything outgoing.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
