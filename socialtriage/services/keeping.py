"""Forgetting on time: what the configuration and the networks' own rules say is due, without breaking log or counts."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from socialtriage.config.model import Config
from socialtriage.domain.errors import StoreError
from socialtriage.domain.models import Kind
from socialtriage.domain.retention import STORAGE_RULES, Policy, period
from socialtriage.services.desk import Desk
from socialtriage.store.forget import Forgotten
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction

BATCH = 100
"""Cases that are forgotten in one transaction: officers at other screens wait no longer than that."""
COUNTED = 1_000_000
WORKSHOP = ".socialtriage-*"
"""Folders in which backups and restores are put together; one that stays belongs to a program that was killed."""
YOUNG_FILE = 24 * 3600
"""Seconds for which a file without a message may be one that is just arriving."""


@dataclass(slots=True)
class Pruned:
    """What was forgotten, or would be."""

    forgotten: Forgotten = field(default_factory=Forgotten)
    kinds: dict[str, int] = field(default_factory=dict)
    """Cases by kind; those of the default under `default`."""
    held_back: int = 0
    """Closed cases whose time is over, but of which something waits to leave."""
    compacted: bool = True
    """Whether nothing of the words is left in the files either."""
    why: str = ""
    copies: tuple[str, ...] = ()
    """Older copies of the store beside it, which still hold what was forgotten."""


def policy_of(config: Config) -> Policy:
    """What the configuration says is forgotten when; the networks' own rules hold where they are stricter."""
    here = config.retention
    kinds = {kind.value: period(text) for kind in Kind if (text := getattr(here, kind.value)) is not None}
    networks = dict(STORAGE_RULES)
    for network, text in here.networks.items():
        time_ = period(text)
        if time_ is not None:
            networks[network] = min(time_, networks.get(network, time_))
    return Policy(period(here.default), kinds, period(here.media) if here.media else None, networks)


@dataclass(frozen=True, slots=True)
class _Task:
    """One rule of the policy: what is due by it, and how that is forgotten."""

    name: str
    what: str
    """cases, messages or media."""
    look: Callable[[int], list[int]]
    """At most so many ids that are due."""
    work: Callable[[Transaction, list[int]], Forgotten]


def prune(desk: Desk, *, dry_run: bool = False, compact: bool = False) -> Pruned:
    """Forget what is due. Raises `StoreError`; what was forgotten until then stays forgotten."""
    policy, done = policy_of(desk.config), Pruned()
    for task in _tasks(desk, policy):
        if dry_run:
            count = len(task.look(COUNTED))
            setattr(done.forgotten, task.what, getattr(done.forgotten, task.what) + count)
            _count(done, task, count)
            continue
        while ids := task.look(BATCH):
            with desk.store.transaction(desk.officer, desk.clock()) as tx:
                found = task.work(tx, ids)
                tx.log(NewEvent("store.pruned", detail=counts(found)))
            done.forgotten.add(found)
            _count(done, task, found.cases)
            remove_files(desk, found.files)
    if policy.default is not None:
        if not dry_run:
            compact |= _forget_nobodies(desk, desk.store.keeping.nobodies(desk.clock() - policy.default)) > 0
        done.held_back = desk.store.keeping.held_back(desk.clock() - policy.default)
    if not dry_run:
        finish(desk, done, compact=compact)
    return done


def _count(done: Pruned, task: _Task, cases: int) -> None:
    if task.what == "cases" and cases:
        done.kinds[task.name] = done.kinds.get(task.name, 0) + cases


def _tasks(desk: Desk, policy: Policy) -> Iterator[_Task]:
    """Whole cases first: what they take with them needs no second look."""
    now, due = desk.clock(), desk.store.keeping
    for kind, after in policy.kinds.items():
        if after is not None:
            yield _Task(kind, "cases", partial(due.due, [kind], False, now - after), partial(_forget_cases, desk))
    if policy.default is not None:
        look = partial(due.due, list(policy.kinds), True, now - policy.default)
        yield _Task("default", "cases", look, partial(_forget_cases, desk))
        yield _Task("strays", "messages", partial(due.strays, now - policy.default), _forget_words)
    for network, after in policy.networks.items():
        yield _Task(network, "messages", partial(due.stored_too_long, network, now - after), _forget_words)
    if policy.media is not None:
        yield _Task("media", "media", partial(due.media_due, now - policy.media), _forget_media)


