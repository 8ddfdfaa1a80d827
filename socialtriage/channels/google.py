"""Google Business Profile: reviews of one location, and the organisation's answers to them.

Source: reference of the My Business API v4 (it is in no discovery document). Reviews come newest `updateTime` first, so
that a walk may stop early and still sees edits. An answer is written by PUT: the same twice is one, a new one replaces
the old. Scope `business.manage`; a project gets its quota only after Google approved it [whether it is 0 until then is
unconfirmed], and 4096 bytes for an answer are [unconfirmed]. There is no hiding: a review is flagged on Google's own
page. A reviewer has no id: two reviews are never taken for one person's. An answer may wait for Google's own look at it
(`reviewReplyState`: PENDING, then shown, or REJECTED; by documents of third parties).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from socialtriage.channels.base import ChannelContext
from socialtriage.channels.cursors import Kept, kept
from socialtriage.channels.google_api import Declined, Google, Missing, items, moment, sign_in, text
from socialtriage.channels.google_items import Review, answer_id, read_review
from socialtriage.channels.same_words import letters
from socialtriage.domain.errors import (
    AnswerLost,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import (
    Capabilities,
    Health,
    Incoming,
    LengthRule,
    OutgoingReply,
    Page,
    Reread,
    Sent,
    StoredRef,
    Visibility,
)

SERVICE = "https://mybusiness.googleapis.com"
LIMIT = 4_096
PAGE = 50
OVERLAP = timedelta(hours=26)
"""How far a walk goes on below the last complete one: a day for times that are set back, and two hours for clocks."""
LISTED_PAGES = 4
"""Pages of the list that reading again looks through before it asks for single reviews."""
CIRCLE = "Google hands out the same page again and again: what lies behind it was not read."
LEAST = 1.0
"""Seconds of the budget below which nothing more is begun."""
WAITING, REFUSED = "PENDING", "REJECTED"
"""States of an answer (`reviewReplyState`): Google looks at it first, or does not show it."""
CAPABILITIES = Capabilities(
    reply_public=True,
    look_up=True,
    reread=True,
    deletions=True,
    limits="Reviews can be answered; to be flagged, they are opened on Google's own page.",
    no_pictures="Google's answers to reviews are words alone.",
    no_post="From here only reviews are answered; updates are written on Google's own page.",
)


class State(Kept, omit_defaults=True):
    """The channel's cursor, by Google's own times: the newest change that the last complete walk saw, and the one that
    the walk under way has seen, which goes on at `token`. Nothing that last changed before `floor` is handed in.
    """

    location: str
    floor: datetime
    mark: datetime | None = None
    newest: datetime | None = None
    token: str | None = None

    @classmethod
    def load(cls, cursor: str | None, since: datetime, location: str) -> State:
        """The stored cursor of `location`; a new one where there is none, or it is another's, or it cannot be read."""
        state = kept(cursor, cls)
        return state if state is not None and state.location == location else cls(location=location, floor=since)


