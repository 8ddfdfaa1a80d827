"""From Facebook's posts and comments to messages of the desk: who, what, where it belongs, what an answer needs.

Ids of comments come in two spellings, `POST_COMMENT` and bare; the desk writes `POST_COMMENT` with the post that the
comment was found below, and `PAGE_POST` for posts, so that both spellings are one message. Where a role does not let
ids be seen they are withheld, and the permanent link still holds them (recorded: `comments_p1.json`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from socialtriage.channels.graph_chat import person
from socialtriage.channels.graph_json import (
    an_object,
    in_query,
    media_item,
    moment,
    objects,
    tail,
    text_id,
    web_url,
    words_of,
)
from socialtriage.channels.graph_watch import Thing, unsigned
from socialtriage.domain.models import Incoming, MediaItem, Visibility
from socialtriage.domain.text import clean, clean_line, snippet
from socialtriage.domain.times import iso

COMMENT = (
    "id,message,created_time,from,parent{id},attachment,is_hidden,can_hide,can_remove,can_comment,"
    "can_reply_privately,permalink_url"
)
POST = "id,from,message,created_time,updated_time,permalink_url,is_published,is_hidden,attachments"
_FLAGS = ("can_comment", "can_hide", "can_remove", "can_reply_privately")
_PLACE = 80
LIMIT = 100
"""Posts or comments in a page."""


@dataclass(slots=True)
class Items:
    """Posts and comments of one Page. `threads` finds the thread of stored messages."""

    page: str
    now: Callable[[], datetime]
    threads: Callable[[list[str]], Mapping[str, str]]
    _tops: dict[str, str] = field(default_factory=dict)
    """Threads of stored comments, asked for lately."""
    _above: dict[str, str] = field(default_factory=dict)
    """Comments and what they answer, as far as this pass has seen lately."""

    # --- posts ----------------------------------------------------------------------------------------------

    def post_key(self, id_: str) -> str:
        """How the desk writes the id of a post."""
        return f"{self.page}_{tail(id_)}"

    def by_others(self, post: Mapping[str, Any]) -> bool:
        """Whether somebody else than the Page wrote a post; a post without an author is taken for the Page's."""
        author = text_id(an_object(post.get("from")).get("id"))
        return author is not None and author != self.page

    def thing(self, post: Mapping[str, Any], *, others: bool) -> Thing | None:
        """A post as something to watch; None for one without an id."""
        id_ = text_id(post.get("id"))
        if id_ is None:
            return None
        at = moment(post.get("updated_time")) or moment(post.get("created_time")) or self.now()
        told = post.get("updated_time")
        sign = words_of(told) or text_id(told) or unsigned(at, self.now())
        ours = text_id(an_object(post.get("from")).get("id")) == self.page
        root = self.by_others(post) or (others and not ours)
        return Thing(tail(id_), id_, sign, at, str(self._place(post, root)), root, ours)

    def _place(self, post: Mapping[str, Any], root: bool) -> str:
        said = snippet(words_of(post.get("message")), _PLACE)
        kind = "visitor's post" if root else "unpublished post" if post.get("is_published") is False else "post"
        return f"{kind} “{said}”" if said else kind

    def root(self, post: Mapping[str, Any], id_: str) -> Incoming:
        """Somebody else's post on the Page, or about it, as a message."""
        author = an_object(post.get("from"))
        key = self.post_key(id_)
        who = text_id(author.get("id"))
        at = moment(post.get("created_time")) or self.now()
        return Incoming(
            remote_id=key,
            author=person(author, who or f"unknown:{key}"),
            text=clean(words_of(post.get("message"))),
            at=at,
            visibility=Visibility.PUBLIC,
            thread=key,
            own=who == self.page,
            url=web_url(post.get("permalink_url")),
            media=tuple(_attachments(post)),
            place=clean_line("visitor's post"),
            reply_data={"kind": "post", "id": id_, "post": id_, "at": iso(at)},
        )

    # --- comments -------------------------------------------------------------------------------------------

    def comment(self, raw: Mapping[str, Any], thing: Thing) -> Incoming | None:
        """A comment below `thing`; None for one that has no id in any place."""
        link = raw.get("permalink_url")
        id_ = comment_id(raw)
        if id_ is None:
            return None
        key = self._key(thing, id_)
        above = text_id(an_object(raw.get("parent")).get("id"))
        if above is None and in_query(link, "reply_comment_id") is not None:
            above = in_query(link, "comment_id")
        parent = self._key(thing, above) if above and tail(above) != tail(id_) else None
        author = an_object(raw.get("from"))
        who = text_id(author.get("id"))
        at = moment(raw.get("created_time")) or self.now()
        if parent is not None:
            self._learn(key, parent)
        root = self.post_key(thing.id)
        flags = {name: "no" for name in _FLAGS if raw.get(name) is False}
        return Incoming(
            remote_id=key,
            author=person(author, who or f"unknown:{key}"),
            text=clean(words_of(raw.get("message"))),
            at=at,
            visibility=Visibility.PUBLIC,
            thread=root if thing.root else self._top(key, parent),
            parent=parent or (root if thing.root else None),
            own=who == self.page,
            url=web_url(link),
            media=tuple(_attachment(raw)),
            place=clean_line(thing.place, 120) or None,
            reply_data={"kind": "comment", "id": id_, "post": thing.id, "at": iso(at), **flags},
        )

    def _key(self, thing: Thing, id_: str) -> str:
        return f"{tail(thing.id)}_{tail(id_)}"

    def _top(self, key: str, parent: str | None) -> str:
        """The comment that a thread begins with. Facebook's answers are one level deep; deeper ones are followed up."""
        if parent is None:
            return key
        seen = {key}
        while parent in self._above and parent not in seen:
            seen.add(parent)
            parent = self._above[parent]
        if parent not in self._tops:
            stored = self.threads([parent]).get(parent)
            if stored is None:
                return parent
            if len(self._tops) > 10 * LIMIT:
                self._tops.clear()
            self._tops[parent] = stored
        return self._tops[parent]

    def _learn(self, key: str, parent: str) -> None:
        if len(self._above) > 10 * LIMIT:
            self._above.clear()
        self._above[key] = parent

    def learn(self, page: Sequence[Mapping[str, Any]], thing: Thing) -> None:
        """What answers what in a page: lists come newest first, answers before what they answer."""
        for raw in page:
            id_, above = text_id(raw.get("id")), text_id(an_object(raw.get("parent")).get("id"))
            if id_ is not None and above is not None:
                self._learn(self._key(thing, id_), self._key(thing, above))


def comment_id(raw: Mapping[str, Any]) -> str | None:
    """The id of a comment, from its link where it is withheld."""
    link = raw.get("permalink_url")
    return text_id(raw.get("id")) or in_query(link, "reply_comment_id") or in_query(link, "comment_id")


def _attachment(raw: Mapping[str, Any]) -> list[MediaItem]:
    """The one attachment of a comment: `{type, media: {image: {src}, source}, url, title}`."""
    found = an_object(raw.get("attachment"))
    if not found:
        return []
    media = an_object(found.get("media"))
    url = media.get("source") or an_object(media.get("image")).get("src") or found.get("url")
    return [media_item(words_of(found.get("type")), url, found.get("title"))]


def _attachments(post: Mapping[str, Any]) -> list[MediaItem]:
    """Those of a post, the pictures of an album one by one."""
    found: list[MediaItem] = []
    for each in objects(post.get("attachments")):
        for one in objects(each.get("subattachments")) or [each]:
            kind = words_of(one.get("media_type")) or words_of(one.get("type"))
            media = an_object(one.get("media"))
            url = media.get("source") or an_object(media.get("image")).get("src") or one.get("url")
            found.append(media_item(kind, url, one.get("title")))
    return found
