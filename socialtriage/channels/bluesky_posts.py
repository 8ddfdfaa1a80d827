"""Posts of Bluesky as domain values: words, media, place and thread out of records and of the AppView's views.

What kind of contact a post is shows in `record.reply` and `record.embed`; the notification's `reason` says `mention`
for a reply that mentions too. Text is made of the record alone, so that reading a post again gives the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from socialtriage.channels.bluesky_answers import field_of, is_did, is_handle, owner, parse_time, split_uri, web_url
from socialtriage.channels.bluesky_media import embeds, media_of
from socialtriage.domain.models import Author, Incoming, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line, snippet

POST = "app.bsky.feed.post"


class Profile(msgspec.Struct):
    """An account as the AppView shows it. `handle` is `handle.invalid` where the domain does not confirm it."""

    did: str
    handle: str = ""
    displayName: Any = None
    viewer: Any = None


class PostView(msgspec.Struct):
    """A post as a notification, `getPosts` and `getPostThread` give it alike."""

    uri: str
    author: Profile
    record: dict[str, Any]
    cid: str = ""
    indexedAt: str = ""
    embed: Any = None
    labels: Any = None
    viewer: Any = None

    @property
    def text(self) -> str:
        """The author's words; empty when there are none, or when they are no text."""
        value = self.record.get("text")
        return value if isinstance(value, str) else ""

    @property
    def reply(self) -> tuple[str, str] | None:
        """Root and parent of the thread that this answers."""
        return reply_of(self.record)

    @property
    def quotes(self) -> str | None:
        """The URI of the post that this one quotes."""
        return quoted_uri(self.record)


def author(profile: Profile) -> Author:
    """The person. An account whose handle is not confirmed goes by its DID, not by a placeholder that many share."""
    known = is_handle(profile.handle)
    handle = clean_line(f"@{profile.handle}" if known else profile.did)
    name = clean_line(profile.displayName) if isinstance(profile.displayName, str) else handle
    url = f"https://bsky.app/profile/{profile.handle if known else profile.did}"
    return Author(profile.did, handle, name or handle, url)


