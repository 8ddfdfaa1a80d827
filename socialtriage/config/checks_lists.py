"""Accounts, areas, contacts and saved answers: each by itself, and what they say of each other."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Protocol

from socialtriage.config import values
from socialtriage.config.checks import DAY, MINUTE, SECOND, attempt, check_text, check_undo, check_words, least_interval
from socialtriage.config.model import AccountConfig, Area, Config, Contact, SavedAnswer
from socialtriage.config.networks import NEEDED, WITH_VARIANTS, X_PRICES
from socialtriage.config.problems import Path, Problems, did_you_mean, quoted
from socialtriage.domain.endpoints import check_endpoint, check_page, check_server, is_host, mail_endpoint

MAIL_SECRETS = ("mail.smtp", "mail.imap")
"""Names that the keyring holds the two mail secrets under; no account may be called so."""
_LOCATION = re.compile(r"accounts/[\w-]+/locations/[\w-]+", re.ASCII)
_TELEGRAM_CHANNEL = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-100[0-9]{5,15}", re.ASCII)


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


def check_lists(config: Config, problems: Problems, networks: Sequence[str] | None) -> None:
    """Everything in the four lists; `networks` are the known ones, None to take any."""
    for name in ("accounts", "areas", "contacts", "answers"):
        _ids(name, getattr(config, name), problems)
    areas = {area.id for area in config.areas}
    contacts = {contact.id for contact in config.contacts}
    for number, account in enumerate(config.accounts):
        _account(account, ("accounts", number), areas, problems, networks)
    for number, area in enumerate(config.areas):
        _area(area, ("areas", number), contacts, problems)
    for number, contact in enumerate(config.contacts):
        _contact(contact, ("contacts", number), problems)
    for number, answer in enumerate(config.answers):
        _answer(answer, ("answers", number), areas, problems, networks)
    _deputies(config, contacts, problems)
    for network in config.acknowledge.for_:
        _network(problems, ("acknowledge", "for", network), network, _with_variants(networks))


def _with_variants(networks: Sequence[str] | None) -> list[str] | None:
    """The networks that a wording may be for; None to take any."""
    return None if networks is None else sorted({*networks, *WITH_VARIANTS})


def _ids(name: str, entries: Sequence[_WithId], problems: Problems) -> None:
    first: dict[str, int] = {}
    for number, entry in enumerate(entries):
        path: Path = (name, number, "id")
        attempt(problems, path, values.check_id, entry.id)
        if name == "accounts" and entry.id in MAIL_SECRETS:
            problems.add(path, f"{quoted(entry.id)} is taken: the mail server's secret is kept under it")
        known = first.setdefault(entry.id.casefold(), number)
        if known != number:
            problems.add(path, f"{quoted(entry.id)} is the id of {name}[{known}] already; ids are unique")


def _refer(problems: Problems, path: Path, what: str, wanted: str | None, ids: Collection[str]) -> None:
    """A reference by id to one of `ids`."""
    if wanted is not None and wanted not in ids:
        near = did_you_mean(wanted, () if problems.many else ids)
        problems.add(path, f"there is no {what} {quoted(wanted)}{near}")


def _network(problems: Problems, path: Path, network: str, networks: Sequence[str] | None) -> None:
    if networks is None or network in networks:
        return
    near = did_you_mean(network, networks) or f"; known are {', '.join(networks)}"
    problems.add(path, f"there is no network {quoted(network)}{near}")


def _account(
    account: AccountConfig, path: Path, areas: Collection[str], problems: Problems, networks: Sequence[str] | None
) -> None:
    _network(problems, (*path, "network"), account.network, networks)
    for group in NEEDED.get(account.network, ()):
        if not any(getattr(account, key) for key in group):
            problems.add((*path, group[0]), f"is missing; network {account.network} needs {' or '.join(group)}")
    if account.server is not None:
        attempt(
            problems, (*path, "server"), _imap_server if account.network == "imap" else check_server, account.server
        )
    _refer(problems, (*path, "area"), "area", account.area, areas)
    _account_times(account, path, problems)
    if account.sign_off is not None:
        check_text(problems, (*path, "sign_off"), account.sign_off)
        attempt(problems, (*path, "sign_off"), values.check_sign_off, account.sign_off)
    for key in ("handle", "owner", "mailbox", "user", "page", "business_account", "client_id", "channel", "location"):
        text: str | None = getattr(account, key)
        if text is not None:
            check_text(problems, (*path, key), text)
    _x_money(account, path, problems)
    if account.network == "telegram" and account.channel and not _TELEGRAM_CHANNEL.fullmatch(account.channel):
        problems.add((*path, "channel"), "must be @name, or the channel's number, which begins with -100")
    if account.location is not None and not _LOCATION.fullmatch(account.location):
        problems.add((*path, "location"), "must be accounts/…/locations/…, as Google names the profile")
    if account.quota is not None and not 100 <= account.quota <= 100_000_000:
        problems.add((*path, "quota"), "must be between 100 and 100000000 units a day")


def _x_money(account: AccountConfig, path: Path, problems: Problems) -> None:
    """The price table and the ceiling of an account at X."""
    for name, price in account.prices.items():
        if name not in X_PRICES:
            near = did_you_mean(name, X_PRICES) or f"; known are {', '.join(X_PRICES)}"
            problems.add((*path, "prices", name), f"there is no price {quoted(name)}{near}")
        elif not 0 <= price < 1000:
            problems.add((*path, "prices", name), "must be US dollars, 0 or more")
    if account.ceiling is not None and not 0 < account.ceiling < 1_000_000:
        problems.add((*path, "ceiling"), "must be US dollars a month, more than 0")


def _account_times(account: AccountConfig, path: Path, problems: Problems) -> None:
    least, words = least_interval(account.server)
    bounds = {
        "every": (account.every, least, DAY, f"between {words} and 1d"),
        "since": (account.since, MINUTE, 3660 * DAY, "between 1m and ten years"),
        "budget": (account.budget, SECOND, 10 * MINUTE, "between 1s and 10m"),
    }
    for key, bound in bounds.items():
        attempt(problems, (*path, key), values.plain_time, *bound)
    if account.undo is not None:
        check_undo(problems, (*path, "undo"), account.undo)


def _imap_server(server: str) -> None:
    """`imaps://host:993`, `imap://host:143` or a bare host; the user has a key of its own."""
    if "://" not in server:
        host, _, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "993")
        if not is_host(host) or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError("must be a host, or imaps://host:993")
        return
    endpoint = mail_endpoint(server, protocol="imap")
    if endpoint.user is not None:
        raise ValueError("must hold no user; write it under `user`")


def _area(area: Area, path: Path, contacts: Collection[str], problems: Problems) -> None:
    check_text(problems, (*path, "name"), area.name)
    for key in ("keywords", "urgent_keywords", "needs"):
        check_words(problems, (*path, key), getattr(area, key))
    topics: set[str] = set()
    for number, topic in enumerate(area.topics):
        attempt(problems, (*path, "topics", number), values.check_id, topic)
        if topic in topics:
            problems.add((*path, "topics", number), f"{quoted(topic)} is in the list already")
        topics.add(topic)
    for number, contact in enumerate(area.contacts):
        _refer(problems, (*path, "contacts", number), "contact", contact, contacts)
    if area.self_serve is not None:
        attempt(problems, (*path, "self_serve"), check_page, area.self_serve)


def _contact(contact: Contact, path: Path, problems: Problems) -> None:
    check_text(problems, (*path, "name"), contact.name)
    attempt(problems, (*path, "email"), values.check_address, contact.email)
    attempt(problems, (*path, "answers_within"), values.working_time, contact.answers_within)
    check_words(problems, (*path, "hours"), contact.hours or ())
    if contact.phone is not None:
        check_text(problems, (*path, "phone"), contact.phone)
    _bridge(contact, path, problems)


def _bridge(contact: Contact, path: Path, problems: Problems) -> None:
    """What the way of a contact's handoffs needs."""
    if contact.via == "command":
        if not contact.command:
            problems.add((*path, "command"), 'is missing: the program to run, such as ["new-job"]')
    elif contact.via != "mail":
        if contact.url is None:
            problems.add((*path, "url"), f"is missing: the address of the system that {contact.via} speaks to")
        else:
            attempt(problems, (*path, "url"), check_endpoint, contact.url)
    if contact.via == "open311" and not contact.service_codes:
        problems.add((*path, "service_codes"), 'is missing: the code of each area, such as { roads = "POT" }')


def _answer(
    answer: SavedAnswer, path: Path, areas: Collection[str], problems: Problems, networks: Sequence[str] | None
) -> None:
    _refer(problems, (*path, "area"), "area", answer.area, areas)
    wordings: dict[Path, str] = {(*path, "text"): answer.text}
    known = _with_variants(networks)
    for network, text in answer.for_.items():
        _network(problems, (*path, "for", network), network, known)
        wordings[(*path, "for", network)] = text
    for where, text in wordings.items():
        check_text(problems, where, text, lines=True)
        attempt(problems, where, values.check_placeholders, text)


def _deputies(config: Config, contacts: Collection[str], problems: Problems) -> None:
    """Every deputy exists and is somebody else. Colleagues may stand in for one another: a handoff sees who is away."""
    for number, contact in enumerate(config.contacts):
        path = ("contacts", number, "deputy")
        _refer(problems, path, "contact", contact.deputy, contacts)
        if contact.deputy == contact.id:
            problems.add(path, "nobody stands in for themselves")
