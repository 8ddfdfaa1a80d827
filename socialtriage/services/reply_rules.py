"""What holds for the answer to a case: whose account, how its network counts, what it allows and for how long."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from socialtriage.channels.base import Channel, LearnsRules, Window
from socialtriage.channels.http import Budget
from socialtriage.domain import cases as life
from socialtriage.domain import replying
from socialtriage.domain.errors import ChannelError, Refused, SecretError
from socialtriage.domain.models import IMPORTED, Capabilities, LengthRule, Visibility
from socialtriage.domain.views import CaseDetail
from socialtriage.services import inbox, reply_place
from socialtriage.services.desk import Desk
from socialtriage.store.messages import Answerable

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller

THREADED = frozenset({"mastodon", "bluesky", "threads", "x"})
"""Networks on which a long answer can be a thread of several posts."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for the answer to a case, to be shown while it is written."""

    account: str
    network: str
    to: str
    visibility: Visibility
    measure: Callable[[str], LengthRule]
    """Counts a text as the network does, sign-off included."""
    threaded: bool
    """Whether a longer text may become a thread."""
    window: Window | None = None


async def rules(
    desk: Desk, poller: Poller, case_id: int, *, private: bool = False, message: int | None = None
) -> Rules:
    """What holds for the answer to a case, or to one `message` of it. Raises `Refused` when it cannot be answered from
    here.
    """
    detail = inbox.detail(desk, case_id)
    answerable = answerable_of(desk, detail, message)
    check_account(desk, detail, answerable)
    visibility = Visibility.PRIVATE if private else answerable.message.visibility
    handle, sign_off = str(answerable.author.handle), sign_off_of(desk, answerable.account)
    async with channel_of(desk, poller, case_id, message) as channel:

        def measure(text: str) -> LengthRule:
            whole = replying.signed(text, sign_off) if text.strip() else text
            if channel is None:
                return LengthRule(len(whole), None, "characters")
            return channel.measure(whole, visibility, handle)

        window = reply_place.window(channel, desk.accounts[answerable.account], answerable, visibility)
        network = desk.network_of(desk.accounts[answerable.account])
        return Rules(answerable.account, network, handle, visibility, measure, network in THREADED, window)


@contextlib.asynccontextmanager
async def channel_of(
    desk: Desk, poller: Poller, case_id: int, message: int | None = None
) -> AsyncIterator[Channel | None]:
    """The channel of the account that a case, or one message of it, came by, its rules learnt; None where the account
    is gone.
    """
    answerable = desk.store.messages.to_answer(case_id, message)
    account = desk.accounts.get(answerable.account) if answerable else None
    if account is None:
        yield None
        return
    channel = poller.channel(account, Budget(15))
    try:
        if isinstance(channel, LearnsRules):
            # Without an answer there is no limit to hold the text against; the server has the last word then.
            with contextlib.suppress(ChannelError, SecretError):
                await channel.learn_rules()
        yield channel
    finally:
        await channel.aclose()


def answerable_of(desk: Desk, detail: CaseDetail, message: int | None = None) -> Answerable:
    """What an answer to a case answers, or to one `message` of it. Raises `Refused` where there is nobody to answer."""
    life.must_be_known(desk.store.cases.get(detail.row.id))
    answerable = desk.store.messages.to_answer(detail.row.id, message)
    if answerable is None:
        if (into := desk.store.grouping.merged_into(detail.row.id)) is not None:
            ref = desk.store.cases.get(into).ref
            hint = f"What you wrote is the draft of {ref} now: answer there."
            raise Refused(f"{detail.row.ref} was merged into {ref}.", hint=hint)
        raise Refused(f"{detail.row.ref} has no message of a resident that could be answered.")
    return answerable


def check_account(desk: Desk, detail: CaseDetail, answerable: Answerable) -> None:
    """Raises `Refused` for a case that came by an account that the desk does not have, or out of a file."""
    if answerable.account not in desk.accounts:
        raise Refused(
            f"{detail.row.ref} came by {answerable.account}, which is no account of the desk.",
            hint="Answer there, and close the case with its outcome.",
        )
    if answerable.message.remote_id.startswith(IMPORTED):
        raise Refused(
            f"The last message of {detail.row.ref} was imported from a file, and no network knows it.",
            hint="Answer where it was written, and close the case with its outcome.",
        )


def sign_off_of(desk: Desk, account: str) -> str:
    """What ends every reply of an account, with this officer's initials; "" where there is none."""
    found = desk.accounts.get(account)
    return (found.sign_off or "").replace("{initials}", desk.officer) if found else ""


def check_allowed(able: Capabilities, answerable: Answerable, visibility: Visibility, network: str) -> None:
    """Raises `Refused` for what the network does not let us do."""
    public_parent = answerable.message.visibility is Visibility.PUBLIC
    if visibility is Visibility.PUBLIC and not public_parent:
        raise Refused("A private message is never answered in public.")
    if visibility is Visibility.PUBLIC and not able.reply_public:
        raise Refused(f"{network} cannot be answered in public from here.", hint="Open the original and answer there.")
    if visibility is Visibility.PRIVATE and public_parent and not able.start_private:
        raise Refused(f"{network} does not let us write privately to the author of a public message.")
    if visibility is Visibility.PRIVATE and not public_parent and not able.reply_private:
        raise Refused(f"{network} cannot be answered in private from here.", hint="Open the original and answer there.")
