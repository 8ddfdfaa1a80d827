"""Property tests without a stopwatch: a busy machine is no failure. Importing this is enough."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
