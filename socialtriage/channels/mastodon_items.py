"""From a status to a message of the desk: who, what, where it belongs, who can read it, what an answer needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from socialtriage.channels.mastodon_entities import (
    Account,
    Media,
    Mention,
    Server,
    Status,
    moment,
    read_status,
    text_id,
)
from socialtriage.domain.models import Author, Incoming, MediaItem, MediaState, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line, html_to_text, snippet

PUBLIC = frozenset({"public", "unlisted", "local"})
"""Visibilities that everybody can read; any other, also one that is not known, is treated as private."""
_KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}
_LONGEST_URL = 2_000
_MENTION = re.compile(
    r'<span class="h-card"(?: translate="no")?><a href="[^"<>]{1,500}" class="u-url mention"'
    r'(?: rel="[^"<>]{0,80}")?(?: target="_blank")?>@<span>([^<>]{1,100})</span></a></span>'
)
"""A mention as Mastodon and GoToSocial write it: of all markup of a post most, and read as its handle at once."""
_SHOWN = frozenset({"account", "content", "spoiler_text", "created_at", "visibility", "media_attachments", "mentions"})
"""Fields whose loss the reader must be told about."""

# Nearly every address looks like this, and taking one apart costs ten times as much as seeing that.
_PLAIN_URL = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[A-Za-z0-9/_.@~%+=&?-]*)?")


def person_key(acct: str, username: str, url: str | None, domain: str) -> str:
    """`user@host` in lower case: people of the account's own server come without a host."""
    name = (acct or username).lstrip("@")
    if "@" not in name:
        # Without any name, the address of the profile still tells people apart.
        name = f"{name or (url or 'unknown')}@{domain}"
    return clean_line(name.lower(), 500)


def web_url(url: str | None) -> str | None:
    """`url` when a browser may be sent there: http or https, of a sane length, without controls."""
    if url and len(url) <= _LONGEST_URL and _PLAIN_URL.fullmatch(url):
        return url
    if (
        not url
        or len(url) > _LONGEST_URL
        or not url.isprintable()
        or not url.lower().startswith(("https://", "http://"))
    ):
        return None
    try:
        return url if urlsplit(url).hostname else None
    except ValueError:
        return None


