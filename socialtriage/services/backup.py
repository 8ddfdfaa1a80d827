"""Backup and restore: a copy that was proved, made while others work; put back only where nothing is lost by it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from socialtriage import __version__
from socialtriage.config.paths import media_folder
from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.times import iso, stored_words, utc_now
from socialtriage.services import archive
from socialtriage.services.desk import Desk
from socialtriage.store.copies import COMPANIONS, Contents, Forgone, single_file
from socialtriage.store.database import DAMAGED
from socialtriage.store.forget import Forgotten
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds."""

    path: Path
    bytes: int
    contents: Contents
    media: int
    missing: tuple[str, ...] = ()
    """Pictures and attachments that the store knows and the media folder no longer has."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where the store that stood there is kept."""

    contents: Contents
    media: int
    made_at: str
    kept: Path | None
    in_doubt: int
    """Rows of the outbox that may have left since the backup was made; they are unknown now."""
    forgotten_again: int
    """Cases that were forgotten since then, and are again."""
    unaware: bool = False
    """Whether no store stood there that could tell what was forgotten since then."""


@contextmanager
def _workshop(place: Path) -> Iterator[Path]:
    """A folder of this user alone on the same disk; nothing of it stays. Raises `StoreError`."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=".socialtriage-", dir=place))
    except OSError as exc:
        raise StoreError(f"{place} cannot be written: {exc.strerror or exc}.") from exc
    try:
        yield folder
    except OSError as exc:
        raise StoreError(
            f"That failed, and nothing was changed: {exc.strerror or exc}.", hint="Look at the space on the disk."
        ) from exc
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def back_up(desk: Desk, target: Path, *, force: bool = False) -> BackedUp:
    """Write a proved backup to `target`. Never over a file that is there, unless `force`d.

    Raises `Refused` and `StoreError`; then no file of that name was made.
    """
    target = Path(os.path.abspath(target))
    if target.exists() and not force:
        raise Refused(f"{target} is there already; nothing was written.", hint="Another name, or --force.")
    if target.is_dir():
        raise Refused(f"{target} is a folder; name a file.")
    if desk.store.path.exists() and target.exists() and os.path.samefile(target, desk.store.path):
        raise Refused(f"{target} is the store itself.")
    with _workshop(target.parent) as folder:
        copy = folder / archive.DATABASE
        desk.store.copies.copy_to(copy, target)
        contents, media = _proved(copy, f"The store {desk.store.path}", f"No backup was written. {DAMAGED}")
        there = [path for path in media if (desk.media_folder / path).is_file()]
        packed = folder / "backup"
        with os.fdopen(os.open(packed, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            archive.pack(stream, _manifest(desk, contents, copy, len(there)), copy, desk.media_folder, there)
            stream.flush()
            os.fsync(stream.fileno())
        archive.unpack(packed, None)
        size = packed.stat().st_size
        _publish(packed, target, force)
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        detail = {"events": contents.events, "hash": contents.head, "media": len(there), "bytes": size}
        tx.log(NewEvent("backup.made", detail=detail))
    return BackedUp(target, size, contents, len(there), tuple(path for path in media if path not in set(there)))


def _publish(packed: Path, target: Path, force: bool) -> None:
    """Give a finished file its name, in one step."""
    if force:
        packed.replace(target)
        return
    try:
        os.link(packed, target)
    except FileExistsError:
        raise Refused(f"{target} appeared meanwhile; it was left as it is.", hint="Choose another name.") from None
    except OSError:
        # A file system without links: the look before is all there is.
        if target.exists():
            raise Refused(f"{target} appeared meanwhile; it was left as it is.") from None
        packed.replace(target)


def _proved(path: Path, what: str, hint: str = "Use another backup.") -> tuple[Contents, list[str]]:
    """Prove a database that nobody else has open, brought up to date; what it holds, and its media."""
    store = Store(path)
    try:
        found = store.copies.proved(what, hint), store.copies.media()
    finally:
        store.close()
    single_file(path)
    return found


def _manifest(desk: Desk, contents: Contents, copy: Path, media: int) -> dict[str, Any]:
    return {
        "format": archive.FORMAT,
        "program": __version__,
        "organisation": desk.config.organisation.name,
        "made_at": iso(desk.clock()),
        "made_by": desk.officer,
        "cases": contents.cases,
        "messages": contents.messages,
        "events": contents.events,
        "hash": contents.head,
        "last_at": contents.last_at,
        "sha256": archive.digest(copy),
        "media": {"files": media},
    }


def look(file: Path) -> dict[str, Any]:
    """Prove a backup without putting it anywhere; its description. Raises `StoreError`."""
    with _workshop(Path(tempfile.gettempdir())) as folder:
        manifest = archive.unpack(file, folder)
        _proved(folder / archive.DATABASE, f"The store in {file}")
    return manifest


def restore(file: Path, path: Path, *, officer: str, force: bool = False) -> Restored:
    """Put a backup in the place of the store at `path`.

    Over a store that holds anything else only with `force`; what stood there is kept beside it. Raises `Refused`, also
    while any other process has the store open, and `StoreError`; then the store is as it was.
    """
    if not file.is_file():
        raise StoreError(f"There is no file {file}.")
    from socialtriage.config.files import make_folders

    make_folders(path.parent)
    real = Path(os.path.realpath(path))  # a link stays one
    with _workshop(real.parent) as folder:
        manifest = archive.unpack(file, folder)
        fresh = folder / archive.DATABASE
        contents, media = _proved(fresh, f"The store in {file}")
        current = _current(path, contents, force)
        doubted, again = _begin_anew(fresh, manifest, current, officer)
        if path.exists():
            _close_down(real, current)
        kept = _keep(real, media_folder(path), current)
        _take_media(folder / "media", media_folder(path))
        fresh.replace(real)
    count = sum((media_folder(path) / each).is_file() for each in media)
    unaware = current is None or current.contents is None
    return Restored(contents, count, str(manifest.get("made_at")), kept, doubted, again, unaware)


@dataclass(frozen=True, slots=True)
class _Current:
    """The store that stands there now; None of its contents when it is damaged."""

    contents: Contents | None
    forgotten: Forgone = field(default_factory=Forgone)


def _current(path: Path, backup: Contents, force: bool) -> _Current | None:
    """What stands there. Raises `Refused` where it must not be replaced."""
    if not path.exists():
        return None
    try:
        store = Store(path)
    except StoreError as exc:
        if not force:
            raise Refused(f"{exc.message} It was left as it is.", hint="--force keeps it beside the backup.") from exc
        return _Current(None)
    try:
        for name in ("poll", "send"):
            holder = store.leases.holder(name, utc_now())
            if holder is not None:
                raise Refused(
                    f"The store {path} is open: {holder.officer} works on it on {holder.host}.", hint="Close it there."
                )
        found = store.copies.contents()
        # What is just what the backup holds is replaced without a word: nothing is lost by it.
        if not found.empty and not force and not store.copies.only_copied_since(backup):
            raise Refused(_compared(path, found, backup), hint="With --force it is kept beside the restored one.")
        return _Current(found, store.copies.forgotten())
    except StoreError:
        if not force:
            raise
        return _Current(None)
    finally:
        store.close()


def _compared(path: Path, found: Contents, backup: Contents) -> str:
    newer = found.events > backup.events
    than = (
        f"is newer than the backup (events: {found.events}, in the backup {backup.events})" if newer else "is not empty"
    )
    return (
        f"The store {path} {than}: it holds {found.cases} cases, its last event is of {stored_words(found.last_at)};"
        f" the backup holds {backup.cases} cases, its last event is of {stored_words(backup.last_at)}."
        " Nothing was restored."
    )


def _begin_anew(fresh: Path, manifest: dict[str, Any], current: _Current | None, officer: str) -> tuple[int, int]:
    """Make the copy fit to go on with: what may have left is in doubt, what was forgotten since is forgotten."""
    from socialtriage.domain.models import OutboxState
    from socialtriage.services.settling import put_on_record

    store = Store(fresh)
    try:
        store.copies.begin_anew()
        now = utc_now()
        with store.transaction(officer, now) as tx:
            doubted = tx.outbox.doubted("This comes from a backup; whether it left since then is not known.")
            for row_id in doubted:
                row = store.outbox.get(row_id)
                if row is None:
                    continue
                put_on_record(tx, row, OutboxState.UNKNOWN, "restored from a backup")
                if row.handoff_id is not None:
                    tx.outbox.update_handoff(row.handoff_id, OutboxState.UNKNOWN)
            again = _forget_again(store, tx, current.forgotten, fresh.parent) if current is not None else Forgotten()
            detail = {"made_at": str(manifest.get("made_at")), "events": manifest["events"], "hash": manifest["hash"]}
            tx.log(NewEvent("store.restored", detail=detail))
        if current is not None:
            store.copies.bury(current.forgotten)
        if again.cases or again.messages:
            store.keeping.compact()
    finally:
        store.close()
    single_file(fresh)
    return len(doubted), again.cases


def _forget_again(store: Store, tx: Transaction, gone: Forgone, folder: Path) -> Forgotten:
    """What the store that stands there forgot since the backup was made; its files below `folder` go, too."""
    from socialtriage.services.keeping import counts

    again, risen = store.copies.still_here(gone.cases), store.copies.rise_again(gone)
    asked = [case_id for case_id, ref in store.keeping.refs(again).items() if ref in gone.on_request]
    people = {tx.cases.get(case_id).person_id for case_id in asked}
    tx.forget.drop_waiting(asked)
    found = tx.forget.messages([message for message, _ in risen], tx.at)
    found.add(tx.forget.cases(again, tx.at))
    tx.people.close_open(asked, tx.at)
    tx.forget.lift(asked)
    for person in people:
        tx.forget.person(person)
    tx.forget.nobodies([person for _, person in risen if person is not None])
    if found.cases or found.messages:
        tx.log(NewEvent("store.pruned", detail=counts(found)))
    for path in found.files:
        (folder / "media" / path).unlink(missing_ok=True)
    return found


def _close_down(path: Path, current: _Current | None) -> None:
    try:
        single_file(path)
    except StoreError:
        if current is not None and current.contents is not None:
            raise  # it could be read a moment ago


def _keep(path: Path, media: Path, current: _Current | None) -> Path | None:
    """Keep the store that stands there beside itself, with its media; an empty one needs no keeping."""
    stem = f"{path.stem}.before-restore-{utc_now():%Y%m%d-%H%M%S}"
    kept, number = path.with_name(f"{stem}{path.suffix}"), 1
    while kept.exists() or media_folder(kept).exists():
        number += 1
        kept = path.with_name(f"{stem}-{number}{path.suffix}")
    worth = current is not None and (current.contents is None or not current.contents.empty)
    if worth:
        if media.is_dir():
            shutil.copytree(media, media_folder(kept), copy_function=_linked)
        _linked(str(path), str(kept))
    for ending in COMPANIONS:
        # Those of a damaged store, or of one that is gone: SQLite would play them into the restored one.
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{kept}{ending}")
    return kept if worth else None


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _take_media(source: Path, target: Path) -> None:
    """Add what the backup brought; names are hashes, so that what is there is the same."""
    if not source.is_dir():
        return
    for found in sorted(source.glob("*/*")):
        place = target / found.relative_to(source)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(found, place)
