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
"""Characters of a description; Mastodon takes no more."""


def check_allowed(able: Capabilities, visibility: Visibility, attach: Sequence[tuple[str, str]], network: str) -> None:
    """Raises `Refused` for more pictures than the network takes with such an answer."""
    most = able.pictures_public if visibility is Visibility.PUBLIC else able.pictures_private
    if len(attach) > most:
        takes = f"at most {most} pictures" if most else "no pictures"
        raise Refused(f"A {visibility} answer on {network} carries {takes} from here.", hint="Leave them out.")


def read(attach: Sequence[tuple[str, str]], able: Capabilities | None) -> tuple[OutgoingFile, ...]:
    """The pictures as they would leave. Raises `Refused` with what is wrong with one of them."""
    largest = (able.picture_bytes if able else 0) or LARGEST
    return tuple(_picture(Path(place).expanduser(), alt, largest) for place, alt in attach)


def _picture(path: Path, alt: str, largest: int) -> OutgoingFile:
    name = clean_line(path.name, 80)
    words = clean_line(alt, LONGEST_ALT + 1).strip()
    if not words:
        raise Refused(f"Say what is on {name}, for those who cannot see it.", hint="Describe the picture in words.")
    if len(words) > LONGEST_ALT:
        raise Refused(f"The description of {name} is longer than {LONGEST_ALT} characters.")
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
    if can_strip(kind.mime):
        stripped = without_metadata(data)
        if stripped is None:
            raise Refused(f"{name} is not built as a picture should be, so its metadata cannot be taken out.")
        data = stripped
    if len(data) > largest:
        raise Refused(f"{name} has {len(data) / 1e6:.1f} MB; at most {largest / 1e6:.1f} MB are taken.")
    stem = clean_line(path.stem, 60) or "picture"
    return OutgoingFile(f"{stem}{kind.suffix}", kind.mime, words, data)
