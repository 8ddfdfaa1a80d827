"""What an officer is about to say of an incident, kept at every pause as the drafts of replies are."""

from __future__ import annotations

from socialtriage.domain.text import clean
from socialtriage.services.desk import Desk

NEW = ""
"""The name of an incident that has not begun."""


def kept(desk: Desk, name: str = NEW) -> str:
    """What this officer was writing, or an empty text."""
    return desk.store.incidents.statement(desk.officer, name)


def keep(desk: Desk, text: str, name: str = NEW) -> None:
    """Keep a text; an empty one forgets it. Raises `StoreError`."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.incidents.keep_statement(desk.officer, name, str(clean(text)).strip(), tx.at)
