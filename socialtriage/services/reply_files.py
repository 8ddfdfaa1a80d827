"""Pictures that go with an answer: read, told by their first bytes, without metadata, described in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from socialtriage.domain.errors import Refused
from socialtriage.domain.filetypes import ENOUGH, file_type
from socialtriage.domain.models import Capabilities, OutgoingFile, Visibility
from socialtriage.domain.text import clean_line
from socialtriage.domain.unmarked import can_strip, without_metadata

KINDS = ("image/jpeg", "image/png", "image/webp", "image/gif")
LARGEST = 16_000_000
"""Bytes of a picture where the network says nothing."""
LONGEST_ALT = 1_500
"""Characters of a description where the network says nothing; Mastodon takes no more."""


def check_allowed(
    able: Capabilities, visibility: Visibility, attach: Sequence[tuple[str, str]], network: str, *, begins: bool = False
) -> None:
    """Raises `Refused` for more pictures than the network takes with such an answer.

    `begins`: a private answer to a public message, which may be one message only.
    """
    if attach and (why := none_taken(able, visibility, network, begins=begins)):
        raise Refused(why, hint="Leave them out.")
    most = able.pictures_public if visibility is Visibility.PUBLIC else able.pictures_private
    if len(attach) > most:
        takes = f"at most {most} picture{'s' * (most > 1)}"
        raise Refused(f"A {visibility} answer on {network} carries {takes} from here.", hint="Leave them out.")


def none_taken(able: Capabilities, visibility: Visibility, network: str, *, begins: bool = False) -> str:
    """Why such an answer carries no picture, in a sentence; empty where it may."""
    most = able.pictures_public if visibility is Visibility.PUBLIC else able.pictures_private
    if most and not (begins and able.pictures_apart):
        return ""
    return f"A {visibility} answer on {network} carries no pictures from here. {able.no_pictures}".rstrip()


def read(attach: Sequence[tuple[str, str]], able: Capabilities | None) -> tuple[OutgoingFile, ...]:
    """The pictures as they would leave. Raises `Refused` with what is wrong with one of them."""
    takes = able or Capabilities()
    return tuple(_picture(Path(place).expanduser(), alt, takes) for place, alt in attach)


def unseen(files: Sequence[OutgoingFile], able: Capabilities | None, network: str, *, apart: bool) -> tuple[str, ...]:
    """What an officer must know where the network has no place for the words that say what is on a picture: a picture
    that is a message of its own has none either.
    """
    if not files or able is None or (able.alt_length and not apart):
        return ()
    return (f"{network} has no place for the description of a picture: whoever cannot see it has your words alone.",)


def _picture(path: Path, alt: str, takes: Capabilities) -> OutgoingFile:
    name, largest = clean_line(path.name, 80), takes.picture_bytes or LARGEST
    longest = takes.alt_length or LONGEST_ALT
    words = clean_line(alt, LONGEST_ALT + 1).strip()
    if not words:
        raise Refused(f"Say what is on {name}, for those who cannot see it.", hint="Describe the picture in words.")
    if len(words) > longest:
        raise Refused(f"The description of {name} is longer than {longest} characters.")
    try:
        with path.open("rb") as file:
            data = file.read(4 * largest + 1)
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or "it is no file"
        raise Refused(f"{name} cannot be read: {why}.") from exc
    if len(data) > 4 * largest:
        raise Refused(f"{name} is too large; at most {largest / 1e6:.1f} MB are taken.")
    kind = file_type(data[:ENOUGH])
    if kind is None or kind.mime not in KINDS:
        raise Refused(f"{name} is no picture that networks take.", hint="JPEG, PNG, WebP and GIF are.")
    if takes.picture_kinds and kind.mime not in takes.picture_kinds:
        known = ", ".join(each.removeprefix("image/").upper() for each in takes.picture_kinds)
        raise Refused(f"{name} is a picture of a kind that this network does not take.", hint=f"It takes {known}.")
    if can_strip(kind.mime):
        stripped = without_metadata(data)
        if stripped is None:
            raise Refused(f"{name} is not built as a picture should be, so its metadata cannot be taken out.")
        data = stripped
    if len(data) > largest:
        raise Refused(f"{name} has {len(data) / 1e6:.1f} MB; at most {largest / 1e6:.1f} MB are taken.")
    stem = clean_line(path.stem, 60) or "picture"
    return OutgoingFile(f"{stem}{kind.suffix}", kind.mime, words, data)
