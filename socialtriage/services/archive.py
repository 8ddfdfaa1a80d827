"""A backup as one file: a tar with a description, the database and the media folder, readable without this program.

`socialtriage-backup.json` comes first, then `desk.db`, then `media/…`. Nothing else is taken out of such a file.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from socialtriage.config.files import make_folders
from socialtriage.domain.errors import StoreError
from socialtriage.store.intake import media_path

MANIFEST = "socialtriage-backup.json"
DATABASE = "desk.db"
FORMAT = 1
_MEDIA = re.compile(r"media/([0-9a-f]{2}/[0-9a-f]{64})")
_CHUNK = 1 << 20


def digest(path: Path) -> str:
    """SHA-256 of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(stream: BinaryIO, manifest: dict[str, Any], database: Path, folder: Path, media: Iterable[str]) -> None:
    """Write a backup. Raises `OSError`."""
    text = json.dumps(manifest, indent=2).encode()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _put(tar, MANIFEST, text)
        tar.add(database, DATABASE, filter=_plain)
        for path in media:
            tar.add(folder / path, f"media/{path}", filter=_plain)


def _put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    import io

    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this computer's users goes with it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def unpack(file: Path, folder: Path | None) -> dict[str, Any]:
    """Read a backup through and prove every byte of it; with `folder`, take it out into there. The manifest.

    Raises `StoreError` when it is no backup, is cut off, or holds other bytes than were put in.
    """
    try:
        with tarfile.open(file, mode="r:") as tar:
            manifest = _manifest(tar.next(), tar, file)
            media = 0
            while (member := tar.next()) is not None:
                media += _member(tar, member, manifest, folder, file)
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise StoreError(f"{file} cannot be read as a backup: {getattr(exc, 'strerror', None) or exc}.") from exc
    if not manifest.pop("seen", False) or media != manifest["media"]["files"]:
        raise StoreError(f"{file} is not whole: its end is missing.", hint="Take another copy of it.")
    return manifest


def _manifest(member: tarfile.TarInfo | None, tar: tarfile.TarFile, file: Path) -> dict[str, Any]:
    stream = tar.extractfile(member) if member is not None and member.name == MANIFEST and member.isreg() else None
    try:
        found = json.loads(stream.read(_CHUNK)) if stream is not None else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("media"), dict) or "sha256" not in found:
        raise StoreError(f"{file} is no backup of socialtriage.")
    if found.get("format") != FORMAT:
        raise StoreError(f"{file} was made by a newer socialtriage.", hint="Update socialtriage on this computer.")
    return found


def _member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, manifest: dict[str, Any], folder: Path | None, file: Path
) -> int:
    """Take one member out, as long as it is one that belongs there; 1 for a picture or attachment."""
    media = _MEDIA.fullmatch(member.name)
    if not member.isreg() or (media is None and (member.name != DATABASE or "seen" in manifest)):
        raise StoreError(f"{file} holds something that does not belong into a backup: {member.name[:80]!r}.")
    target = None if folder is None else folder / member.name
    found = _copied(tar.extractfile(member), target)
    if media is None:
        manifest["seen"] = True
    if (found != manifest["sha256"]) if media is None else (media_path(found) != media[1]):
        raise StoreError(f"{file} is damaged: {member.name[:80]} is not what was put in.", hint="Use another backup.")
    return int(media is not None)


def _copied(source: Any, target: Path | None) -> str:
    """The hash of what was read, and written to `target`."""
    hashed = hashlib.sha256()
    if target is None:
        while part := source.read(_CHUNK):
            hashed.update(part)
        return hashed.hexdigest()
    make_folders(target.parent)
    with target.open("xb") as out:
        target.chmod(0o600)
        while part := source.read(_CHUNK):
            hashed.update(part)
            out.write(part)
    return hashed.hexdigest()
