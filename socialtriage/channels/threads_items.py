"""What Threads says of posts and replies, and how it becomes messages of the desk.

Facts: other people have a user name and no id; a reply names its `root_post` and what it is `replied_to`; our own are
marked by `is_reply_owned_by_me`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from socialtriage.channels.graph_json import an_object, media_item, moment, text_id, web_url, words_of
from socialtriage.channels.threads_api import person
from socialtriage.domain.models import Author, Incoming, MediaItem, Visibility
from socialtriage.domain.text import clean, clean_line

FIELDS = (
    "id,text,username,permalink,timestamp,media_type,media_url,root_post,replied_to,is_reply_owned_by_me,hide_status"
)
OWN_FIELDS = "id,text,username,permalink,timestamp,media_type,media_url"


class Translator:
    """Makes messages of one account; `now` stands in for a time that cannot be read."""

    def __init__(self, me: str, name: str, now: datetime) -> None:
        self.me = me
        self.name = name.lower()
        self._now = now

    def pending(self, raw: Mapping[str, Any], root: Mapping[str, Any]) -> Incoming | None:
        """A reply that nobody sees until it is approved (`unhide`) or ignored (`hide`)."""
        message = self.message(raw, root=root)
        if message is None or message.own:
            return message
        place = clean_line(f"waits for approval, {message.place}" if message.place else "waits for approval", 140)
        return replace(message, place=place, reply_data={**message.reply_data, "held": "pending"})

    def message(self, raw: Mapping[str, Any], *, root: Mapping[str, Any] | None = None) -> Incoming | None:
        """A post or reply; None for what has no id. `root` is the post of ours that it stands below."""
        key = text_id(raw.get("id"))
        if key is None:
            return None
        name = words_of(raw.get("username"))
        own = raw.get("is_reply_owned_by_me") is True or (bool(name) and name.lower() == self.name)
        above = text_id(root.get("id")) if root else None
        thread = text_id(an_object(raw.get("root_post")).get("id")) or above or key
        parent = text_id(an_object(raw.get("replied_to")).get("id")) or (above if above != key else None)
        at = moment(raw.get("timestamp")) or self._now
        # Whoever cannot be named is nobody else: two unnamed people are not one.
        who = name.lower() or (self.name if own else f"post:{key}")
        return Incoming(
            remote_id=key,
            author=Author(who, person(name), clean_line(name) or person(""), _profile(name)),
            text=clean(words_of(raw.get("text"))),
            at=at,
            visibility=Visibility.PUBLIC,
            thread=thread,
            parent=parent,
            own=own,
            url=web_url(raw.get("permalink")),
            media=_media(raw),
            place=clean_line(words_of(root.get("text")), 120) or None if root and not own else None,
            reply_data={"root": thread, "mine": "yes" if root is not None else "no", "at": at.isoformat()}
            | ({"nested": "yes"} if parent not in (None, thread) else {}),
        )


def _profile(name: str) -> str | None:
    return f"https://www.threads.net/@{name}" if name.replace(".", "").replace("_", "").isalnum() else None


def _media(raw: Mapping[str, Any]) -> tuple[MediaItem, ...]:
    kind, url = words_of(raw.get("media_type")), raw.get("media_url")
    if kind in ("", "TEXT_POST", "REPOST_FACADE") or web_url(url) is None:
        return ()
    return (media_item(kind, url, id_=raw.get("id")),)
