"""Cases from contacts made elsewhere: on the phone, at the counter, by letter, in a chat."""

from __future__ import annotations

import re
import secrets

from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Author, Incoming, Page, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.domain.views import Done
from socialtriage.services.desk import Desk
from socialtriage.services.intake import take_in

_CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,30}", re.ASCII)


def check_channel(desk: Desk, channel: str) -> None:
    """Raises `UsageError` when `channel` cannot stand in the place of an account."""
    if not _CHANNEL.fullmatch(channel):
        raise UsageError(
            f"“{clean_line(channel, 40)}” is no channel: write letters, such as chat, counter or whatsapp."
        )
    if channel in desk.accounts:
        raise UsageError(f"{channel} is an account of the configuration: say --account {channel}.")


def new(desk: Desk, person: str, text: str, channel: str) -> Done:
    """Open a case for what somebody said; `channel` stands in the place of account and network."""
    name = clean_line(person.strip(), 120)
    words = clean(text.strip())
    if not name:
        raise UsageError("Say who it was: a name, or a number.")
    if not words:
        raise UsageError("Say what they wanted: the text is empty.")
    now = desk.clock()
    identity = f"{channel}-{secrets.token_hex(8)}"
    item = Incoming(
        remote_id=identity,
        # Two callers may have one name: whether they are one person is an officer's word, never the program's.
        author=Author(key=identity, handle=name, name=name),
        text=words,
        at=now,
        visibility=Visibility.PRIVATE,
        thread=identity,
    )
    account = AccountConfig(id=channel, network=channel)
    with desk.store.transaction(desk.officer, now) as tx:
        tx.accounts.ensure(channel, channel, "")
    taken = take_in(desk, account, Page(items=(item,)), officer=desk.officer)
    ref = desk.store.cases.get(taken.case_ids[0]).ref
    said = f"Opened {ref} for {name}."
    with desk.store.transaction(desk.officer, now) as tx:
        # It stays; but an undo must not reach past it, to what was done to another case before.
        tx.undo.add(desk.seat, now, said, [])
    return Done(said, tuple(taken.case_ids))
