"""Until when a case can still be answered where the network sets a time: asked offline and without a channel.

Only networks that are named here are asked, so that the first screen loads no channel for any other.
"""

from __future__ import annotations

from datetime import datetime

from socialtriage.domain.models import Status
from socialtriage.domain.views import CaseRow
from socialtriage.services.desk import Desk

TIMED = {
    "facebook": "socialtriage.channels.graph_window",
    "instagram": "socialtriage.channels.graph_window",
}
"""Built-in networks with such a time, and the module whose `window` knows it."""


def answer_until(desk: Desk, row: CaseRow) -> datetime | None:
    """When the time for an answer of the case's own kind ends, or ended; None where there is none, or it is closed."""
    module = TIMED.get(row.network)
    if module is None or row.status is Status.CLOSED:
        return None
    answerable = desk.store.messages.to_answer(row.id)
    account = desk.accounts.get(answerable.account) if answerable else None
    if answerable is None or account is None or account.network != row.network:
        return None
    from importlib import import_module

    window = import_module(module).window(account, answerable.message, answerable.message.visibility)
    return window.closes_at if window is not None else None
