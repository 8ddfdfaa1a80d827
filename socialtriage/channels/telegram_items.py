"""Telegram's messages as the desk's: private chats, groups, what was shared in them, and edits.

Source: Bot API 10.1, types Update and Message. Times are Unix seconds. A message is unique by chat and number. A
private chat with the bot is one conversation, and so is a topic of a channel's direct messages; in a group a thread is
the chain of replies, and all its members read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from socialtriage.channels.telegram_api import MOST_BYTES
from socialtriage.domain.models import Author, Incoming, MediaItem, MediaState, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line

KINDS = ("message", "edited_message")
"""The updates that are asked for."""
_FILES = {
    "document": "file",
    "video": "video",
    "animation": "video",
    "video_note": "video",
    "audio": "audio",
    "voice": "audio",
    "sticker": "image",
}
_UNREADABLE = ("poll", "story", "game", "dice", "checklist", "paid_media", "invoice", "giveaway", "gift")
"""What residents can send and a desk cannot show: the message says so."""


@dataclass(frozen=True, slots=True)
class Read:
    """What one update holds: messages, the one that is answered first; `edit` when it changes an older one."""

    items: tuple[Incoming, ...]
    edit: bool


def remote_id(chat: int, number: int) -> str:
    """The id of a message in its account."""
    return f"{chat}/{number}"


def split_id(value: str) -> tuple[int, int] | None:
    """Chat and number of a message's id; None when it is none of ours."""
    chat, _, number = value.partition("/")
    try:
        return int(chat), int(number)
    except ValueError:
        return None


def read(update: Mapping[str, Any], bot: int | None) -> Read | None:
    """The messages of an update; None when nobody said anything in it.

    Raises `ValueError` when it cannot be read.
    """
    kind = next((name for name in KINDS if name in update), None)
    if kind is None:
        strange = [name for name, value in update.items() if isinstance(value, dict) and _is_said(value)]
        if strange:
            raise ValueError(f"somebody wrote it in a {strange[0]}, which is not read")
        return None
    message = _object(update[kind], kind)
    edit = kind == "edited_message"
    if edit and _object(message.get("location") or {}, "location").get("live_period"):
        return None  # a position that is shared live changes every few seconds; where it began is kept
    item = _message(message, bot)
    if item is None:
        return None
    answered = message.get("reply_to_message")
    parent = None
    if isinstance(answered, dict):
        try:
            parent = _message(answered, bot)
        except ValueError:
            parent = None
    if parent is None:
        return Read((item,), edit)
    item = replace(item, parent=parent.remote_id, thread=item.thread if item.conversation else parent.thread)
    return Read((replace(parent, context=True), item), edit)


def _is_said(value: Mapping[str, Any]) -> bool:
    """Whether it is a message of somebody's, in an update of a kind that is not asked for (a business account's)."""
    return "message_id" in value and "date" in value and (bool(_words(value)) or any(True for _ in _media(value)))


def _message(message: Mapping[str, Any], bot: int | None) -> Incoming | None:
    """One message; None for a service message, and for the `/start` that Telegram sends when a chat is opened."""
    chat = _object(message.get("chat"), "chat")
    chat_id, number = _number(chat.get("id"), "chat.id"), _number(message.get("message_id"), "message_id")
    conversation = _conversation(message, chat, chat_id)
    text = _words(message)
    media = tuple(_media(message))
    if not text and not media:
        return None
    if text == "/start" and chat.get("type") == "private":
        return None
    key = remote_id(chat_id, number)
    author = _author(message, chat)
    edited = message.get("edit_date")
    user = message.get("from")
    language = user.get("language_code") if isinstance(user, dict) else None
    return Incoming(
        remote_id=key,
        author=author,
        text=clean(text),
        at=_written(message),
        visibility=Visibility.PRIVATE if conversation else Visibility.PUBLIC,
        thread=conversation or key,
        conversation=conversation,
        own=_is_own(message, author, bot, conversation),
        url=_url(chat, number),
        language=language if isinstance(language, str) and len(language) <= 35 else None,
        edited_at=_time(edited, "edit_date") if isinstance(edited, int) and edited > 0 else None,
        media=media,
        place=None if chat.get("type") == "private" else _line(chat.get("title")),
        reply_data=_reply_data(message),
    )


def _conversation(message: Mapping[str, Any], chat: Mapping[str, Any], chat_id: int) -> str | None:
    """What only one person and we read: a private chat, or a topic of a channel's direct messages."""
    if chat.get("type") == "private":
        return str(chat_id)
    topic = message.get("direct_messages_topic")
    return f"{chat_id}/{_number(topic.get('topic_id'), 'topic_id')}" if isinstance(topic, dict) else None


def _is_own(message: Mapping[str, Any], author: Author, bot: int | None, conversation: str | None) -> bool:
    """Whether we wrote it: the bot, a post of the channel that a group belongs to, the channel in its own messages."""
    sender = message.get("sender_chat")
    channel = isinstance(sender, dict) and sender.get("type") == "channel" and conversation is not None
    return channel or bool(message.get("is_automatic_forward")) or (bot is not None and author.key == str(bot))


