"""The desk: configuration, store, clock and officer, as every service takes them."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from socialtriage.config.model import AccountConfig, Area, Config, Contact
from socialtriage.config.paths import expanded, media_folder, relative_to_config
from socialtriage.domain.errors import ConfigError, UnknownName
from socialtriage.domain.text import clean_line
from socialtriage.domain.times import parse_every, utc_now
from socialtriage.store.store import Store

if TYPE_CHECKING:
    from socialtriage.domain.blocked import BlockedWords
    from socialtriage.domain.rules import Suggester
    from socialtriage.domain.spotter import Spot, Spotter
    from socialtriage.services.clocks import Clocks

Clock = Callable[[], datetime]
T = TypeVar("T")
OFFICER_LIMIT = 32
"""Characters of an officer's name."""


def officer_of(config: Config) -> str:
    """Who acts: SOCIALTRIAGE_OFFICER, else the configuration, else the login name."""
    for named in (os.environ.get("SOCIALTRIAGE_OFFICER"), config.officer.initials, _login_name()):
        # The name stands on screens, in mails and in the log for ever, whoever set the variable.
        if name := clean_line(named or "", OFFICER_LIMIT):
            return name
    return "officer"


def _login_name() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


@dataclass(eq=False, repr=False)
class Desk:
    """One officer at one store. Blocking calls only; the store's reads are short."""

    config: Config
    store: Store
    clock: Clock = utc_now
    officer: str = "officer"
    media_folder: Path = field(default_factory=lambda: Path("media"))
    config_path: Path | None = None
    mail_folder: Path | None = None
    """Where mails are written instead of being sent (the demo)."""

    def prepare(self) -> None:
        """Have the calendar ready: its library takes long to load, and inside a write everybody would wait for it."""
        with contextlib.suppress(ConfigError):  # who needs the clocks is told
            now = self.clock()
            for day in (now, now + timedelta(days=60)):
                self.clocks.working.holiday(day.astimezone(self.zone).date())

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    @cached_property
    def seat(self) -> str:
        """Whose steps an undo takes back: two officers may have the same initials, so their logins count too."""
        return f"{self.officer}\n{_login_name() or ''}"

    @cached_property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.config.organisation.timezone)

    @cached_property
    def clocks(self) -> Clocks:
        """The charter's clocks. Raises `ConfigError` for a calendar that does not exist."""
        from socialtriage.services.clocks import Clocks

        return Clocks(self.config)

    @cached_property
    def accounts(self) -> dict[str, AccountConfig]:
        """Accounts by id, in the order of the configuration."""
        return {account.id: account for account in self.config.accounts}

    @cached_property
    def areas(self) -> dict[str, Area]:
        """Service areas by id, in the order of the configuration."""
        return {area.id: area for area in self.config.areas}

    @cached_property
    def contacts(self) -> dict[str, Contact]:
        """Contacts by id."""
        return {contact.id: contact for contact in self.config.contacts}

    @cached_property
    def suggester(self) -> Suggester:
        """What the configuration's words say of a text; made at the first message."""
        from socialtriage.domain.rules import KeywordSuggester

        words = self.config.suggest
        return KeywordSuggester(self.config.areas, words.emergency, words.urgent)

    @cached_property
    def blocked_words(self) -> BlockedWords:
        """The words that mark a message; made at the first one."""
        from socialtriage.domain.blocked import BlockedWords

        return BlockedWords(self.config.moderation.flag, self.config.moderation.hold)

    @cached_property
    def spotter(self) -> Spotter:
        """What flags requests, complaints, press and danger; made at the first message."""
        from socialtriage.services.spotting import spotter_of

        return spotter_of(self.config)

    @cached_property
    def spots_in(self) -> Callable[[str], Sequence[Spot]]:
        """What the spotter finds in a text; of the last texts it knows it still, so that it can look beforehand."""
        return lru_cache(maxsize=128)(self.spotter.look)

    @cached_property
    def repeat_window(self) -> timedelta:
        """Within how long a person's next case counts as a repeat."""
        return parse_every(self.config.repeat.within)

    def account(self, id_: str) -> AccountConfig:
        """An account of the configuration. Raises `UnknownName` with the nearest id."""
        return _named(self.accounts, id_, "account")

    def area(self, id_: str) -> Area:
        """A service area of the configuration. Raises `UnknownName` with the nearest id."""
        return _named(self.areas, id_, "service area")

    def contact(self, id_: str) -> Contact:
        """A contact of the configuration. Raises `UnknownName` with the nearest id."""
        return _named(self.contacts, id_, "contact")

    def network_of(self, account: AccountConfig) -> str:
        """The network whose name messages of an account show: a demo account plays another one."""
        return account.options.get("as", account.network) if account.network == "demo" else account.network


def ca_file_of(desk: Desk) -> str | None:
    """The certificate file of the configuration; a relative path counts from the configuration's folder."""
    ca_file = desk.config.mail.ca_file
    if not ca_file:
        return None
    return str(relative_to_config(ca_file, desk.config_path) if desk.config_path else expanded(ca_file))


def _named(values: dict[str, T], id_: str, what: str) -> T:
    found = values.get(id_)
    if found is not None:
        return found
    import difflib

    near = difflib.get_close_matches(id_, values, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else (f"There are: {', '.join(values)}." if values else "")
    raise UnknownName(f"There is no {what} {id_!r}.", hint=hint)


def open_desk(
    config: Config,
    store_path: Path,
    *,
    officer: str | None = None,
    clock: Clock = utc_now,
    config_path: Path | None = None,
    mail_folder: Path | None = None,
) -> Desk:
    """Open the store and sit down. Raises `StoreError`."""
    desk = Desk(
        config,
        Store(store_path),
        clock,
        officer or officer_of(config),
        media_folder=media_folder(store_path),
        config_path=config_path,
        mail_folder=mail_folder,
    )
    desk.store.before_writing = desk.prepare
    return desk
