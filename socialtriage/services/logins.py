"""Signing accounts in and out, and proving that a login works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialtriage.channels.http import Budget
from socialtriage.domain.errors import UnknownName, UsageError
from socialtriage.domain.models import AccountState, Health
from socialtriage.domain.views import Done
from socialtriage.services.desk import Desk
from socialtriage.services.transport import IMAP_SECRET, SMTP_SECRET
from socialtriage.store.log import NewEvent

if TYPE_CHECKING:
    from socialtriage.services.secrets import SecretStore
    from socialtriage.services.sync import Poller

MAIL_SECRETS = (SMTP_SECRET, IMAP_SECRET)
BRIDGE_SECRET = "bridge."  # noqa: S105 - the beginning of ids
"""Before a contact's id: the login of the system that takes their handoffs."""
MAX_SECRET = 20_000


def known(desk: Desk, id_: str) -> str:
    """The id of an account or of a mail server's secret. Raises `UnknownName` with the nearest one."""
    if id_ in MAIL_SECRETS:
        return id_
    if id_.startswith(BRIDGE_SECRET):
        return f"{BRIDGE_SECRET}{desk.contact(id_.removeprefix(BRIDGE_SECRET)).id}"
    try:
        return desk.account(id_).id
    except UnknownName as exc:
        raise UnknownName(exc.message, hint=f"{exc.hint} Mail servers are mail.smtp and mail.imap.".strip()) from exc


def store_secret(desk: Desk, secrets: SecretStore, id_: str, value: str) -> Done:
    """Put a secret into the keyring; the account is polled again at the next pass. Raises `SecretError`."""
    known(desk, id_)
    secret = value.strip("\r\n")
    if not secret.strip():
        raise UsageError(f"The secret of {id_} is empty; nothing was stored.")
    if len(secret) > MAX_SECRET:
        raise UsageError("That is too long for a token or a password; nothing was stored.")
    secrets.set(id_, secret)
    _record(desk, id_, "account.login")
    return Done(f"The login of {id_} is in the keyring.")


def forget_secret(desk: Desk, secrets: SecretStore, id_: str) -> Done:
    """Take a secret out of the keyring. Raises `SecretError`."""
    known(desk, id_)
    there = secrets.delete(id_)
    _record(desk, id_, "account.logout")
    return Done(f"The login of {id_} was removed." if there else f"There was no login of {id_}.")


def _record(desk: Desk, id_: str, kind: str) -> None:
    now = desk.clock()
    with desk.store.transaction(desk.officer, now) as tx:
        if id_ in desk.accounts:
            account = desk.accounts[id_]
            tx.accounts.ensure(id_, desk.network_of(account), account.handle or account.user or "")
            state = AccountState.LOGIN_NEEDED if kind == "account.logout" else AccountState.NEVER_POLLED
            tx.accounts.update(id_, state=state, detail="", next_poll_at=now)
        sends = id_ in desk.accounts or id_ == SMTP_SECRET or id_.startswith(BRIDGE_SECRET)
        if kind == "account.login" and sends:
            # What was refused for want of a login has waited long enough.
            tx.outbox.hasten(id_ if id_ in desk.accounts else None)
        tx.log(NewEvent(kind, detail={"account": id_}))


async def prove(desk: Desk, poller: Poller, id_: str) -> Health:
    """Sign an account in and look around. Raises `ChannelError`, `SecretError`."""
    channel = poller.channel(desk.account(id_), Budget(30))
    try:
        return await channel.check()
    finally:
        await channel.aclose()