def _reply_data(message: Mapping[str, Any]) -> dict[str, str]:
    """Where an answer has to go beside the chat: names and values of parameters of sendMessage."""
    data = {}
    topic = message.get("direct_messages_topic")
    if isinstance(topic, dict):
        data["direct_messages_topic_id"] = str(topic.get("topic_id"))
    elif message.get("is_topic_message") is True and isinstance(message.get("message_thread_id"), int):
        data["message_thread_id"] = str(message["message_thread_id"])
    return data


def _author(message: Mapping[str, Any], chat: Mapping[str, Any]) -> Author:
    """The person, or the chat that speaks: an anonymous administrator, or a channel."""
    sender = message.get("sender_chat")
    speaker = sender if isinstance(sender, dict) else message.get("from")
    speaker = speaker if isinstance(speaker, dict) else chat
    key = str(_number(speaker.get("id"), "from.id"))
    names = [speaker.get(name) for name in ("first_name", "last_name", "title")]
    name = clean_line(" ".join(part for part in names if isinstance(part, str) and part), 120)
    username = speaker.get("username")
    user = clean_line(username, 64) if isinstance(username, str) and username.isascii() else ""
    shown = clean_line(f"@{user}") if user else (name or clean_line(f"person {key}"))
    return Author(key, shown, name or shown, f"https://t.me/{user}" if user.isidentifier() else None)


def _words(message: Mapping[str, Any]) -> str:
    """What was written, and what else was said without a file: a place, a telephone number."""
    parts: list[str] = []
    for name in ("text", "caption"):
        if isinstance(message.get(name), str):
            parts.append(message[name])
    if isinstance(message.get("rich_message"), dict):
        parts += _rich(message["rich_message"].get("blocks"))
    venue, location, contact = (message.get(name) for name in ("venue", "location", "contact"))
    if isinstance(venue, dict):
        parts.append(", ".join(str(venue[name]) for name in ("title", "address") if isinstance(venue.get(name), str)))
    if isinstance(location, dict):
        parts += _position(location)
    if isinstance(contact, dict):
        told = [contact.get(name) for name in ("first_name", "last_name", "phone_number")]
        parts.append(f"Contact: {' '.join(part for part in told if isinstance(part, str))}")
    parts += [
        f"[A {name.replace('_', ' ')}, which only Telegram can show]" for name in _UNREADABLE if message.get(name)
    ]
    return "\n".join(part for part in parts if part.strip())


def _position(location: Mapping[str, Any]) -> list[str]:
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return []
    return [f"Location: {latitude:.5f}, {longitude:.5f}"]


def _rich(value: Any, depth: int = 0) -> list[str]:
    """The texts of a rich message, in their order."""
    if depth > 20:
        return []
    if isinstance(value, list):
        return [text for part in value for text in _rich(part, depth + 1)]
    if isinstance(value, dict):
        own = value.get("text")
        here = [own] if isinstance(own, str) else _rich(own, depth + 1)
        return here + [t for name, part in value.items() if name != "text" for t in _rich_part(part, depth)]
    return []


def _rich_part(part: Any, depth: int) -> list[str]:
    return _rich(part, depth + 1) if isinstance(part, dict | list) else []


def _media(message: Mapping[str, Any]) -> Iterator[MediaItem]:
    """Files of a message, to be fetched by their id: addresses hold the token and lapse."""
    sizes = message.get("photo")
    if isinstance(sizes, list):
        usable = [size for size in sizes if isinstance(size, dict) and isinstance(size.get("file_id"), str)]
        if usable:
            yield _file(max(usable, key=lambda size: _size(size.get("width"))), "image", "photo.jpg", "image/jpeg")
    animated = isinstance(message.get("animation"), dict)
    for name, kind in _FILES.items():
        file = message.get(name)
        if name == "document" and animated:
            continue  # set beside an animation for older programs
        if isinstance(file, dict) and isinstance(file.get("file_id"), str):
            mime = file.get("mime_type")
            yield _file(file, kind, name.replace("_", " "), mime if isinstance(mime, str) else None)


def _file(file: Mapping[str, Any], kind: str, name: str, mime: str | None) -> MediaItem:
    given = file.get("file_name")
    too_large = _size(file.get("file_size")) > MOST_BYTES
    return MediaItem(
        kind=kind,
        name=clean_line(given, 120) if isinstance(given, str) and given.strip() else clean_line(name),
        mime=mime,
        remote_id=file["file_id"],
        state=MediaState.TOO_LARGE if too_large else MediaState.PENDING,
    )


def _url(chat: Mapping[str, Any], number: int) -> str | None:
    """The address of a message in a public group; private chats have none."""
    name = chat.get("username")
    public = chat.get("type") in ("supergroup", "channel") and isinstance(name, str) and name.isidentifier()
    return f"https://t.me/{name}/{number}" if public else None


def _line(value: Any) -> SafeText | None:
    return clean_line(value) if isinstance(value, str) and value.strip() else None


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")
    return value


def _number(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is no whole number")
    return value


def _size(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _written(message: Mapping[str, Any]) -> datetime:
    """When it was written; what cannot be read is the year 1, and intake takes the time of arrival in its place.
    Telegram hands nothing out twice: to leave such a message out would lose it.
    """
    try:
        return _time(message.get("date"), "date")
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _time(value: Any, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(_number(value, name), UTC)
    except (OverflowError, OSError) as exc:
        raise ValueError(f"{name} is no time") from exc
