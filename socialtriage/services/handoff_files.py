"""The files that go with a handoff: which ones fit, and whether they still say where they were made."""

from __future__ import annotations

from collections.abc import Sequence

from socialtriage.config.model import Contact
from socialtriage.domain.filetypes import file_name
from socialtriage.domain.unmarked import without_metadata
from socialtriage.domain.views import MediaView
from socialtriage.mail.compose import Attachment
from socialtriage.services import evidence
from socialtriage.services.desk import Desk

TAKES_FILES = ("mail", "zammad")
"""Ways to a contact on which files go along."""
MAIL_ROOM = 18_000_000
"""Bytes of files that a mail takes without being asked: encoded they stay below the usual limit of 25 MB."""


def fitting(kept: Sequence[MediaView]) -> tuple[MediaView, ...]:
    """The files that go together into a mail that most servers take, the first ones first."""
    chosen, room = [], MAIL_ROOM
    for media in kept:
        if (size := media.bytes or 0) <= room:
            chosen.append(media)
            room -= size
    return tuple(chosen)


def left_out(kept: Sequence[MediaView], wanted: Sequence[MediaView]) -> list[str]:
    """What was left out for its size, in a sentence."""
    names = [str(m.name) for m in kept if m not in wanted]
    return [f"Too large for most mail servers, so left out unless you choose it: {', '.join(names)}."] if names else []


def attachment(desk: Desk, media: MediaView, *, originals: bool) -> tuple[Attachment, bool]:
    """The file as it goes, and whether it may say where and by whom it was made."""
    data = evidence.read(desk.media_folder, media.path or "")
    stripped = None if originals else without_metadata(data)
    tells = stripped is None and (media.mime or "").startswith(("image/", "video/"))
    name = file_name(media.name, data)
    return Attachment(name, media.mime or "application/octet-stream", stripped or data), tells


def telling(files: Sequence[tuple[Attachment, bool]], *, originals: bool) -> list[str]:
    """What is attached and may say where and by whom it was made."""
    names = [file.name for file, tells in files if tells]
    if not names:
        return []
    if originals:
        return ["The files go as they came, with what they say of place and camera."]
    return [f"No copy without metadata can be made of {', '.join(names)}: place and camera may be in it."]


def remarks(
    contact: Contact,
    kept: Sequence[MediaView],
    wanted: Sequence[MediaView],
    files: Sequence[tuple[Attachment, bool]],
    *,
    originals: bool,
    chosen: bool,
) -> list[str]:
    """What an officer has to know of the files that go and of those that stay; `chosen` when the officer chose them."""
    if wanted and not files:
        return [f"{contact.name} takes no files by {contact.via}: they stay here."]
    return [*telling(files, originals=originals), *([] if chosen else left_out(kept, wanted))]
