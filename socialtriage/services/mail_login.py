"""The OAuth login of the mail server, renewed before a mail leaves as a mailbox's is before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialtriage.channels.http import Budget
from socialtriage.domain.errors import AuthError
from socialtriage.services.desk import Desk
from socialtriage.services.transport import SMTP_SECRET

if TYPE_CHECKING:
    from socialtriage.channels.http import Http
    from socialtriage.services.secrets import SecretStore

SECONDS = 20.0


async def renew(desk: Desk, secrets: SecretStore, http: Http) -> None:
    """Renew the token of `mail.smtp` when it has lapsed; passwords, and what is not there, are left to the sending.

    Raises `AuthError` when it cannot be renewed, another `ChannelError`, `SecretError`.
    """
    if desk.mail_folder is not None or not desk.config.mail.smtp:
        return
    from socialtriage.channels.imap_login import MailboxLogin
    from socialtriage.mail.address import ServerUrl
    from socialtriage.services.renewing import alone
    from socialtriage.services.secrets import AccountSecret

    server = ServerUrl.parse(desk.config.mail.smtp)
    secret = AccountSecret(secrets, SMTP_SECRET)
    try:
        oauth = bool(server.user) and (await secret.get()).lstrip().startswith("{")
    except AuthError:
        return
    if oauth and server.user:
        async with alone(desk, SMTP_SECRET):
            await secret.fresh()
            await MailboxLogin(server.user, server.host, secret, http, desk.clock, Budget(SECONDS)).get()