class GoogleReviews:
    """One location, for one pass or one send."""

    capabilities = CAPABILITIES
    sign_in = sign_in(
        "https://www.googleapis.com/auth/business.manage",
        "My Business API, and My Business Account Management API, which names the accounts and locations",
        ("Ask Google for access: Business Profile APIs, Prerequisites, Request access. It takes days to weeks.",),
    )

    def __init__(self, ctx: ChannelContext) -> None:
        self._ctx = ctx
        self._google = Google(ctx, SERVICE)
        self._notices: list[str] = []

    async def check(self) -> Health:
        """Whether the reviews can be read, how many there are, and their average."""
        data = await self._reviews(None, 1)
        login = await self._google.login()
        count, average = data.get("totalReviewCount"), data.get("averageRating")
        known = isinstance(count, int) and isinstance(average, int | float)
        return Health(
            identity=self._location,
            handle=self._ctx.account.handle or self._location,
            expires_at=None if login.refresh_token else login.expires_at,
            detail=f"{count} reviews, {average:.1f} stars on average." if known else "",
        )

    @property
    def _location(self) -> str:
        if not self._ctx.account.location:
            raise Misconfigured(
                f"The account {self._ctx.account.id} names no location.",
                hint='Add location = "accounts/…/locations/…".',
            )
        return self._ctx.account.location

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        """Reviews by their last change, newest first, down to where the last complete walk began."""
        state = State.load(cursor, since, self._location)
        until = max(state.mark - OVERLAP, state.floor) if state.mark else state.floor
        if state.token is not None:
            # What changed since an unfinished walk began stands at the top.
            fresh, _ = await self._read(None)
            yield self._page(fresh, state, moves=False)
        asked: set[str] = set()
        while self._time():
            reviews, token = await self._resumed(state)
            circle = token is not None and token in asked | {state.token}
            asked.update(filter(None, (state.token, token)))
            if not reviews and token is None and state.mark is not None and state.token is None:
                self._notices.append("Google shows no review any more: look whether the location is still ours.")
            times = [review.updated for review in reviews]
            state.newest = max([*times, *([state.newest] if state.newest else [])], default=None)
            done = token is None or (bool(times) and times[-1] < until)
            if done:
                state.mark, state.newest, state.token = state.newest or state.mark, None, None
            elif circle:
                self._notices.append(CIRCLE)
                state.newest = state.token = None  # no complete walk: the next one begins at the top
            else:
                state.token = token
            yield self._page(reviews, state, moves=True)
            if done or circle:
                return
        yield Page(unfinished=True)

    async def _resumed(self, state: State) -> tuple[list[Review], str | None]:
        try:
            return await self._read(state.token)
        except Declined:
            # A token that lapsed: the walk begins at the top again.
            state.token, state.newest = None, None
            return await self._read(None)

    async def _read(self, token: str | None) -> tuple[list[Review], str | None]:
        data = await self._reviews(token, PAGE)
        if token is None and not data.get("reviews") and _whole(data.get("totalReviewCount")):
            raise BadPayload("Google says that there are reviews, and shows none of them.", field="reviews")
        found = []
        for row in items(data, "reviews"):
            try:
                review = read_review(row, self._location)
                found.append(review)
                if review.reply_state == REFUSED:
                    who = review.item.author.name
                    self._notices.append(f"Google does not show our answer to the review by {who}.")
            except ValueError as exc:
                self._notices.append(f"One review could not be read: {exc}.")
        return found, text(data, "nextPageToken") or None

    async def _reviews(self, token: str | None, size: int) -> Mapping[str, Any]:
        params: dict[str, str | int] = {"pageSize": size, "orderBy": "updateTime desc"}
        try:
            return await self._google.call(
                "GET", self._path("reviews"), params | ({"pageToken": token} if token else {})
            )
        except Missing as exc:
            raise Misconfigured(f"Google knows no location {self._location}.", hint="Check `location`.") from exc
        except Declined as exc:
            if token is None:
                raise BadPayload(exc.message) from exc
            raise

    def _path(self, *more: str) -> str:
        return "/".join(["/v4", *(quote(part, safe="") for part in self._location.split("/")), *more])

    def _page(self, reviews: Sequence[Review], state: State, *, moves: bool) -> Page:
        wanted = [review for review in reviews if review.updated >= state.floor]
        items = self._messages(wanted)
        told, self._notices = tuple(dict.fromkeys(self._notices)), []
        return Page(items=tuple(items), cursor=state.dump() if moves else None, notices=told)

    def _messages(self, reviews: Sequence[Review]) -> list[Incoming]:
        """Reviews with their answers. A review has one answer at most: another wording of a known one is an edit."""
        answers = [review.answer.remote_id for review in reviews if review.answer is not None]
        known = self._ctx.known.thread_of(answers) if answers else {}
        found = []
        for review in reviews:
            found.append(review.item)
            if review.answer is not None:
                edited = review.answer.at if review.answer.remote_id in known else None
                found.append(replace(review.answer, edited_at=edited))
        return found

    def _time(self) -> bool:
        return self._ctx.budget.left > min(LEAST, self._ctx.budget.seconds / 10)

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        """Edits and deletions: the list first, then a call for each review that is not in it."""
        wanted = dict.fromkeys(ref.remote_id for ref in messages)
        items: list[Incoming] = []
        gone: list[str] = []
        token: str | None = None
        for _ in range(LISTED_PAGES):
            reviews, token = await self._read(token)
            for review in reviews:
                if review.item.remote_id in wanted:
                    del wanted[review.item.remote_id]
                    items += self._messages([review])
            if token is None or not wanted or not self._time():
                break
        for key in wanted:
            if not self._time():
                break
            try:
                items += self._messages([await self._one(key)])
            except Missing:
                gone.append(key)
            except RateLimited:
                break
            except (Unavailable, Rejected, NotPermitted, BadPayload):
                continue
        return Reread(tuple(items), tuple(gone))

    async def _one(self, review: str) -> Review:
        """A review as it is now. Raises `Missing`, `BadPayload`."""
        data = await self._google.call("GET", self._path("reviews", quote(review, safe="")))
        try:
            return read_review(data, self._location)
        except ValueError as exc:
            raise BadPayload(f"The review could not be read: {exc}.", field=str(exc)) from exc

    # --- writing ------------------------------------------------------------------------------------------

    async def send(self, reply: OutgoingReply) -> Sent:
        """Put the answer below the review; it replaces one of ours that the desk knows, never one it has not seen."""
        if not reply.text.strip():
            raise Rejected("The reply is empty.")
        length = self.measure(reply.text, reply.visibility, reply.to.handle)
        if length.used > LIMIT:
            raise Rejected(f"The reply is too long for Google: {length.used} {length.unit} of at most {LIMIT}.")
        if reply.visibility is Visibility.PRIVATE:
            raise Rejected("Google's reviews cannot be answered in private.")
        review = reply.parent.remote_id
        notice = await self._replaces(reply)
        for last in (False, True):
            try:
                made = await self._google.call(
                    "PUT", self._path("reviews", quote(review, safe=""), "reply"), data={"comment": reply.text}
                )
            except Missing as exc:
                raise Rejected("The review that this answers has been deleted.") from exc
            except (AnswerLost, BadPayload) as exc:
                # The same answer twice is one, so that it is looked for, and then put there once more.
                if (found := await self._found(reply, exc)) is not None:
                    return found
                if last:
                    raise AnswerLost(exc.message) from exc
            else:
                return self._sent(reply, moment(made.get("updateTime")), _judged(made) or notice)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _replaces(self, reply: OutgoingReply) -> str | None:
        """What is to be known of an answer that stands there already. Raises `Rejected` for an unread one."""
        try:
            there = (await self._one(reply.parent.remote_id)).answer
        except Missing:
            return None  # writing says so too
        if there is None or letters(there.text) == letters(reply.text):
            return None
        if not self._ctx.known.thread_of([there.remote_id]):
            raise Rejected(
                "Somebody has answered this review on Google already, and a new answer would replace that one.",
                hint="Poll, read it, and answer again if it is to be replaced.",
            )
        return "This replaced the answer that stood there."

    async def _found(self, reply: OutgoingReply, lost: ChannelError) -> Sent | None:
        try:
            return await self.look_up(reply)
        except ChannelError as exc:
            raise AnswerLost(f"{lost.message} Whether the answer is there could not be seen.") from exc

    async def look_up(self, reply: OutgoingReply) -> Sent | None:
        """The answer below the review, when it has these words."""
        try:
            there = (await self._one(reply.parent.remote_id)).answer
        except Missing:
            return None
        same = there is not None and letters(there.text) == letters(reply.text)
        return self._sent(reply, there.at, None) if there is not None and same else None

    def _sent(self, reply: OutgoingReply, at: datetime | None, notice: str | None) -> Sent:
        return Sent(answer_id(reply.parent.remote_id), at or self._ctx.clock(), None, notice)

    def measure(self, text: str, visibility: Visibility, to_handle: str) -> LengthRule:
        """UTF-8 bytes."""
        del visibility, to_handle
        return LengthRule(len(text.encode("utf-8", "surrogatepass")), LIMIT, "UTF-8 bytes")

    async def aclose(self) -> None:
        """Nothing to release: connections belong to the shared client."""


def _whole(value: object) -> int:
    """A whole number; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _judged(answer: Mapping[str, Any]) -> str | None:
    """What an officer must know of a new answer."""
    state = answer.get("reviewReplyState")
    if state == REFUSED:
        return "Google took the answer and does not show it: it offends one of their policies."
    return "Google looks at the answer before it is shown." if state == WAITING else None
