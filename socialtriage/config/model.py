"""The configuration as typed values. `config.load` makes it out of config.toml; nothing here is a secret.

Durations are texts such as `30s`, `15m`, `4h`, `1d`; where they count working time, `d` is one working day.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from socialtriage.config.base import Base
from socialtriage.config.model_keeping import Retention, SpotterRule

TextOrTexts = Annotated[tuple[str, ...], msgspec.Meta(extra={"lone": True})]
"""A list of texts that may be written as one text."""
FlatTable = Annotated[dict[str, str], msgspec.Meta(extra={"flat": True})]
"""A table of texts whose keys may hold dots without quotes: `case.reply = "r"`."""


class Organisation(Base, frozen=True, kw_only=True):
    """Who the desk works for."""

    name: str
    """As residents know it; shown in mails and reports."""
    prefix: str
    """Two or three letters that begin every case reference."""
    timezone: str = "Europe/London"
    """IANA name of the time zone in which times are shown and working hours counted."""
    holidays: str = "GB-ENG"
    """Country, or country and subdivision, whose public holidays are no working days."""
    phone: str | None = None
    """The number that residents may call; fills `{phone}` in saved answers."""
    pre_election: tuple[str, ...] = ()
    """Pre-election periods, `2027-03-22..2027-05-06`, last day included: every public reply is warned about."""
    supervised: tuple[str, ...] = ()
    """Initials of officers whose replies wait for the approval of a second one."""


class Officer(Base, frozen=True, kw_only=True):
    """Who sits at this desk."""

    initials: str | None = None
    """Stands on every action in the log; without it the login name does."""
    supervised: bool = False
    """Whether the replies of this officer wait for the approval of a second one."""


class StoreConfig(Base, frozen=True, kw_only=True):
    """Where the store is."""

    path: str | None = None
    """The database file, `~` allowed; without it a file in the platform's data folder."""


class Target(Base, frozen=True, kw_only=True):
    """One row of the charter: durations of working time (`15m`, `4h`, `1d`)."""

    acknowledge: str
    """Time to the first sign that somebody has seen the message."""
    answer: str
    """Time to a real answer."""
    clock: Literal["working", "always"] = "working"
    """Whether only working time counts, or every hour of every day."""


class Charter(Base, frozen=True, kw_only=True):
    """The organisation's promise, by urgency."""

    emergency: Target = Target(acknowledge="15m", answer="1h", clock="always")
    """Danger to life or property."""
    urgent: Target = Target(acknowledge="1h", answer="4h")
    """Cannot wait for its turn."""
    normal: Target = Target(acknowledge="4h", answer="1d")
    """Everything else."""
    low: Target = Target(acknowledge="1d", answer="3d")
    """Nobody waits for it."""


class Hours(Base, frozen=True, kw_only=True):
    """Working time, spans such as `09:00-17:00`, several a day allowed; an empty list is a day off."""

    monday: tuple[str, ...] = ("09:00-17:00",)
    """Spans of a Monday."""
    tuesday: tuple[str, ...] = ("09:00-17:00",)
    """Spans of a Tuesday."""
    wednesday: tuple[str, ...] = ("09:00-17:00",)
    """Spans of a Wednesday."""
    thursday: tuple[str, ...] = ("09:00-17:00",)
    """Spans of a Thursday."""
    friday: tuple[str, ...] = ("09:00-17:00",)
    """Spans of a Friday."""
    saturday: tuple[str, ...] = ()
    """Spans of a Saturday."""
    sunday: tuple[str, ...] = ()
    """Spans of a Sunday."""


class Mail(Base, frozen=True, kw_only=True):
    """How handoffs leave and contacts' answers arrive. URLs carry no password."""

    from_: str = msgspec.field(name="from", default="")
    """Sender of handoffs, with or without a display name; needed as soon as `smtp` is set."""
    smtp: str | None = None
    """`smtps://user@host:465`, or `smtp://user@host:587` with STARTTLS; plain only to loopback."""
    imap: str | None = None
    """`imaps://user@host:993/INBOX` (or `imap://` with STARTTLS): where contacts' answers arrive."""
    ca_file: str | None = None
    """A PEM file of certificate authorities to trust beside the system's."""
    redact: bool = False
    """Whether handoffs leave without phone numbers, addresses and handles unless an officer says otherwise."""


class Outbox(Base, frozen=True, kw_only=True):
    """What holds for everything that leaves the machine."""

    undo: str = "10s"
    """How long an action of the inbox waits before it leaves, so that `u` can take it back; `0s` for not at all."""


