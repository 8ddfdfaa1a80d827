"""The configuration as typed values. `config.load` makes it out of config.toml; nothing here is a secret."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec


class Base(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, omit_defaults=True):
    """Unknown keys are errors everywhere."""


class Organisation(Base, frozen=True, kw_only=True):
    """Who the desk works for."""

    name: str
    prefix: str
    timezone: str = "Europe/London"
    holidays: str = "GB-ENG"


class Officer(Base, frozen=True, kw_only=True):
    """Who sits at this desk."""

    initials: str | None = None


class StoreConfig(Base, frozen=True, kw_only=True):
    """Where the store is."""

    path: str | None = None


class Target(Base, frozen=True, kw_only=True):
    """One row of the charter: durations of working time (`15m`, `4h`, `1d`)."""

    acknowledge: str
    answer: str
    clock: Literal["working", "always"] = "working"


class Charter(Base, frozen=True, kw_only=True):
    """The organisation's promise, by urgency."""

    emergency: Target = Target(acknowledge="15m", answer="1h", clock="always")
    urgent: Target = Target(acknowledge="1h", answer="4h")
    normal: Target = Target(acknowledge="4h", answer="1d")
    low: Target = Target(acknowledge="1d", answer="3d")


class Hours(Base, frozen=True, kw_only=True):
    """Working time, spans such as `09:00-17:00`, several a day allowed."""

    monday: tuple[str, ...] = ("09:00-17:00",)
    tuesday: tuple[str, ...] = ("09:00-17:00",)
    wednesday: tuple[str, ...] = ("09:00-17:00",)
    thursday: tuple[str, ...] = ("09:00-17:00",)
    friday: tuple[str, ...] = ("09:00-17:00",)
    saturday: tuple[str, ...] = ()
    sunday: tuple[str, ...] = ()


class Mail(Base, frozen=True, kw_only=True):
    """How handoffs leave and contacts' answers arrive. URLs carry no password."""

    from_: str = msgspec.field(name="from", default="")
    smtp: str | None = None
    imap: str | None = None
    ca_file: str | None = None
    redact: bool = False


class Outbox(Base, frozen=True, kw_only=True):
    """How long an action waits in the inbox before it leaves, so that `u` can take it back."""

    undo: str = "10s"


class Keyring(Base, frozen=True, kw_only=True):
    """Which keyring backend, and the consent to a plaintext one."""

    allow_plaintext: bool = False
    backend: str | None = None


class AccountConfig(Base, frozen=True, kw_only=True):
    """One account: an id of ours and what its network needs."""

    id: str
    network: str
    server: str | None = None
    handle: str | None = None
    area: str | None = None
    every: str = "2m"
    since: str = "7d"
    budget: str = "30s"
    undo: str | None = None
    paused: bool = False
    owner: str | None = None
    mailbox: str | None = None
    user: str | None = None
    page: str | None = None
    business_account: str | None = None
    client_id: str | None = None
    channel: str | None = None
    location: str | None = None
    human_agent: bool = False
    options: dict[str, str] = {}
    """Settings of a channel that came by entry point."""


class Area(Base, frozen=True, kw_only=True):
    """A service area: how it is recognised, what it asks for, who answers for it."""

    id: str
    name: str
    keywords: tuple[str, ...] = ()
    urgent_keywords: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    self_serve: str | None = None
    needs: tuple[str, ...] = ()


class Contact(Base, frozen=True, kw_only=True):
    """A colleague or team of the contact network."""

    id: str
    name: str
    email: str
    deputy: str | None = None
    answers_within: str = "1d"
    hours: tuple[str, ...] | None = None
    phone: str | None = None


class SavedAnswer(Base, frozen=True, kw_only=True):
    """A saved reply, with variants by network."""

    id: str
    text: str
    area: str | None = None
    for_: dict[str, str] = msgspec.field(name="for", default_factory=dict)
    expires: dt.date | None = None


class Suggest(Base, frozen=True, kw_only=True):
    """Words that suggest an urgency, beside the areas' own keywords."""

    emergency: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()


class Repeat(Base, frozen=True, kw_only=True):
    """When a person's next case counts as a repeat of an earlier one."""

    within: str = "30d"


class Ui(Base, frozen=True, kw_only=True):
    """Looks of the screen."""

    theme: str = "socialtriage-dark"


class Config(Base, frozen=True, kw_only=True):
    """The whole of config.toml."""

    organisation: Organisation
    officer: Officer = Officer()
    store: StoreConfig = StoreConfig()
    hours: Hours = Hours()
    charter: Charter = Charter()
    mail: Mail = Mail()
    outbox: Outbox = Outbox()
    keyring: Keyring = Keyring()
    suggest: Suggest = Suggest()
    repeat: Repeat = Repeat()
    ui: Ui = Ui()
    keys: dict[str, str] = {}
    accounts: tuple[AccountConfig, ...] = ()
    areas: tuple[Area, ...] = ()
    contacts: tuple[Contact, ...] = ()
    answers: tuple[SavedAnswer, ...] = ()
