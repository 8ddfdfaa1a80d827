"""`check`: proving that everything the desk needs works, without sending anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialtriage.channels.http import Budget
from socialtriage.domain.charter import Duration
from socialtriage.domain.errors import SocialTriageError
from socialtriage.services import answerbox, logins, mail_login
from socialtriage.services.desk import Desk, ca_file_of
from socialtriage.services.transport import IMAP_SECRET, SMTP_SECRET, transport_of

if TYPE_CHECKING:
    from socialtriage.services.secrets import SecretStore
    from socialtriage.services.sync import Poller


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def offline(desk: Desk) -> list[Finding]:
    """What can be proved without a network: configuration, calendar, store, log."""
    config = desk.config
    words = f"{len(config.accounts)} accounts, {len(config.areas)} service areas, {len(config.contacts)} contacts"
    found = [Finding("configuration", True, f"{desk.config_path}: {words}")]
    found.append(_proved("charter", lambda: f"{config.organisation.timezone}, holidays {_calendar(desk)}"))
    if desk.config.mail.ca_file:
        found.append(_certificates(str(ca_file_of(desk))))
    found += _commands(desk)
    fault = desk.store.quick_check()
    found.append(Finding("store", fault is None, fault or f"{desk.store.path} is sound"))
    verified = desk.store.log.verify()
    whole = f"{verified.events} events, whole"
    found.append(Finding("log", verified.fault is None, verified.fault or whole))
    return found


def _commands(desk: Desk) -> Iterator[Finding]:
    """The programs that take handoffs: a missing one would be noticed with the first case that fails."""
    import shutil

    for contact in desk.config.contacts:
        if contact.via == "command" and contact.command:
            where = shutil.which(contact.command[0])
            why = f"the command {contact.command[0]} is not there, or may not be run"
            yield Finding(f"contact {contact.id}", where is not None, f"{where} takes the handoffs" if where else why)


def _certificates(path: str) -> Finding:
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except OSError as exc:
        why = "holds no certificate" if isinstance(exc, ssl.SSLError) else exc.strerror or str(exc)
        return Finding("mail.ca_file", False, f"{path}: {why}")
    return Finding("mail.ca_file", True, f"{path} can be read")


def _calendar(desk: Desk) -> str:
    desk.clocks.add(desk.clock(), Duration(days=1))
    return desk.config.organisation.holidays


def keyring(desk: Desk, secrets: SecretStore) -> list[Finding]:
    """The keyring, and whether it holds what the configuration needs."""
    found = [_proved("keyring", secrets.describe)]
    if found[0].ok:
        wanted = [a.id for a in desk.config.accounts if not a.paused and a.network != "demo"]
        wanted += [SMTP_SECRET] if _signs_in(desk.config.mail.smtp) else []
        wanted += [IMAP_SECRET] if _signs_in(desk.config.mail.imap) else []
        missing = []
        for id_ in wanted:
            try:
                if secrets.get(id_) is None:
                    missing.append(id_)
            except SocialTriageError as exc:
                return [Finding("keyring", False, str(exc))]
        if missing:
            found.append(Finding("logins", False, f"No login in the keyring for: {', '.join(missing)}."))
    return found


def _signs_in(url: str | None) -> bool:
    return bool(url) and "@" in (url or "")


def _proved(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except SocialTriageError as exc:
        return Finding(name, False, str(exc))


async def online(desk: Desk, secrets: SecretStore, poller: Poller) -> AsyncIterator[Finding]:
    """Every account and both mail servers, all at once, as each one answers."""
    tasks: list[Coroutine[Any, Any, Finding]] = [
        _account(desk, poller, account.id) for account in desk.config.accounts if not account.paused
    ]
    if desk.config.mail.smtp:
        tasks.append(_smtp(desk, secrets, poller))
    if desk.config.mail.imap:
        tasks.append(_imap(desk, poller))
    for done in asyncio.as_completed(tasks):
        yield await done


async def one(desk: Desk, secrets: SecretStore, poller: Poller, id_: str) -> Finding | None:
    """An account or a mail server; None for what cannot be tried without handing something over."""
    if id_ in desk.accounts:
        return await _account(desk, poller, id_)
    if id_ == SMTP_SECRET and desk.config.mail.smtp:
        return await _smtp(desk, secrets, poller)
    return await _imap(desk, poller) if id_ == IMAP_SECRET and desk.config.mail.imap else None


async def _account(desk: Desk, poller: Poller, id_: str) -> Finding:
    name = f"account {id_}"
    try:
        async with asyncio.timeout(45):
            health = await logins.prove(desk, poller, id_)
    except SocialTriageError as exc:
        return Finding(name, False, str(exc))
    except TimeoutError:
        return Finding(name, False, "No answer within 45 s.")
    expiry = f"login expires {health.expires_at:%d %b %Y}" if health.expires_at else ""
    words = [f"signed in as {health.handle}", health.detail, expiry, *health.notices]
    return Finding(name, health.usable, "; ".join(filter(None, words)))


async def _smtp(desk: Desk, secrets: SecretStore, poller: Poller) -> Finding:
    def look() -> str:
        from socialtriage.mail.smtp import SmtpSender

        transport = transport_of(desk, secrets)
        return transport.verify() if isinstance(transport, SmtpSender) else "mails are written to a folder"

    try:
        await mail_login.renew(desk, secrets, poller.http)
    except SocialTriageError as exc:
        return Finding("mail.smtp", False, str(exc))
    return await asyncio.to_thread(_proved, "mail.smtp", look)


async def _imap(desk: Desk, poller: Poller) -> Finding:
    """The mailbox of contacts' answers, read as polling reads it: opened, and nothing in it changed."""
    box = answerbox.mailbox(desk)
    if box is None:
        return Finding(answerbox.ID, False, "There is no [mail] imap.")
    try:
        async with asyncio.timeout(45):
            channel = poller.channel(box, Budget(30))
            try:
                return Finding(answerbox.ID, True, (await channel.check()).detail)
            finally:
                await channel.aclose()
    except SocialTriageError as exc:
        return Finding(answerbox.ID, False, str(exc))
    except TimeoutError:
        return Finding(answerbox.ID, False, "No answer within 45 s.")