class EvidenceConfig(Base, frozen=True, kw_only=True):
    """Photos, video and sound of messages, which are kept beside the store as they arrive."""

    max_bytes: int = 52_428_800
    """A larger file is not kept."""
    draw: bool = True
    """Kept photos are drawn in the terminal when a key asks for it; false: never, as suits a screen reader."""


class ModerationConfig(Base, frozen=True, kw_only=True):
    """Words that mark a message, and when what was decided against somebody is looked at again."""

    flag: tuple[str, ...] = ()
    """Words and phrases; a case with one of them is marked. `*` at the end of a word stands for any ending."""
    hold: tuple[str, ...] = ()
    """Words and phrases; beside the mark, the first words of the case are not shown in lists."""
    review: str = "90d"
    """How long after a block or a mute its review is due, unless the officer says another day."""


class Keyring(Base, frozen=True, kw_only=True):
    """Which keyring keeps the secrets."""

    allow_plaintext: bool = False
    """Consent to a backend that keeps secrets readable on disk."""
    backend: str | None = None
    """`module.Class` of the backend; without it the system chooses."""


class AccountConfig(Base, frozen=True, kw_only=True):
    """One account: an id of ours and what its network needs."""

    id: str
    """Name of the account in commands and logs, and its user name in the keyring."""
    network: str
    """Which channel speaks to it: mastodon, bluesky, imap ..."""
    server: str | None = None
    """Base address, `https://` (`http://` only to loopback); for imap `imaps://host:993` or a bare host."""
    handle: str | None = None
    """The account's own name on its network, with or without `@`."""
    area: str | None = None
    """Id of the service area of new cases, for a profile that one team owns."""
    every: str = "2m"
    """Poll interval."""
    since: str = "7d"
    """How far the first look goes back."""
    budget: str = "30s"
    """Longest time one pass over this account may take."""
    undo: str | None = None
    """Undo window of this account's replies, where it differs from `[outbox]`."""
    sign_off: str | None = None
    """Ends every reply of this account, such as `^{initials}`; `{initials}` is the officer's."""
    paused: bool = False
    """Neither polled nor sent from."""
    owner: str | None = None
    """The team or person who answers for the login."""
    mailbox: str | None = None
    """imap: the mailbox to read, INBOX without it."""
    user: str | None = None
    """imap: the login name. threads: the user id."""
    page: str | None = None
    """facebook: the Page id."""
    business_account: str | None = None
    """instagram: the id of the professional account."""
    client_id: str | None = None
    """x, youtube, google: the client id of the app that signs in."""
    channel: str | None = None
    """youtube: the channel id. telegram: the channel in which statements are published, `@name` or its number."""
    quota: int | None = None
    """youtube: units a day that the project at Google may use, 10000 without it."""
    location: str | None = None
    """google: `accounts/…/locations/…` of the profile."""
    ceiling: float | None = None
    """x: US dollars a month; when the account has spent as much, its polling pauses."""
    prices: dict[str, float] = msgspec.field(default_factory=dict)
    """x: US dollars by kind of call, where they differ from X's list: mention_read, user_read …"""
    dialect: Literal["auto", "post", "tweet"] = "auto"
    """x: which names of fields requests use: `post` (since August 2026), `tweet` (before), or what the server takes."""
    human_agent: bool = False
    """facebook: Meta granted the human agent tag, which allows private replies for seven days."""
    options: dict[str, str] = msgspec.field(default_factory=dict)
    """Settings of a channel that came by entry point."""


class Area(Base, frozen=True, kw_only=True):
    """A service area: how it is recognised, what it asks for, who answers for it."""

    id: str
    """Name of the area in commands, logs and figures."""
    name: str
    """As officers and residents read it."""
    keywords: tuple[str, ...] = ()
    """Words and phrases that suggest the area."""
    urgent_keywords: tuple[str, ...] = ()
    """Words and phrases that suggest that a case of this area is urgent."""
    topics: tuple[str, ...] = ()
    """Ids of the second level, such as `missed-bin`."""
    contacts: tuple[str, ...] = ()
    """Ids of contacts, in order: the first who is not away gets the handoff."""
    self_serve: str | None = None
    """Page where residents can help themselves; fills `{link}` in saved answers."""
    needs: tuple[str, ...] = ()
    """What must be known before a handoff, such as `address`."""


