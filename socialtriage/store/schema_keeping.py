"""Restricted cases, flags with a statutory date, retention, exports, bridges to other systems.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
