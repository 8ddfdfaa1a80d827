"""What accounts spend, how active they usually are, gaps that were acknowledged.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