def reply_of(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Root and parent URIs of a reply; a missing root is taken to be the parent."""
    reply = record.get("reply")
    if not isinstance(reply, dict):
        return None
    parent, root = _ref(reply.get("parent"))[0], _ref(reply.get("root"))[0]
    if not parent and not root:
        return None
    return root or parent, parent or root


def root_ref(record: Mapping[str, Any]) -> tuple[str, str]:
    """URI and cid of the root that a reply names; empty strings when it names none."""
    reply = record.get("reply")
    return _ref(reply.get("root")) if isinstance(reply, dict) else ("", "")


def _ref(value: object) -> tuple[str, str]:
    if not isinstance(value, dict) or not isinstance(value.get("uri"), str) or split_uri(value["uri"]) is None:
        return "", ""
    return value["uri"], value["cid"] if isinstance(value.get("cid"), str) else ""


def quoted_uri(record: Mapping[str, Any]) -> str | None:
    """The URI of the record that a post quotes; None when it quotes none."""
    for embed in embeds(record.get("embed")):
        if embed.get("$type") == "app.bsky.embed.record":
            return _ref(embed.get("record"))[0] or None
    return None


def words(record: Mapping[str, Any]) -> SafeText:
    """A post's text, with what would otherwise be lost behind it: addresses that are cut short, cards, the quote."""
    text = record.get("text")
    text = text if isinstance(text, str) else ""
    extra = [f"[link: {uri}]" for uri in _links(record) if uri.partition("://")[2].rstrip("/") not in text]
    for embed in embeds(record.get("embed")):
        card = embed.get("external")
        if embed.get("$type") == "app.bsky.embed.external" and isinstance(card, dict):
            uri, title = str(card.get("uri", "")), clean_line(str(card.get("title", "")), 200)
            if uri and uri not in text and f"[link: {uri}]" not in extra:
                extra.append(f"[link: {title} {uri}]" if title else f"[link: {uri}]")
    if quoted := quoted_uri(record):
        extra.append(f"[quotes {web_url(quoted) or quoted}]")
    return clean("\n".join([text, *extra]).strip("\n") if extra else text)


def _links(record: Mapping[str, Any]) -> Iterator[str]:
    facets = record.get("facets")
    seen: set[str] = set()
    for facet in facets if isinstance(facets, list) else ():
        features = facet.get("features") if isinstance(facet, dict) else None
        for feature in features if isinstance(features, list) else ():
            uri = feature.get("uri") if isinstance(feature, dict) else None
            if isinstance(uri, str) and uri and uri not in seen and len(seen) < 20:
                seen.add(uri)
                yield uri


def language(record: Mapping[str, Any]) -> str | None:
    """The first language that the author named, as a BCP 47 tag."""
    langs = record.get("langs")
    first = langs[0] if isinstance(langs, list) and langs else None
    if isinstance(first, str) and 2 <= len(first) <= 35 and first.replace("-", "").isalnum() and first.isascii():
        return first
    return None


def marks(view: PostView) -> str:
    """Labels of a post in words (content warnings of its author or of a labeller)."""
    labels = view.labels if isinstance(view.labels, list) else []
    values = {str(label.get("val", "")) for label in labels if isinstance(label, dict) and not label.get("neg")}
    own = view.record.get("labels")
    if isinstance(own, dict) and isinstance(own.get("values"), list):
        values |= {str(label.get("val", "")) for label in own["values"] if isinstance(label, dict)}
    shown = sorted(value for value in values if value)
    return f"labelled {', '.join(shown[:5])}" if shown else ""


class Reader:
    """Turns views into messages of one account."""

    def __init__(self, me: str, names: Mapping[str, str] | None = None) -> None:
        self._me = me
        self.names = dict(names or {})
        """Handles by DID, as far as this pass has seen them."""

    def message(
        self,
        view: PostView,
        *,
        around: Mapping[str, PostView] | None = None,
        context: bool = False,
        edited_at: datetime | None = None,
    ) -> Incoming:
        """A post as a message. `around` has the posts that it answers or quotes, as far as they were read."""
        around = around or {}
        if is_handle(view.author.handle):
            self.names[view.author.did] = view.author.handle
        reply = view.reply
        own = view.author.did == self._me
        shown = around.get(view.uri, view)
        at = parse_time(view.indexedAt) or parse_time(view.record.get("createdAt"))
        if at is None:
            raise ValueError("indexedAt")
        return Incoming(
            remote_id=view.uri,
            author=author(view.author),
            text=words(view.record),
            at=at,
            visibility=Visibility.PUBLIC,
            thread=reply[0] if reply else view.uri,
            parent=reply[1] if reply else None,
            own=own,
            context=context and not own,
            url=web_url(view.uri, view.author.handle),
            language=language(view.record),
            edited_at=edited_at,
            media=media_of(view.author.did, view.record, shown.embed),
            place=None if own else self._place(view, around),
            reply_data=_reply_data(view),
        )

    def _place(self, view: PostView, around: Mapping[str, PostView]) -> SafeText | None:
        parts = []
        if reply := view.reply:
            root, parent = reply
            to = "our post" if owner(parent) == self._me else f"a post by {self._who(parent, around)}"
            below = ""
            if root != parent:
                below = (
                    ", below our post" if owner(root) == self._me else f", below a post by {self._who(root, around)}"
                )
            parts.append(f"Reply to {to}{below}{_opening(around.get(root) or around.get(parent))}")
        if quoted := view.quotes:
            whose = "our post" if owner(quoted) == self._me else f"a post by {self._who(quoted, around)}"
            parts.append(f"Quotes {whose}{_opening(around.get(quoted))}")
        if warning := marks(view):
            parts.append(warning)
        return clean_line("; ".join(parts), 300) if parts else None

    def _who(self, uri: str, around: Mapping[str, PostView]) -> str:
        did = owner(uri)
        view = around.get(uri)
        handle = view.author.handle if view else self.names.get(did, "")
        return f"@{handle}" if is_handle(handle) else "someone else"


def _opening(view: PostView | None) -> str:
    return f": “{snippet(view.text, 60)}”" if view and view.text.strip() else ""


def _reply_data(view: PostView) -> dict[str, str]:
    root, cid = root_ref(view.record)
    return {"cid": view.cid, "root": root or view.uri, "root_cid": cid if root else view.cid}


def unreadable(item: object, field: str, now: datetime) -> Incoming | None:
    """A message that says it could not be read, when at least its URI and author are known."""
    if not isinstance(item, dict) or not isinstance(item.get("author"), dict):
        return None
    uri, did = item.get("uri"), item["author"].get("did")
    if not isinstance(uri, str) or split_uri(uri) is None or not isinstance(did, str) or not is_did(did):
        return None
    handle = item["author"].get("handle")
    profile = Profile(did, handle if isinstance(handle, str) else "")
    record = item.get("record")
    reply = reply_of(record) if isinstance(record, dict) else None
    at = parse_time(item.get("indexedAt"))
    return Incoming(
        remote_id=uri,
        author=author(profile),
        text=clean(f"[this message could not be read: field {clean_line(field)}]"),
        at=at or now,
        visibility=Visibility.PUBLIC,
        thread=reply[0] if reply else uri,
        parent=reply[1] if reply else None,
        url=web_url(uri, profile.handle),
        reply_data={"cid": item["cid"]} if isinstance(item.get("cid"), str) else {},
    )


def read_view(item: object) -> PostView:
    """A view out of decoded JSON. Raises `ValueError` that names the field that does not fit."""
    try:
        view = msgspec.convert(item, PostView)
    except msgspec.ValidationError as exc:
        raise ValueError(field_of(exc)) from exc
    if not is_did(view.author.did):
        raise ValueError("author.did")
    if split_uri(view.uri) is None:
        raise ValueError("uri")
    if not isinstance(view.record.get("text"), str):
        raise ValueError("record.text")
    if parse_time(view.indexedAt) is None and parse_time(view.record.get("createdAt")) is None:
        raise ValueError("indexedAt")
    return view
