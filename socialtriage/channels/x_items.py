"""What X says of posts, people and direct messages, and how it becomes messages of the desk.

Facts: the text is HTML-escaped and holds t.co addresses, whose meaning is in `entities.urls`; a long post has its
words in `note_post` (`note_tweet`). An edit is a new post whose history begins with the first one's id: that is our
name for all of them. Ids are snowflakes: they hold the millisecond of their making.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from socialtriage.channels.x_api import text_id
from socialtriage.domain.errors import BadPayload, NotPermitted
from socialtriage.domain.models import Author, Incoming, MediaItem, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line

EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
"""Where the milliseconds of ids begin."""
OLDEST = EPOCH + timedelta(days=1)
"""Ids that were given before are no snowflakes."""
_NAMED = re.compile(r"[@＠](\w{1,15})(?!\w)", re.ASCII)
KINDS = {"photo": "image", "video": "video", "animated_gif": "video"}


@dataclass(frozen=True, slots=True)
class Post:
    """A post in either dialect; what is missing or of a wrong type is empty."""

    id: str
    text: str
    author: str | None
    at: datetime
    conversation: str | None
    answers: str | None
    answers_user: str | None
    quotes: str | None
    reposts: bool
    history: tuple[str, ...]
    language: str | None
    media: tuple[str, ...]
    mentions: tuple[tuple[str | None, str], ...]
    """Ids and user names of those it addresses."""

    @property
    def key(self) -> str:
        """Our name for it and all its versions."""
        return self.history[0] if self.history else self.id

    @property
    def outdated(self) -> bool:
        """Whether there is a newer version."""
        return bool(self.history) and self.history[-1] != self.id


@dataclass(slots=True)
class Includes:
    """What came beside the items: people, posts that they refer to, media."""

    users: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    media: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Includes:
        """The `includes` of an answer."""
        raw = answer.get("includes")
        raw = raw if isinstance(raw, dict) else {}
        found = cls()
        for user in _objects(raw.get("users")):
            if (key := text_id(user.get("id"))) is not None:
                found.users[key] = user
        for name in ("tweets", "posts"):
            for post in map(read_post, _objects(raw.get(name))):
                if post is not None:
                    found.posts[post.id] = post
        for medium in _objects(raw.get("media")):
            found.media[str(medium.get("media_key"))] = medium
        return found


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def items_of(answer: Mapping[str, Any]) -> list[Any]:
    """The items of an answer, whatever they are."""
    data = answer.get("data")
    return data if isinstance(data, list) else [data] if isinstance(data, dict) else []


def listed(answer: Mapping[str, Any]) -> list[Any]:
    """The items of a list, which has no `data` when it is empty, but its `meta` all the same.

    Raises `NotPermitted` or `BadPayload` for anything else: what is no list does not say that nothing is there.
    """
    if isinstance(answer.get("data"), list) or ("data" not in answer and isinstance(answer.get("meta"), dict)):
        return items_of(answer)
    if (error := next(iter(_objects(answer.get("errors"))), None)) is not None and not answer.get("data"):
        said = clean_line(str(error.get("detail") or error.get("title") or "no reason is given"), 300)
        if "not-authorized" in str(error.get("type")):
            raise NotPermitted(f"X does not show this: {said}", hint="The login may lack a scope; sign in again.")
        raise BadPayload(f"X answered with an error in the place of a list: {said}", field="errors")
    raise BadPayload("X answered with something that is no list.", field="data")


def made_at(id_: str) -> datetime:
    """When the post or message of an id was made."""
    try:
        return EPOCH + timedelta(milliseconds=int(id_) >> 22)
    except (ValueError, OverflowError):
        return EPOCH


def moment(value: object, id_: str) -> datetime:
    """A time of X's; that of the id where it cannot be read."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else made_at(id_)


def read_post(raw: object) -> Post | None:
    """A post, as much of it as can be read; None for what has no id."""
    if not isinstance(raw, dict) or (key := text_id(raw.get("id"))) is None:
        return None
    note = raw.get("note_post") or raw.get("note_tweet")
    note = note if isinstance(note, dict) and isinstance(note.get("text"), str) else {}
    entities = note.get("entities") or raw.get("entities")
    entities = entities if isinstance(entities, dict) else {}
    refs = {
        str(ref.get("type")): text_id(ref.get("id"))
        for ref in reversed(_objects(raw.get("referenced_posts") or raw.get("referenced_tweets")))
    }
    history = raw.get("edit_history_post_ids") or raw.get("edit_history_tweet_ids")
    attached = raw.get("attachments")
    keys = attached.get("media_keys") if isinstance(attached, dict) else None
    return Post(
        id=key,
        text=_words(note.get("text") or raw.get("text"), entities),
        author=text_id(raw.get("author_id")),
        at=moment(raw.get("created_at"), key),
        conversation=text_id(raw.get("conversation_id")),
        answers=refs.get("replied_to"),
        answers_user=text_id(raw.get("in_reply_to_user_id")),
        quotes=refs.get("quoted"),
        reposts="retweeted" in refs or "reposted" in refs,
        history=tuple(filter(None, map(text_id, history))) if isinstance(history, list) else (),
        language=raw["lang"] if isinstance(raw.get("lang"), str) and raw["lang"] not in ("und", "zxx") else None,
        media=tuple(k for k in keys if isinstance(k, str)) if isinstance(keys, list) else (),
        mentions=tuple(
            (text_id(m.get("id")), str(m.get("username") or "").lower()) for m in _objects(entities.get("mentions"))
        ),
    )