class Translator:
    """Statuses of one server as one of its accounts sees them."""

    def __init__(self, me: Account, server: Server) -> None:
        self.my_id = str(me.id)
        self.domain = server.domain
        self._approvals = bool(server.extra_types)
        self.my_key = self.key_of(me)

    def key_of(self, person: Account | Mention) -> str:
        """The key of a person on this network."""
        return person_key(person.acct, person.username, person.url, self.domain)

    def author(self, account: Account | None) -> Author:
        """A person as the desk shows them, with the whole handle."""
        if account is None:
            return Author(f"unknown@{self.domain}", clean_line("unknown"), clean_line("unknown"))
        key = self.key_of(account)
        acct = (account.acct or account.username).lstrip("@")
        handle = clean_line(f"@{acct}" if "@" in acct else f"@{acct}@{self.domain}")
        name = clean_line(account.display_name or account.username or acct)
        return Author(key, handle, name, web_url(account.url))

    def is_mine(self, status: Status) -> bool:
        """Whether the account itself wrote it."""
        return status.account is not None and str(status.account.id) == self.my_id

    def addresses_me(self, status: Status) -> bool:
        """Whether the account is mentioned."""
        return any(str(m.id) == self.my_id for m in status.mentions or ())

    def concerns_me(self, status: Status) -> bool:
        """Whether it comes as a notification too: a mention, an answer that waits for approval, a quote of ours."""
        if self.addresses_me(status) or (self._approvals and text_id(status.in_reply_to_account_id) == self.my_id):
            return True
        quoted, _ = read_status(status.quote.quoted_status) if status.quote else (None, ())
        return quoted is not None and self.is_mine(quoted)

    def message(
        self,
        status: Status,
        thread: str,
        *,
        faulty: Sequence[str] = (),
        context: bool = False,
        fallback: Account | None = None,
        now: datetime,
    ) -> Incoming:
        """The message that a status is. `fallback` is the author where the status does not name one.

        `faulty` names fields that could not be read: what matters among them is said in the text.
        """
        account = status.account or fallback
        author = self.author(account)
        private = status.visibility not in PUBLIC
        own = account is not None and str(account.id) == self.my_id
        return Incoming(
            remote_id=status.key,
            author=author,
            text=self._text(status, faulty),
            at=moment(status.created_at) or now,
            visibility=Visibility.PRIVATE if private else Visibility.PUBLIC,
            thread=thread,
            parent=status.parent,
            # Never two residents in one private conversation, even where one message addresses both.
            conversation=f"{thread}|{self._counterpart(status) if own else author.key}" if private else None,
            own=own,
            context=context and not own,
            url=web_url(status.url) or web_url(status.uri),
            language=clean_line(status.language, 20) if status.language else None,
            edited_at=moment(status.edited_at),
            media=tuple(map(_media, status.media_attachments or ())),
            also_to=tuple(f"@{self.key_of(m)}" for m in status.mentions or () if str(m.id) != self.my_id),
            reply_data=self._reply_data(status, account),
        )

    def _counterpart(self, status: Status) -> str:
        """With whom one of our own private messages is: whom it answers, otherwise whom it names first."""
        others = [m for m in status.mentions or () if str(m.id) != self.my_id]
        answered = text_id(status.in_reply_to_account_id)
        for mention in others:
            if str(mention.id) == answered:
                return self.key_of(mention)
        return self.key_of(others[0]) if others else self.my_key

    def _reply_data(self, status: Status, account: Account | None) -> dict[str, str]:
        data = {
            "acct": account.acct if account else "",
            "account": str(account.id) if account else "",
            "home": self.domain,
            "visibility": status.visibility or "",
            "spoiler": clean_line(status.spoiler_text or "", 500),
            "language": status.language or "",
            "mentions": " ".join(m.acct for m in status.mentions or () if str(m.id) != self.my_id),
        }
        return {name: clean(value, 5_000) for name, value in data.items() if value}

    def _text(self, status: Status, faulty: Sequence[str]) -> SafeText:
        parts: list[str] = []
        if status.spoiler_text:
            parts.append(f"[content warning: {clean_line(status.spoiler_text, 500)}]")
        parts.append(html_to_text(_MENTION.sub(r"@\1", status.content or "")))
        if status.poll is not None and status.poll.options:
            parts.append("[poll: " + " / ".join(clean_line(o.title) for o in status.poll.options) + "]")
        parts.append(self._quoted(status))
        lost = [name for name in faulty if name in _SHOWN]
        if lost:
            parts.append(f"[this message could not be read: field {', '.join(lost)}]")
        return clean("\n".join(part for part in parts if part))

    def _quoted(self, status: Status) -> str:
        """Whom and what the status quotes, in words."""
        if status.quote is None or not status.quote.quoted_status:
            return ""
        quoted, _ = read_status(status.quote.quoted_status)
        if quoted is None:
            return ""
        return f"[quotes {self.author(quoted.account).handle}: “{snippet(html_to_text(quoted.content or ''), 200)}”]"


def _media(media: Media) -> MediaItem:
    url = web_url(media.url) or web_url(media.remote_url)
    kind = _KINDS.get(media.type or "", "file")
    # Without an address the server is still at work on it; what it does not know it will never have.
    state = MediaState.WITHHELD if url is None and kind == "file" else MediaState.PENDING
    name = unquote(urlsplit(url).path.rpartition("/")[2], errors="replace") if url else ""
    return MediaItem(
        kind=kind,
        name=clean_line(name or media.type or "file", 120),
        url=url,
        alt=clean(media.description, 5_000) if media.description else None,
        remote_id=str(media.id) or None,
        state=state,
    )


def minimal(data: Any, fallback: Account | None, translator: Translator, now: datetime) -> Incoming | None:
    """A message out of a status of which no more than its id can be read; None where not even that."""
    key = text_id(data.get("id")) if isinstance(data, dict) else None
    if key is None:
        return None
    return translator.message(Status(id=key), key, faulty=("content",), fallback=fallback, now=now)