class Contact(Base, frozen=True, kw_only=True):
    """A colleague or team of the contact network."""

    id: str
    """Name of the contact in commands and logs."""
    name: str
    """As officers know them."""
    email: str
    """Where handoffs go."""
    deputy: str | None = None
    """Id of the contact who stands in while this one is away."""
    answers_within: str = "1d"
    """Working time after which a handoff may be chased."""
    hours: TextOrTexts | None = None
    """When they can be reached where it differs from `[hours]`: `mon-fri 08:00-16:00`; shown to officers."""
    phone: str | None = None
    """For officers, out of hours too."""
    via: Literal["mail", "open311", "zammad", "webhook", "command"] = "mail"
    """How handoffs reach them: by mail, or into another system."""
    url: str | None = None
    """open311, zammad, webhook: address of the system, `https://` (`http://` only to loopback)."""
    service_codes: dict[str, str] = msgspec.field(default_factory=dict)
    """open311: the system's service code by area, or by `area/topic`; `*` for every other."""
    jurisdiction: str | None = None
    """open311: the jurisdiction_id, where the endpoint has several."""
    group: str | None = None
    """zammad: the group that gets the tickets."""
    command: tuple[str, ...] = ()
    """command: the program and its arguments; it reads the handoff as JSON on its standard input."""


class SavedAnswer(Base, frozen=True, kw_only=True):
    """A saved reply, with variants by network."""

    id: str
    """Name of the answer."""
    text: str
    """The wording; placeholders in braces: {ref} {due} {link} {name} {promise} {phone} {area} {contact}."""
    area: str | None = None
    """Id of the service area it is offered for; without it, for every one."""
    for_: dict[str, str] = msgspec.field(name="for", default_factory=dict)
    """Other wordings by network."""
    expires: dt.date | None = None
    """Last day on which it is offered."""
    for_repeats: bool = False
    """It is for residents who had to write again, with an apology: offered to them first, and to nobody else."""


class Acknowledge(Base, frozen=True, kw_only=True):
    """What the one key that acknowledges a message says to the resident. Placeholders as in saved answers."""

    text: str = "Thank you, we have your message. Your reference is {ref}. We will answer by {due}."
    """The wording while the answer is not late."""
    late: str = "Sorry for the wait, we have your message. Your reference is {ref}. We will answer as soon as we can."
    """The wording when the time for the answer is over."""
    for_: dict[str, str] = msgspec.field(name="for", default_factory=dict)
    """Other wordings of `text` by network."""


class Suggest(Base, frozen=True, kw_only=True):
    """Words that suggest an urgency, beside the areas' own keywords."""

    emergency: tuple[str, ...] = ()
    """Words and phrases of danger to life or property."""
    urgent: tuple[str, ...] = ()
    """Words and phrases of matters that cannot wait."""


class Repeat(Base, frozen=True, kw_only=True):
    """When a person's next case counts as a repeat of an earlier one."""

    within: str = "30d"
    """Time between the two."""


class Report(Base, frozen=True, kw_only=True):
    """What the demand figures reckon with."""

    cost_per_call: float | None = None
    """What one telephone call costs the organisation; without it, calls avoided are counted and not priced."""
    currency: str = "GBP"
    """What stands before amounts of money."""


class Ui(Base, frozen=True, kw_only=True):
    """Looks of the screen."""

    theme: str = "socialtriage-dark"
    """Name of a theme; the command palette lists them."""


class Config(Base, frozen=True, kw_only=True):
    """The whole of config.toml."""

    organisation: Organisation
    """Who the desk works for."""
    officer: Officer = Officer()
    """Who sits at this desk."""
    store: StoreConfig = StoreConfig()
    """Where the store is."""
    hours: Hours = Hours()
    """Working time."""
    charter: Charter = Charter()
    """The promise of response times."""
    mail: Mail = Mail()
    """How handoffs travel."""
    outbox: Outbox = Outbox()
    """What leaves, and when."""
    evidence: EvidenceConfig = EvidenceConfig()
    """What is kept of photos, video and sound."""
    moderation: ModerationConfig = ModerationConfig()
    """Blocked words and reviews."""
    keyring: Keyring = Keyring()
    """Where secrets are kept."""
    acknowledge: Acknowledge = Acknowledge()
    """What an acknowledgement says."""
    suggest: Suggest = Suggest()
    """Words that suggest an urgency."""
    repeat: Repeat = Repeat()
    """What a repeat contact is."""
    report: Report = Report()
    """What the figures reckon with."""
    retention: Retention = Retention()
    """How long words are kept."""
    ui: Ui = Ui()
    """Looks."""
    keys: FlatTable = msgspec.field(default_factory=dict)
    """Key presets and changes: `preset`, and action ids with keys; `config.keys` reads them."""
    accounts: tuple[AccountConfig, ...] = ()
    """Every account that is polled."""
    areas: tuple[Area, ...] = ()
    """The service areas, in the order of menus."""
    contacts: tuple[Contact, ...] = ()
    """The contact network."""
    answers: tuple[SavedAnswer, ...] = ()
    """The saved replies."""
    spotter: tuple[SpotterRule, ...] = ()
    """Changes and additions to what the spotter looks for."""
