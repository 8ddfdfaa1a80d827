"""What the single tables of the configuration must mean, not only look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from socialtriage.config import values
from socialtriage.config.model import Config, Target
from socialtriage.config.problems import Path, Problems, quoted
from socialtriage.domain import retention
from socialtriage.domain.endpoints import MailProtocol, is_loopback, mail_endpoint
from socialtriage.domain.models import Kind, Urgency

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

LARGEST_FILE = 2**31 - 1
"""Bytes of a file that `[evidence] max_bytes` may allow."""

_BACKEND = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_INITIALS = re.compile(r"\S(?:.{0,30}\S)?")


def attempt(problems: Problems, path: Path, check: Callable[..., object], *args: Any) -> None:
    """Run a check of `values` and note what it says."""
    try:
        check(*args)
    except ValueError as exc:
        problems.add(path, str(exc))


def check_text(problems: Problems, path: Path, text: str, *, lines: bool = False) -> None:
    """A text that is shown or sent: not empty, and without control characters."""
    if not text.strip():
        problems.add(path, "must not be empty")
    elif not (text.replace("\n", " ").replace("\t", " ") if lines else text).isprintable():
        problems.add(path, "holds control characters or other invisible ones" + ("" if lines else ", or several lines"))


def check_tables(config: Config, problems: Problems) -> None:
    """Everything outside the four lists."""
    _organisation(config, problems)
    _hours(config, problems)
    _charter(config, problems)
    _mail(config, problems)
    _rest(config, problems)
    _retention(config, problems)


def _organisation(config: Config, problems: Problems) -> None:
    here = config.organisation
    check_text(problems, ("organisation", "name"), here.name)
    attempt(problems, ("organisation", "prefix"), values.check_prefix, here.prefix)
    attempt(problems, ("organisation", "timezone"), values.check_timezone, here.timezone)
    attempt(problems, ("organisation", "holidays"), values.check_holidays, here.holidays)
    if here.phone is not None:
        check_text(problems, ("organisation", "phone"), here.phone)
    for number, period in enumerate(here.pre_election):
        attempt(problems, ("organisation", "pre_election", number), values.parse_period, period)
    check_words(problems, ("organisation", "supervised"), here.supervised)


def _hours(config: Config, problems: Problems) -> None:
    for day in values.DAY_NAMES:
        attempt(problems, ("hours", day), values.check_spans, getattr(config.hours, day))
    if not any(getattr(config.hours, day) for day in values.DAY_NAMES):
        problems.add(("hours",), "must leave at least one day of work in the week")


def _longest_day(config: Config) -> int:
    """Minutes of the longest working day; 480 where the hours cannot be read."""
    try:
        days = [[values.parse_span(text) for text in getattr(config.hours, day)] for day in values.DAY_NAMES]
    except ValueError:
        return 480
    return max(sum(span.end - span.start for span in day) for day in days) or 480


def _charter(config: Config, problems: Problems) -> None:
    working_day = _longest_day(config)
    for urgency in Urgency:
        target: Target = getattr(config.charter, urgency.value)
        day = 1440 if target.clock == "always" else working_day
        seconds: dict[str, int] = {}
        for field in ("acknowledge", "answer"):
            try:
                allowed = values.working_time(getattr(target, field))
            except ValueError as exc:
                problems.add(("charter", urgency.value, field), str(exc))
            else:
                seconds[field] = allowed.days * day * 60 + allowed.seconds
        if len(seconds) == 2 and seconds["answer"] < seconds["acknowledge"]:
            problems.add(
                ("charter", urgency.value, "answer"),
                f"must not be shorter than acknowledge, which is {quoted(target.acknowledge)}",
            )


def _mail(config: Config, problems: Problems) -> None:
    mail = config.mail
    if mail.from_:
        attempt(problems, ("mail", "from"), values.parse_sender, mail.from_)
    elif mail.smtp is not None:
        problems.add(("mail", "from"), "is missing; handoffs need a sender")
    protocols: tuple[MailProtocol, MailProtocol] = ("smtp", "imap")
    for protocol in protocols:
        url: str | None = getattr(mail, protocol)
        if url is not None:
            attempt(problems, ("mail", protocol), lambda url=url, p=protocol: mail_endpoint(url, protocol=p))
    if mail.imap is not None and not problems.covers(("mail", "imap")) and mail_endpoint(mail.imap).user is None:
        problems.add(("mail", "imap"), "names no user; write imaps://USER@…")
    if mail.ca_file is not None:
        check_text(problems, ("mail", "ca_file"), mail.ca_file)


def _rest(config: Config, problems: Problems) -> None:
    if config.officer.initials is not None and not (
        _INITIALS.fullmatch(config.officer.initials) and config.officer.initials.isprintable()
    ):
        problems.add(("officer", "initials"), "must be initials or a short name on one line, at most 32 characters")
    if config.store.path is not None:
        check_text(problems, ("store", "path"), config.store.path)
    check_undo(problems, ("outbox", "undo"), config.outbox.undo)
    attempt(
        problems,
        ("repeat", "within"),
        lambda: values.plain_time(config.repeat.within, MINUTE, 3660 * DAY, "between 1m and ten years"),
    )
    if not 1 <= config.evidence.max_bytes <= LARGEST_FILE:
        problems.add(("evidence", "max_bytes"), f"must be a number of bytes between 1 and {LARGEST_FILE}")
    for list_ in ("flag", "hold"):
        check_words(problems, ("moderation", list_), getattr(config.moderation, list_))
    attempt(
        problems,
        ("moderation", "review"),
        lambda: values.plain_time(config.moderation.review, DAY, 3660 * DAY, "between 1d and ten years"),
    )
    if config.keyring.backend is not None and not _BACKEND.fullmatch(config.keyring.backend):
        problems.add(("keyring", "backend"), "must be module.Class, such as keyring.backends.SecretService.Keyring")
    cost = config.report.cost_per_call
    if cost is not None and not 0 <= cost <= 10_000:
        problems.add(("report", "cost_per_call"), "must be the price of one call, from 0 to 10000")
    check_text(problems, ("report", "currency"), config.report.currency)
    check_text(problems, ("ui", "theme"), config.ui.theme)
    wordings: dict[tuple[str, ...], str] = {("text",): config.acknowledge.text, ("late",): config.acknowledge.late}
    wordings |= {("for", network): text for network, text in config.acknowledge.for_.items()}
    for key, text in wordings.items():
        check_text(problems, ("acknowledge", *key), text, lines=True)
        attempt(problems, ("acknowledge", *key), values.check_placeholders, text)
    for urgency in ("emergency", "urgent"):
        check_words(problems, ("suggest", urgency), getattr(config.suggest, urgency))


def _retention(config: Config, problems: Problems) -> None:
    here = config.retention
    for name in ("default", *Kind, "media"):
        text: str | None = getattr(here, str(name))
        if text is not None:
            attempt(problems, ("retention", str(name)), retention.period, text)
    for network, text in here.networks.items():
        attempt(problems, ("retention", "networks", network), retention.period, text)


def check_undo(problems: Problems, path: Path, text: str) -> None:
    """How long something waits before it leaves."""
    attempt(problems, path, lambda: values.plain_time(text, 0 * SECOND, 60 * MINUTE, "between 0s and 60m"))


def check_words(problems: Problems, path: Path, words: tuple[str, ...]) -> None:
    """A list of words, none of them empty."""
    if all(word.isprintable() and word.strip() for word in words):
        return
    for number, word in enumerate(words):
        check_text(problems, (*path, number), word)


def least_interval(server: str | None) -> tuple[timedelta, str]:
    """The shortest poll interval, and its words: a server on this machine may be asked every second."""
    from urllib.parse import urlsplit

    try:
        local = server is not None and is_loopback(urlsplit(server).hostname)
    except ValueError:
        local = False
    return (SECOND, "1s") if local else (10 * SECOND, "10s")