def _words(text: object, entities: Mapping[str, Any]) -> str:
    """The text as its author saw it: addresses in full, without those of its own media."""
    words = text if isinstance(text, str) else ""
    for url in _objects(entities.get("urls")):
        short, long = url.get("url"), url.get("expanded_url")
        if isinstance(short, str) and short and isinstance(long, str):
            words = words.replace(short, "" if url.get("media_key") else long)
    return html.unescape(words).strip()


class Translator:
    """Makes messages of one account."""

    def __init__(self, my_id: str, *my_names: str) -> None:
        self.my_id = my_id
        self.my_name = next(filter(None, my_names), "").lstrip("@")
        self.my_names = {name.lower().lstrip("@") for name in my_names if name}
        """User names: as X says it, and as the configuration does, which may be older."""

    def message(self, post: Post, beside: Includes, *, context: bool = False, now: datetime | None = None) -> Incoming:
        """A post as the desk knows it. Of an edited one the time is that of its first version."""
        author = self.author(post.author, beside, f"post:{post.id}")
        own = post.author == self.my_id
        # Where nobody says who wrote it, X finds a post by its id alone.
        name = author.handle.removeprefix("@") if author.url else "i"
        edited = post.at if post.key != post.id else None
        return Incoming(
            remote_id=post.key,
            author=author,
            text=clean(post.text),
            at=made_at(post.key) if edited and made_at(post.key) > OLDEST else post.at,
            visibility=Visibility.PUBLIC,
            thread=post.conversation or post.answers or post.key,
            parent=post.answers,
            own=own,
            context=context and not own,
            url=f"https://x.com/{name}/status/{post.id}",
            language=post.language,
            edited_at=edited,
            media=media_of(post.media, beside),
            place=self._place(post, beside),
            reply_data={"id": post.id, "summoned": "yes" if own or self._summons(post, beside, context) else "no"},
        )

    def _summons(self, post: Post, beside: Includes, context: bool) -> bool:
        """Whether the author mentioned or quoted us, or answered us: only then an app may reply (February 2026).

        What came as a mention and names nobody at all is believed to be one: the names may not have come with it.
        """
        if post.answers_user == self.my_id or any(self._is_me(*mention) for mention in post.mentions):
            return True
        quoted = beside.posts.get(post.quotes or "")
        if quoted is not None and quoted.author == self.my_id:
            return True
        text = post.text.lower()
        if any(name.lower() in self.my_names for name in _NAMED.findall(text)):
            return True
        return not context and not post.mentions and "@" not in text and post.answers_user is None

    def _is_me(self, key: str | None, name: str) -> bool:
        return key == self.my_id or name in self.my_names

    def author(self, key: str | None, beside: Includes, otherwise: str) -> Author:
        """A person; only an id where nothing came beside it (suspended since, or withheld)."""
        user = beside.users.get(key or "", {})
        name = clean_line(str(user.get("username") or "")) or clean_line(self.my_name if key == self.my_id else "")
        shown = clean_line(str(user.get("name") or "")) or name
        if not name:
            return Author(key or otherwise, SafeText(f"id {key}" if key else "unknown"), SafeText("unknown"))
        return Author(key or otherwise, SafeText(f"@{name}"), shown, f"https://x.com/{name}")

    def _place(self, post: Post, beside: Includes) -> SafeText | None:
        quoted = beside.posts.get(post.quotes or "")
        return clean_line(f"quotes: {quoted.text}") if quoted is not None and quoted.text else None

    def direct(self, raw: object, beside: Includes) -> Incoming | None:
        """A direct message; None for what has no id. Of a conversation of many, everybody in it reads the answer."""
        if not isinstance(raw, dict) or (key := text_id(raw.get("id"))) is None:
            return None
        sender = text_id(raw.get("sender_id"))
        own = sender == self.my_id
        conversation = str(raw.get("dm_conversation_id") or "") or f"with/{sender or key}"
        group = "-" not in conversation and not conversation.startswith("with/")
        attached = raw.get("attachments")
        keys = attached.get("media_keys") if isinstance(attached, dict) else None
        text = raw.get("text")
        return Incoming(
            remote_id=f"dm/{key}",
            author=self.author(sender, beside, f"dm:{key}"),
            text=clean(html.unescape(text) if isinstance(text, str) else ""),
            at=moment(raw.get("created_at"), key),
            visibility=Visibility.PRIVATE,
            thread=conversation,
            conversation=conversation,
            own=own,
            media=media_of(tuple(map(str, keys)) if isinstance(keys, list) else (), beside),
            place=clean_line("a conversation of several people: all of them read the answer") if group else None,
            reply_data={"id": key, "conversation": conversation, "sender": sender or ""},
        )


def media_of(keys: tuple[str, ...], beside: Includes) -> tuple[MediaItem, ...]:
    """Pictures and videos: the best file there is."""
    found = []
    for key in keys:
        medium = beside.media.get(key, {})
        url = medium.get("url") or _best(medium.get("variants")) or medium.get("preview_image_url")
        alt = medium.get("alt_text")
        found.append(
            MediaItem(
                kind=KINDS.get(str(medium.get("type")), "file"),
                name=clean_line(key),
                url=url if isinstance(url, str) else None,
                alt=clean(alt, 2_000) if isinstance(alt, str) and alt else None,
                remote_id=key,
            )
        )
    return tuple(found)


def _best(variants: object) -> str | None:
    files = [v for v in _objects(variants) if isinstance(v.get("url"), str) and v.get("content_type") == "video/mp4"]
    rate = lambda v: v["bit_rate"] if isinstance(v.get("bit_rate"), int) else 0  # noqa: E731
    return str(max(files, key=rate)["url"]) if files else None
