"""A desk for tests: a small council, a clock that stands still until it is moved, messages made in one line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from socialtriage.config.load import parse
from socialtriage.config.model import AccountConfig, Config
from socialtriage.domain.models import Author, Incoming, Page, Visibility
from socialtriage.domain.text import clean, clean_line
from socialtriage.services.desk import Desk, open_desk
from socialtriage.services.intake import take_in
from socialtriage.services.taken import TakenIn

MONDAY = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
"""A Monday morning in working time."""

CONFIG = """
[organisation]
name = "Anytown Borough Council"
prefix = "ABC"
timezone = "Europe/London"
holidays = "GB-ENG"

[mail]
from = "Anytown social desk <social@anytown.example>"
smtp = "smtp://127.0.0.1:1"

[outbox]
undo = "10s"

[suggest]
emergency = ["gas leak"]
urgent = ["dangerous"]

[[accounts]]
id = "town-mastodon"
network = "mastodon"
server = "https://social.example"
handle = "@anytown"

[[accounts]]
id = "leisure"
network = "bluesky"
handle = "leisure.anytown.example"
area = "leisure"

[[accounts]]
id = "mailbox"
network = "imap"
server = "imaps://mail.anytown.example:993"
user = "hello@anytown.example"

[[areas]]
id = "waste"
name = "Bins and recycling"
keywords = ["bin", "recycling", "missed collection"]
topics = ["missed-bin", "new-bin"]
contacts = ["waste-team", "contact-centre"]
self_serve = "https://anytown.example/bins"

[[areas]]
id = "roads"
name = "Roads"
keywords = ["pothole"]
contacts = ["roads-team"]

[[areas]]
id = "leisure"
name = "Leisure"
contacts = ["loop-a"]

[[contacts]]
id = "waste-team"
name = "Waste services"
email = "waste@anytown.example"
deputy = "contact-centre"
answers_within = "1d"

[[contacts]]
id = "contact-centre"
name = "Contact centre"
email = "centre@anytown.example"

[[contacts]]
id = "roads-team"
name = "Highways"
email = "roads@anytown.example"
deputy = "waste-team"

[[contacts]]
id = "loop-a"
name = "Leisure team"
email = "leisure@anytown.example"

[[answers]]
id = "missed-bin"
area = "waste"
text = "Sorry about that. Your reference is {ref}. Report it at {link}."
for.facebook = "Sorry {name}, we have logged it as {ref}."
"""


class FrozenClock:
    """Stands still; `move` lets time pass."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **length: float) -> datetime:
        """Let so much time pass (the keywords of timedelta)."""
        self.now += timedelta(**length)
        return self.now


def small_config(text: str = CONFIG) -> Config:
    """The configuration of a small council."""
    return parse(text)


def small_desk(folder: Path, *, officer: str = "JS", clock: FrozenClock | None = None, config: str = CONFIG) -> Desk:
    """A desk with its store in `folder`; two of them on one folder are two officers."""
    return open_desk(
        small_config(config),
        folder / "desk.db",
        officer=officer,
        clock=clock or FrozenClock(),
        config_path=folder / "config.toml",
        mail_folder=folder / "sent",
    )


def person(name: str = "A Resident", key: str | None = None) -> Author:
    """A person whose key follows from the name."""
    short = key or name.lower().replace(" ", "")
    return Author(key=f"{short}@social.example", handle=clean_line(f"@{short}@social.example"), name=clean_line(name))


def message(text: str, remote_id: str | None = None, *, at: datetime = MONDAY, **more: Any) -> Incoming:
    """A public message of a resident; its thread is its own id unless one is given."""
    identity = remote_id or f"m{abs(hash((text, at))) % 10**9}"
    values: dict[str, Any] = {
        "remote_id": identity,
        "author": person(),
        "text": clean(text),
        "at": at,
        "visibility": Visibility.PUBLIC,
        "thread": identity,
        "url": f"https://social.example/{identity}",
    }
    if isinstance(more.get("author"), str):
        more["author"] = person(more["author"])
    return Incoming(**(values | more))


def arrive(desk: Desk, *items: Incoming, account: str = "town-mastodon", **page: Any) -> TakenIn:
    """Messages come in on an account."""
    return take_in(desk, account_of(desk, account), Page(items=items, **page))


def account_of(desk: Desk, account: str) -> AccountConfig:
    """An account of the small council; its row in the store is made."""
    config = desk.account(account)
    with desk.store.transaction("test", desk.clock()) as tx:
        tx.accounts.ensure(config.id, config.network, config.handle or "")
    return config


def case_ids(desk: Desk, view: str = "queue") -> list[int]:
    """Ids that a view shows."""
    from socialtriage.domain.views import Query
    from socialtriage.services import inbox

    return list(inbox.snapshot(desk, Query(view=view)))


def the_case(desk: Desk, view: str = "queue") -> int:
    """The only case of a view."""
    ids = case_ids(desk, view)
    assert len(ids) == 1, f"{len(ids)} cases in {view}"
    return ids[0]


def kinds(desk: Desk, case_id: int) -> list[str]:
    """The kinds of a case's events, in order."""
    return [event.kind for event in desk.store.log.of_case(case_id)]


def texts(items: Iterable[Any]) -> list[str]:
    """The texts of messages."""
    return [str(item.text) for item in items]
