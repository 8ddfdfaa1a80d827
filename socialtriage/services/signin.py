"""The walk through a network's sign-in, for the shell and the screen alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialtriage.channels.http import Budget
from socialtriage.channels.oauth_signin import Pasted, SignIn, Walk, app_of, begin
from socialtriage.services.desk import Desk

if TYPE_CHECKING:
    from socialtriage.services.secrets import SecretStore
    from socialtriage.services.sync import Poller

PATIENCE = 900.0
"""Seconds that somebody may take in the browser."""


def way_in(desk: Desk, id_: str) -> SignIn | Pasted | None:
    """How the account's network signs people in, by `sign_in` of its channel's class; None where it says nothing.

    Raises `Misconfigured` for a network without a channel.
    """
    from socialtriage.channels.registry import factory

    account = desk.accounts.get(id_)
    found = getattr(factory(account.network), "sign_in", None) if account is not None else None
    return found if isinstance(found, SignIn | Pasted) else None


def known_app(desk: Desk, secrets: SecretStore, id_: str) -> tuple[str, str]:
    """Id and secret of the app that the account signs in with, as far as known. Blocking. Raises `SecretError`."""
    return app_of(secrets.get(id_), desk.account(id_).client_id)


def walk(desk: Desk, poller: Poller, id_: str, sign_in: SignIn, client_id: str, client_secret: str) -> Walk:
    """The address to open. Raises `Misconfigured`."""
    return begin(poller.context(desk.account(id_), Budget(PATIENCE)), sign_in, client_id, client_secret)