def _forget_cases(desk: Desk, tx: Transaction, ids: list[int]) -> Forgotten:
    return forget_cases(desk, tx, ids, "time")


def _forget_words(tx: Transaction, ids: list[int]) -> Forgotten:
    return tx.forget.messages(ids, tx.at, words_only=True)


def _forget_nobodies(desk: Desk, people: Sequence[int]) -> int:
    """Forget who people are of whom nothing is left; how many."""
    count = 0
    for start in range(0, len(people), BATCH):
        with desk.store.transaction(desk.officer, desk.clock()) as tx:
            count += tx.forget.nobodies(people[start : start + BATCH])
    return count


def _forget_media(tx: Transaction, ids: list[int]) -> Forgotten:
    return tx.forget.media(ids)


def counts(found: Forgotten) -> dict[str, int]:
    """What the log keeps of it."""
    return {"cases": found.cases, "messages": found.messages, "media": found.media, "notes": found.notes}


def forget_cases(desk: Desk, tx: Transaction, ids: Sequence[int], by: str) -> Forgotten:
    """Forget cases inside a transaction; the caller logs the counts."""
    refs = desk.store.keeping.refs(ids)
    found = tx.forget.cases(ids, tx.at)
    tx.log(*(NewEvent("case.redacted", case_id, refs[case_id], {"by": by}) for case_id in ids))
    return found


def remove_files(desk: Desk, files: Sequence[str]) -> None:
    """Delete files that nothing refers to. One that cannot be deleted now is found again by the next prune."""
    used = desk.store.keeping.still_used(files) if files else set()
    for path in files:
        if path not in used:
            with suppress(OSError):
                (desk.media_folder / path).unlink()


def finish(desk: Desk, done: Pruned, *, compact: bool = False) -> None:
    """Take what was forgotten out of the files, too, and name the copies that still hold it."""
    from socialtriage.services.exhibits import sweep_views

    done.forgotten.media += _sweep(desk)
    found = done.forgotten
    if found.cases or found.messages or compact:
        try:
            done.compacted = desk.store.keeping.compact()
            done.why = "" if done.compacted else "another window has the store open; it goes when that is closed"
        except StoreError as exc:
            done.compacted, done.why = False, str(exc)
    sweep_views()
    done.copies = _copies(desk.store.path)


def _copies(path: Path) -> tuple[str, ...]:
    """Names of the older copies beside a store: of upgrades, of restores, and of what was killed while it copied."""
    for left in path.parent.glob(WORKSHOP):
        if _age(left) < time.time() - YOUNG_FILE:
            shutil.rmtree(left, ignore_errors=True)
    patterns = (f"{path.name}.before-*", f".{path.name}.before-*", f"{path.stem}.before-restore-*", WORKSHOP)
    found = {each.name for pattern in patterns for each in path.parent.glob(pattern)}
    return tuple(sorted(found))


def _sweep(desk: Desk) -> int:
    """Delete files in the media folder that no message has, left there by a crash; how many."""
    folder, old = desk.media_folder, time.time() - YOUNG_FILE
    found = [path for path in folder.glob("??/*") if path.is_file() and _age(path) < old] if folder.is_dir() else []
    names = [os.fspath(path.relative_to(folder)).replace(os.sep, "/") for path in found]
    count = 0
    for start in range(0, len(names), 1000):
        part = names[start : start + 1000]
        used = desk.store.keeping.still_used(part)
        for name in part:
            if name not in used:
                with suppress(OSError):
                    (folder / name).unlink()
                    count += 1
    return count


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
