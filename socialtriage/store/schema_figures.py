"""What the demand figures need, and the views for analysts.

Part of the second migration.
"""

from __future__ import annotations

SCRIPT = """
"""
