"""From Instagram's comments, answers and photo tags to messages of the desk.

The author of a comment is `from` where the login may see it, otherwise the user name alone (recorded answers have only
`username`). A comment has no address of its own: the link leads to the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from socialtriage.channels.graph_chat import person
from socialtriage.channels.graph_json import an_object, media_item, moment, objects, text_id, web_url, words_of
from socialtriage.channels.graph_watch import Thing, unsigned
from socialtriage.domain.models import Author, Incoming, Visibility
from socialtriage.domain.text import clean, clean_line, snippet
from socialtriage.domain.times import iso

REPLY = "id,text,timestamp,username,from,hidden,parent_id"
COMMENT = f"{REPLY},replies{{{REPLY}}}"
MEDIUM = "id,caption,timestamp,comments_count,permalink,media_type,username"
TAG = f"{MEDIUM},media_url"


@dataclass(slots=True)
class Items:
    """What people write to one account. `me` are its own id and user name."""

    me: frozenset[str]
    now: Callable[[], datetime]

    def thing(self, medium: Mapping[str, Any]) -> Thing | None:
        """A picture or video as something to watch; None for one without an id."""
        id_ = text_id(medium.get("id"))
        if id_ is None:
            return None
        count = medium.get("comments_count")
        said = snippet(words_of(medium.get("caption")), 80)
        at = moment(medium.get("timestamp")) or self.now()
        sign = text_id(count) or ("0" if count == 0 or count == "0" else unsigned(at, self.now()))
        return Thing(id_, id_, sign, at, f"post “{said}”" if said else "post", ours=True)

    def author(self, raw: Mapping[str, Any], key: str) -> Author:
        """Who wrote; two people whose names are withheld are two."""
        source = an_object(raw.get("from"))
        username = words_of(source.get("username")) or words_of(raw.get("username"))
        # A user name of digits alone is no id: nobody else may be blocked for it.
        name = f"@{username}" if username.isdigit() else username.lower()
        id_ = text_id(source.get("id")) or name or f"unknown:{key}"
        who = person({"username": username}, id_)
        if not username:
            return who
        return Author(who.key, who.handle, who.name, f"https://www.instagram.com/{username}/")

    def is_mine(self, raw: Mapping[str, Any]) -> bool:
        """Whether the account itself wrote it."""
        source = an_object(raw.get("from"))
        names = (text_id(source.get("id")), words_of(source.get("username")), words_of(raw.get("username")))
        return any(name in self.me for name in names if name)

    def comment(self, raw: Mapping[str, Any], thing: Thing, top: str | None, link: object = None) -> Incoming | None:
        """A comment, or an answer below the comment `top`; None for one without an id."""
        id_ = text_id(raw.get("id"))
        if id_ is None:
            return None
        above = top or text_id(raw.get("parent_id"))
        at = moment(raw.get("timestamp")) or self.now()
        return Incoming(
            remote_id=id_,
            author=self.author(raw, id_),
            text=clean(words_of(raw.get("text"))),
            at=at,
            visibility=Visibility.PUBLIC,
            thread=above or id_,
            parent=above,
            own=self.is_mine(raw),
            url=web_url(link),
            place=clean_line(thing.place, 120) or None,
            reply_data={"kind": "comment", "id": id_, "media": thing.id, "at": iso(at), "network": "instagram"},
        )

    def tag(self, medium: Mapping[str, Any]) -> Incoming | None:
        """Somebody's picture that the account is tagged in."""
        id_ = text_id(medium.get("id"))
        if id_ is None:
            return None
        at = moment(medium.get("timestamp")) or self.now()
        return Incoming(
            remote_id=id_,
            author=self.author(medium, id_),
            text=clean(words_of(medium.get("caption"))),
            at=at,
            visibility=Visibility.PUBLIC,
            thread=id_,
            own=self.is_mine(medium),
            url=web_url(medium.get("permalink")),
            media=(media_item(words_of(medium.get("media_type")), medium.get("media_url")),),
            place=clean_line("tagged in a picture"),
            reply_data={"kind": "tag", "id": id_, "at": iso(at), "network": "instagram"},
        )


def replies_of(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The first answers to a comment, as they came with it."""
    return objects(raw.get("replies"))
