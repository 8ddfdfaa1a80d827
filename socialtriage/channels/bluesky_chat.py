"""Direct messages of Bluesky, through the proxy of our data server.

Facts: `getLog` without a cursor answers no events and a cursor for now; from there on nothing is lost. First contact
from the public waits among the requests, which `listConvos` leaves out. Deletions are events of the log. A
conversation may be a group; then everybody in it reads what we write. The log is read in its order, and only so: a
weekend of it is a few calls.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from socialtriage.channels.bluesky_answers import NotOffered, field_of, is_did, parse_time
from socialtriage.channels.bluesky_posts import Profile, author, words
from socialtriage.channels.bluesky_session import Xrpc
from socialtriage.channels.bluesky_walk import PAGE, ChatState, State
from socialtriage.domain.errors import BadPayload, Rejected
from socialtriage.domain.models import Incoming, Page, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line

LOG_OVERLAP = timedelta(hours=1)
"""How far before the last reading conversations are read again when the log's cursor does not count any more."""
LISTS = {"accepted": "chat.bsky.convo.listConvos", "requests": "chat.bsky.convo.listConvoRequests"}


class Sender(msgspec.Struct):
    """Who wrote a direct message: the DID is all there is."""

    did: str


class MessageView(msgspec.Struct):
    """A direct message; a deleted one has no text."""

    id: str
    sender: Sender
    sentAt: Any = None
    text: Any = None
    facets: Any = None
    embed: Any = None
    replyTo: Any = None


class Convo(msgspec.Struct):
    """A conversation: its members (of a group the important ones only), and what kind it is."""

    id: str
    members: list[Profile] = []
    kind: Any = None
    status: Any = None
    lastMessage: Any = None

    @property
    def group(self) -> str | None:
        """The name of a group; None for a conversation of two."""
        if isinstance(self.kind, dict) and str(self.kind.get("$type", "")).endswith("#groupConvo"):
            return str(self.kind.get("name") or "without a name")
        return None


def remote_id(convo: str, message: str) -> str:
    """Our name for a direct message: ids are the conversation's own."""
    return f"{convo}/{message}"


