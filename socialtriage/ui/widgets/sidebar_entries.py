"""What the list on the left holds: views, service areas and accounts, with the counts of the board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialtriage.domain.text import clean_line
from socialtriage.services import inbox
from socialtriage.ui.board import QUIET, Board
from socialtriage.ui.widgets.sidebar import Entry

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk

NO_AREA = "none"
"""The filter word for cases without an area."""


def entries(desk: Desk, board: Board) -> list[Entry]:
    """Views with their numbers, then areas, then accounts; a `!` before an account that needs somebody."""
    counts = board.counts
    found = [
        Entry(view.name, f"view:{view.id}", counts.views.get(view.id) if counts else None, str(number))
        for number, view in enumerate(inbox.VIEWS, 1)
    ]
    if desk.config.areas:
        found += [Entry(""), Entry("Areas")]
        untagged = counts.areas.get("", 0) if counts else None
        found.append(Entry("no area yet", f"area:{NO_AREA}", untagged))
        for area in desk.config.areas:
            count = counts.areas.get(area.id) if counts else None
            found.append(Entry(clean_line(area.name), f"area:{area.id}", count))
    if desk.config.accounts:
        broken = {view.id for view in board.accounts if view.state not in QUIET}
        found += [Entry(""), Entry("Accounts")]
        for account in desk.config.accounts:
            count = counts.accounts.get(account.id) if counts else None
            mark = "!" if account.id in broken else ""
            found.append(Entry(clean_line(account.id), f"account:{account.id}", count, mark))
    return found
