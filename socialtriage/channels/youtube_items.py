"""Comments of YouTube as the desk's messages.

Source: discovery document of revision 20261104, types Comment and CommentThread. `textDisplay` is what everybody gets
and stays comparable between calls; `textOriginal` comes for own comments only. An edit shows in `updatedAt`. A comment
has no language, and its author no name but the one shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from socialtriage.channels.google_api import moment, text
from socialtriage.domain.models import Author, Incoming, MediaItem, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line

PUBLISHED, HELD, SPAM = "published", "heldForReview", "likelySpam"
_SHOWN = {HELD: "held for review", SPAM: "likely spam"}


@dataclass(frozen=True, slots=True)
class Thread:
    """A top comment with the replies that came along; `total` is how many there are."""

    id: str
    top: Incoming
    replies: tuple[Incoming, ...]
    total: int
    unread: tuple[str, ...] = ()
    """Why replies could not be read, one each."""


def read_thread(row: Any, channel: str, status: str) -> Thread:
    """A thread of an answer. Raises `ValueError` when its top comment cannot be read.

    A thread is in a queue for its top comment or for any of its replies: each has its own `moderationStatus`, and
    `status`, that of the queue, counts only where there is none.
    """
    row = _object(row, "it")
    snippet = _object(row.get("snippet"), "snippet")
    key = text(row, "id")
    if not key:
        raise ValueError("id is missing")
    video = text(snippet, "videoId")
    top = read_comment(
        _object(snippet.get("topLevelComment"), "topLevelComment"), channel, status, thread=key, video=video
    )
    total = snippet.get("totalReplyCount")
    inside = row.get("replies")
    found = inside.get("comments") if isinstance(inside, dict) else None
    replies, unread = read_replies(found if isinstance(found, list) else [], channel, status, key, video)
    count = total if isinstance(total, int) and not isinstance(total, bool) else len(replies)
    return Thread(key, top, tuple(replies), count, tuple(unread))


def read_replies(
    found: Iterable[object], channel: str, status: str, thread: str, video: str = ""
) -> tuple[list[Incoming], list[str]]:
    """Replies of a thread as far as they can be read, and why the others cannot."""
    replies, unread = [], []
    for reply in found:
        try:
            replies.append(read_comment(reply, channel, status, thread=thread, video=video))
        except ValueError as exc:
            unread.append(str(exc))
    return replies, unread


def read_comment(row: Any, channel: str, status: str = PUBLISHED, *, thread: str = "", video: str = "") -> Incoming:
    """One comment. Raises `ValueError` when it cannot be read."""
    row = _object(row, "it")
    snippet = _object(row.get("snippet"), "snippet")
    key, at = text(row, "id"), moment(snippet.get("publishedAt"))
    if not key or at is None:
        raise ValueError("id or publishedAt is missing")
    words = next((w for name in ("textDisplay", "textOriginal") if isinstance(w := snippet.get(name), str)), None)
    if words is None:
        raise ValueError("textDisplay is missing")
    author = _author(snippet, key)
    parent = text(snippet, "parentId")
    root = parent or thread or key
    edited = moment(snippet.get("updatedAt"))
    video = text(snippet, "videoId") or video
    status = text(snippet, "moderationStatus") or status
    return Incoming(
        remote_id=key,
        author=author,
        text=clean(words),
        at=at,
        visibility=Visibility.PUBLIC,
        thread=root,
        parent=root if root != key else None,
        own=author.key == channel,
        url=f"https://www.youtube.com/watch?v={video}&lc={key}" if _plain(video) and _plain(key) else None,
        edited_at=edited if edited is not None and edited > at else None,
        media=_media(snippet),
        place=placed("", status),
        reply_data=_reply_data(key, root, status, video),
    )


def _reply_data(key: str, root: str, status: str, video: str) -> dict[str, str]:
    """What answering, hiding and banning need; `held` says that nobody sees it until it is shown (`unhide`)."""
    data = {"comment": key, "thread": root, "status": status, "video": video}
    return data | ({"held": status} if status in _SHOWN else {})


def placed(title: str, status: str) -> SafeText | None:
    """Where a comment stands: the video's title, and the queue when it is not published."""
    queue = _SHOWN.get(status, "")
    place = f"{title} ({queue})" if title and queue else title or queue
    return clean_line(place) if place else None


def with_title(item: Incoming, titles: Mapping[str, str]) -> Incoming:
    """The comment with the title of its video, where that is known."""
    title = titles.get(item.reply_data.get("video", ""))
    return replace(item, place=placed(title, item.reply_data.get("status", ""))) if title else item


def since(items: Iterable[Incoming], floor: datetime) -> list[Incoming]:
    """Those that were written, or edited, from `floor` on."""
    return [item for item in items if max(item.at, item.edited_at or item.at) >= floor]


def _author(snippet: Mapping[str, Any], comment: str) -> Author:
    """Whoever wrote it. Accounts that are gone have no id: two of them are never taken for one person."""
    channel = snippet.get("authorChannelId")
    key = text(channel, "value") if isinstance(channel, dict) else ""
    name = clean_line(text(snippet, "authorDisplayName"), 120) or clean_line("somebody")
    url = text(snippet, "authorChannelUrl")
    return Author(key or f"comment:{comment}", name, name, url if url.startswith(("https://", "http://")) else None)


def _media(snippet: Mapping[str, Any]) -> tuple[MediaItem, ...]:
    url = text(snippet, "imageUrl")
    if not url.startswith("https://") or len(url) > 2_000:
        return ()
    return (MediaItem(kind="image", name=clean_line("image"), url=url),)


def _plain(key: str) -> bool:
    return bool(key) and all(char.isalnum() or char in "-_." for char in key) and key.isascii()


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")
    return value