class Chat:
    """Reading the direct messages of one pass."""

    def __init__(self, xrpc: Xrpc, state: State, go_on: Callable[[], bool]) -> None:
        self._xrpc, self._whole, self._state, self._go_on = xrpc, state, state.chat, go_on
        self._convos: dict[str, Convo] = {}
        self._people: dict[str, Profile] = {}
        self._seen: set[str] = set()
        self._restarted = False

    async def pages(self, since: datetime) -> AsyncGenerator[Page, None]:
        """What came, in pages that may each be the last. Raises `ChannelError`; the cursor then stays as it was."""
        state = self._state
        if state.log is None:
            await self._start(max(since, state.seen - LOG_OVERLAP) if state.seen else since)
        while self._go_on():
            if state.listing:
                yield await self._list()
            elif state.todo:
                yield await self._look_back()
            else:
                pages, more = await self._read_log()
                for page in pages:
                    yield page
                if not more and self._idle:
                    return
        yield Page(unfinished=True)

    @property
    def _idle(self) -> bool:
        """Whether nothing is left of a look back."""
        return not self._state.listing and not self._state.todo

    async def _start(self, since: datetime) -> None:
        """Take the log's cursor first, so that what comes during the look back is in the log."""
        data = await self._ask("chat.bsky.convo.getLog", {})
        cursor = data.get("cursor")
        if not isinstance(cursor, str) or not cursor:
            raise BadPayload("The log of direct messages has no cursor.", field="cursor")
        seen = self._state.seen
        fresh = ChatState(log=cursor, seen=seen, since=since, listing="accepted")
        for name in ChatState.__struct_fields__:
            setattr(self._state, name, getattr(fresh, name))

    async def _ask(self, method: str, params: Mapping[str, str | int]) -> dict[str, Any]:
        return await self._xrpc.query(method, params, chat=True)

    async def _list(self) -> Page:
        """One page of the list of conversations, of which those that are recent enough are read next."""
        state = self._state
        params: dict[str, str | int] = {"limit": PAGE}
        if state.listing == "accepted":
            params["status"] = "accepted"
        if state.listed:
            params["cursor"] = state.listed
        try:
            data = await self._ask(LISTS[state.listing], params)
        except (NotOffered, Rejected) as exc:
            if state.listing == "accepted":
                raise
            # Older and smaller services have no list of requests: what their conversations say counts all the same.
            self._xrpc.notices.append(f"Requests for direct messages could not be listed: {exc.message}")
            state.listed, state.listing = None, ""
            return self._page([], [])
        rows = _rows(data, "convos" if state.listing == "accepted" else "requests")
        for row in rows:
            convo = self._note(row)
            if convo and convo.id not in state.todo and self._recent(convo):
                state.todo.append(convo.id)
        following = data.get("cursor")
        if isinstance(following, str) and following and following != state.listed and rows:
            state.listed = following
        else:
            state.listed, state.listing = None, "requests" if state.listing == "accepted" else ""
        return self._page([], [])

    def _recent(self, convo: Convo) -> bool:
        last = convo.lastMessage.get("sentAt") if isinstance(convo.lastMessage, dict) else None
        at = parse_time(last)
        return at is None or self._state.since is None or at >= self._state.since

    async def _look_back(self) -> Page:
        """One page of the conversation that is next, newest first, down to the first look back."""
        state = self._state
        convo = state.todo[0]
        params: dict[str, str | int] = {"convoId": convo, "limit": PAGE}
        if state.cursor:
            params["cursor"] = state.cursor
        try:
            data = await self._ask("chat.bsky.convo.getMessages", params)
            await self._know(convo)
        except Rejected:
            # Left, or deleted, since it was listed.
            state.todo, state.cursor = state.todo[1:], None
            return self._page([], [])
        self._meet(data.get("relatedProfiles"))
        rows = _rows(data, "messages")
        items: list[Incoming] = []
        gone: list[str] = []
        low: datetime | None = None
        for row in rows:
            at = parse_time(row.get("sentAt")) if isinstance(row, dict) else None
            low = min(low, at) if low and at else at or low
            if at and state.since and at < state.since:
                continue
            self._sort(convo, row, items, gone)
        following = data.get("cursor")
        done = low is not None and state.since is not None and low < state.since
        if rows and not done and isinstance(following, str) and following and following != state.cursor:
            state.cursor = following
        else:
            state.todo, state.cursor = state.todo[1:], None
        return self._page(items, gone)

    async def _read_log(self) -> tuple[list[Page], bool]:
        """Events after the log's cursor, and whether there may be more."""
        state = self._state
        now = self._xrpc.now()
        try:
            data = await self._ask("chat.bsky.convo.getLog", {"cursor": str(state.log)})
        except Rejected:
            if self._restarted:
                raise
            # The cursor does not count any more: look back over what came since the log was last read.
            self._restarted = True
            await self._start((state.seen or now) - LOG_OVERLAP)
            return [self._page([], [])], True
        events = _rows(data, "logs")
        items: list[Incoming] = []
        gone: list[str] = []
        for event in events:
            await self._apply(event, items, gone)
        cursor = data.get("cursor")
        moved = isinstance(cursor, str) and bool(cursor) and cursor != state.log
        state.log = str(cursor) if moved else state.log
        state.seen = now
        items.sort(key=lambda item: item.at)
        early = range(0, max(0, len(items) - PAGE), PAGE)
        first = [Page(items=tuple(items[start : start + PAGE])) for start in early]
        return [*first, self._page(items[len(first) * PAGE :], gone)], bool(events) and moved

    async def _apply(self, event: object, items: list[Incoming], gone: list[str]) -> None:
        if not isinstance(event, dict) or not isinstance(event.get("convoId"), str):
            return
        kind, convo, row = str(event.get("$type", "")).partition("#")[2], event["convoId"], event.get("message")
        if kind == "logCreateMessage":
            self._meet(event.get("relatedProfiles"))
            await self._know(convo)
            self._sort(convo, row, items, gone)
        elif kind == "logDeleteMessage" and isinstance(row, dict) and isinstance(row.get("id"), str):
            gone.append(remote_id(convo, row["id"]))
        elif kind == "logBeginConvo" and convo not in self._state.todo:
            # Its first message may have come before we were told of the conversation.
            self._state.todo.append(convo)

    def _sort(self, convo: str, row: object, items: list[Incoming], gone: list[str]) -> None:
        """One message of a conversation: said, deleted, or of the system (which is left out)."""
        if not isinstance(row, dict) or str(row.get("$type", "")).endswith("#systemMessageView"):
            return
        deleted = str(row.get("$type", "")).endswith("#deletedMessageView")
        try:
            view = msgspec.convert(row, MessageView)
            if not is_did(view.sender.did):
                raise ValueError("sender.did")
        except msgspec.ValidationError as exc:
            self._unread(field_of(exc))
        except ValueError as exc:
            self._unread(str(exc))
        else:
            name = remote_id(convo, view.id)
            if deleted:
                gone.append(name)
            elif name not in self._seen:  # a message of the look back is often in the log too
                self._seen.add(name)
                items.append(self._message(convo, view))

    def _unread(self, field: str) -> None:
        self._xrpc.notices.append(f"A direct message could not be read (field {field}).")

    def _message(self, convo_id: str, view: MessageView) -> Incoming:
        convo, me = self._convos.get(convo_id), self._xrpc.did
        own = view.sender.did == me
        group = convo.group if convo else None
        answered = view.replyTo if isinstance(view.replyTo, dict) else {}
        conversation = convo_id
        if group is not None:
            # One case a person: what we write belongs to the person whom it answers.
            to = answered.get("sender", {}).get("did") if own and isinstance(answered.get("sender"), dict) else None
            conversation = f"{convo_id}:{to or view.sender.did}"
        data = {"convo": convo_id, "message": view.id} | ({"group": "yes"} if group is not None else {})
        parent = answered.get("id")
        return Incoming(
            remote_id=remote_id(convo_id, view.id),
            author=author(self._people.get(view.sender.did) or Profile(view.sender.did)),
            text=_words(view),
            at=parse_time(view.sentAt) or self._xrpc.now(),
            visibility=Visibility.PRIVATE,
            thread=conversation,
            parent=remote_id(convo_id, parent) if isinstance(parent, str) else None,
            conversation=conversation,
            own=own,
            url=f"https://bsky.app/messages/{convo_id}" if convo_id.isalnum() else None,
            place=clean_line(f"Group conversation “{group}”: everybody in it reads our answer") if group else None,
            reply_data=data,
        )

    async def _know(self, convo_id: str) -> None:
        """Read who is in a conversation, once a pass."""
        if convo_id in self._convos:
            return
        try:
            data = await self._ask("chat.bsky.convo.getConvo", {"convoId": convo_id})
        except Rejected:
            self._convos[convo_id] = Convo(convo_id)
            return
        self._note(data.get("convo"))
        self._convos.setdefault(convo_id, Convo(convo_id))

    def _note(self, row: object) -> Convo | None:
        """Remember a conversation and its people; None for what is none (our own request to join a group)."""
        if not isinstance(row, dict):
            self._xrpc.notices.append("A conversation could not be read (it is no object).")
            return None
        if "members" not in row:
            return None
        members = row["members"] if isinstance(row["members"], list) else []
        self._meet(members)
        try:
            convo = msgspec.convert({**row, "members": []}, Convo)
        except msgspec.ValidationError as exc:
            self._xrpc.notices.append(f"A conversation could not be read (field {field_of(exc)}).")
            return None
        self._convos[convo.id] = convo
        return convo

    def _meet(self, profiles: object) -> None:
        for profile in profiles if isinstance(profiles, list) else ():
            try:
                person = msgspec.convert(profile, Profile)
            except msgspec.ValidationError:
                continue
            if is_did(person.did):
                self._people[person.did] = person

    def _page(self, items: list[Incoming], gone: list[str]) -> Page:
        items.sort(key=lambda item: item.at)
        return Page(items=tuple(items), gone=tuple(gone), cursor=self._whole.dump())


def _rows(data: Mapping[str, Any], name: str) -> list[Any]:
    """The list that an answer must hold. An answer without it is none: the cursor must not move past it."""
    rows = data.get(name)
    if not isinstance(rows, list):
        raise BadPayload(f"The service for direct messages answered without {name}.", field=name)
    return rows


def _words(view: MessageView) -> SafeText:
    if not isinstance(view.text, str):
        return clean("[this message could not be read: field text]")
    text = words({"text": view.text, "facets": view.facets, "embed": _shared(view.embed)})
    kind = str(view.embed.get("$type", "")) if isinstance(view.embed, dict) else ""
    return clean(f"{text}\n[an invitation to a group]".strip()) if "joinLink" in kind else text


def _shared(embed: object) -> dict[str, Any] | None:
    """The post that a message shares, in the form that a post has it."""
    record = embed.get("record") if isinstance(embed, dict) else None
    return {"$type": "app.bsky.embed.record", "record": record} if isinstance(record, dict) else None
