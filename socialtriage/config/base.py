"""What every table of the configuration has in common."""

from __future__ import annotations

import msgspec


class Base(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, omit_defaults=True):
    """Unknown keys are errors everywhere."""
