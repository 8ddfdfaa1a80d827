"""One case, several places: a matter that somebody wrote of to several accounts, or in several threads, is answered in
each of them that an officer chooses, every answer a row of its own that is queued with the others or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from socialtriage.domain.errors import Refused, SocialTriageError, Stale, UsageError
from socialtriage.domain.models import IMPORTED, SafeText, Visibility
from socialtriage.domain.text import clean_line, snippet
from socialtriage.services import replies, saved_answers
from socialtriage.services.desk import Desk
from socialtriage.services.replies import ReplyDraft, Wishes

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer may stand: below the newest message of the resident in one thread or conversation."""

    message: int
    account: str
    network: str
    handle: SafeText
    visibility: Visibility
    at: datetime
    words: SafeText


def places(desk: Desk, case_id: int) -> tuple[Place, ...]:
    """Where a case can be answered from this desk, the newest first: one for each thread or conversation."""
    found: dict[tuple[str, str], Place] = {}
    for asked in desk.store.messages.asked(case_id):
        a = asked.answerable
        account = desk.accounts.get(a.account)
        if account is None or a.message.remote_id.startswith(IMPORTED):
            continue
        key = a.account, a.message.conversation or a.message.thread
        if key not in found:
            words, network = snippet(asked.text), desk.network_of(account)
            place = Place(asked.id, account.id, network, a.author.handle, a.message.visibility, asked.at, words)
            found[key] = place
    return tuple(found.values())


def chosen(desk: Desk, case_id: int, at: Sequence[str], *, everywhere: bool) -> tuple[int, ...]:
    """The messages that are to be answered: of every place, or of those that `at` names by account or by message.

    Empty for the newest alone. Raises `UsageError` for a name that fits none.
    """
    if everywhere and at:
        raise UsageError("Say --everywhere, or name the places with --at.")
    there = places(desk, case_id) if everywhere or at else ()
    if everywhere:
        return tuple(place.message for place in there)
    found: list[int] = []
    for name in at:
        fits = [place.message for place in there if name in (place.account, str(place.message))]
        if not fits:
            known = ", ".join(f"{place.account} ({place.message})" for place in there)
            raise UsageError(f"There is no place {clean_line(name, 60)!r} to answer; there are: {known}.")
        found += fits
    return tuple(dict.fromkeys(found))


async def drafts(
    desk: Desk, poller: Poller, case_id: int, text: str | None, wishes: Wishes, messages: Sequence[int]
) -> tuple[ReplyDraft, ...]:
    """A reply to each of the messages; without any, to the newest. Without a `text` it is the saved answer of `wishes`,
    in the wording for each network. Raises as `each_of` does.
    """

    async def make(wanted: Wishes) -> ReplyDraft:
        words = text
        if words is None:
            name, by = wanted.answer or "", wanted.promise
            words = saved_answers.wording(desk, case_id, name, desk.clock(), by, wanted.message)
        return await replies.draft(desk, poller, case_id, words, wishes=wanted)

    return await each_of(desk, case_id, make, wishes, messages)


async def each_of(
    desk: Desk,
    case_id: int,
    make: Callable[[Wishes], Awaitable[ReplyDraft]],
    wishes: Wishes,
    messages: Sequence[int],
) -> tuple[ReplyDraft, ...]:
    """What `make` makes for each of the messages; without any, for the newest. All of them, or none.

    Raises `Refused` with the account whose network would not take it, `Stale`, `UsageError`.
    """
    if not messages:
        return (await make(wishes),)
    made: list[ReplyDraft] = []
    for message in messages:
        try:
            made.append(await make(replace(wishes, message=message)))
        except (Stale, UsageError):
            raise
        except SocialTriageError as exc:
            if len(messages) == 1:
                raise
            asked = desk.store.messages.to_answer(case_id, message)
            where = asked.account if asked is not None else str(message)
            hint = f"{exc.hint} Nothing was sent anywhere; leave {where} out to answer in the others.".strip()
            raise Refused(f"{where}: {exc.message}", hint=hint) from exc
    # What the first was seen with holds for all: a change meanwhile is noticed when they are queued.
    return tuple(replace(each, version=made[0].version) for each in made)
