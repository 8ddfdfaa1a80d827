"""Kept files of a case: listed, saved into a folder, laid out for the system's viewer."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from socialtriage.domain import playing
from socialtriage.domain.errors import NotFound, Refused, StoreError
from socialtriage.domain.filetypes import SUFFIXES, file_name
from socialtriage.domain.models import MediaState, SafeText
from socialtriage.domain.unmarked import without_metadata
from socialtriage.domain.views import MediaView, MessageView
from socialtriage.services import evidence, inbox
from socialtriage.services.desk import Desk
from socialtriage.store.leases import process_start

LONGEST_NAME = 80
"""Characters of a name that is written to disk."""
LONGEST_NAME_BYTES = 160
"""And its bytes: file systems count those."""
DOCUMENTS = frozenset((".txt", ".csv", ".rtf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx")) | frozenset(
    (".odt", ".ods", ".odp", ".eml", ".ics", ".vcf")
)
"""Endings beside those of photos, video, sound and PDF that the system may open; of others, some start programs."""
_VIEWS = "socialtriage-view-"
"""How folders of copies for the viewer are called among the temporary files; the number of their process follows."""
_UNFIT = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file of a message, kept or not."""

    message: MessageView
    media: MediaView


def listing(desk: Desk, case_id: int, *, unmasked: bool = False) -> list[Exhibit]:
    """Every file of a case, in the order of its messages; none of a restricted one, unless `unmasked`."""
    messages = inbox.shown(desk, case_id, unmasked).messages
    return [Exhibit(message, media) for message in messages for media in message.media]


def amiss(desk: Desk, media: MediaView) -> str:
    """What is wrong with a file that should be here, in a sentence; its content is judged when it is used."""
    if media.state is not MediaState.KEPT:
        return ""
    try:
        size = (desk.media_folder / (media.path or "")).stat().st_size
    except OSError as exc:
        return f"It is not in the media folder any more: {exc.strerror or exc}."
    return "" if media.bytes in (None, size) else f"It was changed in the media folder: it has {size:,} bytes now."


def lasts(desk: Desk, media: MediaView) -> str:
    """How long a kept video or sound is: `1:05`; "" where its file does not say."""
    if media.state is not MediaState.KEPT or not media.path:
        return ""
    try:
        with (desk.media_folder / media.path).open("rb") as file:
            found = playing.seconds(file, media.mime)
    except OSError:
        return ""
    if found is None:
        return ""
    minutes, seconds = divmod(round(found), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"


def save(
    desk: Desk, case_id: int, folder: Path, *, clean: bool = False, unmasked: bool = False
) -> tuple[list[Path], list[str]]:
    """Write the kept files of a case into a folder that exists, for this user alone; nothing there is overwritten.

    `clean`: copies without metadata. What was written, and a sentence for each file that could not be: one that is
    damaged keeps none of the others back. Raises `NotFound`; `Refused` or `StoreError` when none could be written.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    kept = [each.media for each in listing(desk, case_id, unmasked=unmasked) if each.media.state is MediaState.KEPT]
    if not kept:
        raise Refused("No file of this case is kept, or it is restricted.")
    ref = desk.store.cases.get(case_id).ref
    written, problems = [], []
    for number, media in enumerate(kept, 1):
        try:
            written.append(_write(desk, media, folder, f"{ref}-{number}", clean=clean))
        except (Refused, StoreError) as exc:
            if number == len(kept) and not written:
                raise
            problems.append(str(exc))
    return written, problems


def check_opens(desk: Desk, media: MediaView) -> None:
    """Raises `Refused` for what the system must not be asked to open: it could be a program. Raises `StoreError`."""
    name = fit_name(media.name, evidence.read(desk.media_folder, media.path or ""))
    if (ending := Path(name).suffix.lower()) not in DOCUMENTS | SUFFIXES:
        raise Refused(
            f"A file that ends in {ending or 'nothing'} may be a program, so it is not opened from here.",
            hint="Save it and have it checked: socialtriage evidence REF --save FOLDER.",
        )


def lay_out(desk: Desk, media: MediaView) -> Path:
    """A copy for the system's viewer, in a folder that goes when the program ends. Raises `Refused`, `StoreError`."""
    if media.state is not MediaState.KEPT:
        raise Refused(media.why or "This file is not kept, so there is nothing to open.")
    check_opens(desk, media)
    return _write(desk, media, Path(tempfile.mkdtemp(dir=_viewing())), "file", clean=False)


def sweep_views() -> None:
    """Remove the viewer's copies of programs that were killed, so that what is forgotten is not still there."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_VIEWS}*"):
        number = folder.name.removeprefix(_VIEWS).partition("-")[0]
        with suppress(OSError):
            ours = not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()
            if ours and number.isdecimal() and not folder.is_symlink() and process_start(int(number)) is None:
                shutil.rmtree(folder, ignore_errors=True)


@cache
def _viewing() -> str:
    sweep_views()
    folder = tempfile.mkdtemp(prefix=f"{_VIEWS}{os.getpid()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _write(desk: Desk, media: MediaView, folder: Path, begin: str, *, clean: bool) -> Path:
    data = evidence.read(desk.media_folder, media.path or "")
    if clean:
        stripped = without_metadata(data)
        if stripped is None:
            raise Refused(f"No copy without metadata can be made of {media.name}.", hint="Save the originals.")
        data = stripped
    try:
        for path in _names(folder, begin, fit_name(media.name, data)):
            try:
                handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with open(handle, "wb") as file:
                file.write(data)
            return path
    except OSError as exc:
        raise StoreError(f"A file cannot be written into {folder}: {exc.strerror or exc}.") from exc
    raise StoreError(f"A file cannot be written into {folder}: too many of its name are there.")


def _names(folder: Path, begin: str, name: str) -> Iterator[Path]:
    yield folder / f"{begin}-{name}"
    for number in range(2, 1000):
        yield folder / f"{begin}-{number}-{name}"


def fit_name(name: str, data: bytes) -> str:
    """A name that any file system takes and that leads nowhere, with the ending of what the file is."""
    stem = _UNFIT.sub("_", name).strip("._-")[-LONGEST_NAME:]
    stem = stem.encode()[-LONGEST_NAME_BYTES:].decode(errors="ignore").lstrip(".") or "file"
    return str(file_name(SafeText(stem), data))
