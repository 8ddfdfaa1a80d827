"""Reviews of a Business Profile as the desk's messages: stars in words, pictures, and the organisation's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from socialtriage.channels.google_api import moment, text
from socialtriage.domain.models import Author, Incoming, MediaItem, Visibility
from socialtriage.domain.text import clean, clean_line

MOST_MEDIA = 20
STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}


@dataclass(frozen=True, slots=True)
class Review:
    """A review, and our answer to it if there is one."""

    item: Incoming
    answer: Incoming | None
    updated: datetime
    reply_state: str = ""
    """What Google makes of our answer (`reviewReplyState`)."""


def answer_id(review: str) -> str:
    """The id of the one answer that a review can have."""
    return f"{review}/reply"


def read_review(row: Any, location: str) -> Review:
    """A review of an answer. Raises `ValueError` when it cannot be read."""
    if not isinstance(row, dict):
        raise ValueError("it is no object")
    key = text(row, "reviewId") or text(row, "name").rpartition("/")[2]
    created, updated = moment(row.get("createTime")), moment(row.get("updateTime"))
    at = created or updated
    if not key or at is None:
        raise ValueError("reviewId or createTime is missing")
    reviewer = row.get("reviewer")
    name = clean_line(text(reviewer, "displayName"), 120) if isinstance(reviewer, dict) else clean_line("")
    name = name or clean_line("Somebody without a name")
    item = Incoming(
        remote_id=key,
        author=Author(f"review:{key}", name, name),
        text=clean(_words(row)),
        at=at,
        visibility=Visibility.PUBLIC,
        thread=key,
        edited_at=updated if updated is not None and updated > at else None,
        media=_media(row),
        place=clean_line("Google review"),
    )
    reply = row.get("reviewReply")
    reply = reply if isinstance(reply, dict) else {}
    return Review(item, _answer(reply, item, location), updated or at, text(reply, "reviewReplyState"))


def _media(row: Mapping[str, Any]) -> tuple[MediaItem, ...]:
    """Pictures and videos of a review (`reviewMediaItems`; the names of its fields are [unconfirmed])."""
    found = row.get("reviewMediaItems")
    items = []
    for number, media in enumerate(found[:MOST_MEDIA] if isinstance(found, list) else (), 1):
        for name in ("videoUrl", "photoUrl", "googleUrl", "thumbnailUrl"):
            url = text(media, name) if isinstance(media, dict) else ""
            if url.startswith("https://") and len(url) < 2_000:
                kind = "video" if name == "videoUrl" else "image"
                items.append(MediaItem(kind=kind, name=clean_line(f"{kind} {number}"), url=url))
                break
    return tuple(items)


def _words(row: Mapping[str, Any]) -> str:
    """Stars and words, for a reader who sees no picture of them."""
    stars = STARS.get(text(row, "starRating"))
    line = f"{'★' * stars}{'☆' * (5 - stars)} ({stars} of 5 stars)" if stars else "(no stars)"
    comment = text(row, "comment").strip()
    return f"{line}\n{comment}" if comment else f"{line}\n(without words)"


def _answer(reply: Mapping[str, Any], review: Incoming, location: str) -> Incoming | None:
    words, at = text(reply, "comment"), moment(reply.get("updateTime"))
    if not words:
        return None
    us = clean_line("The organisation")
    return Incoming(
        remote_id=answer_id(review.remote_id),
        author=Author(location, us, us),
        text=clean(words),
        at=at or review.edited_at or review.at,
        visibility=Visibility.PUBLIC,
        thread=review.thread,
        parent=review.remote_id,
        own=True,
    )
