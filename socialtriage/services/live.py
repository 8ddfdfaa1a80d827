"""Following one post live: its account polled fast, and what residents ask below it as a board."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from socialtriage.config.model import AccountConfig
from socialtriage.domain.csvsafe import neutralise
from socialtriage.domain.errors import NotFound, Refused, UsageError
from socialtriage.domain.models import SafeText
from socialtriage.domain.text import clean_line, snippet
from socialtriage.domain.times import iso, parse_every, utc_now
from socialtriage.domain.views import Done
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from socialtriage.store.live import Asked
from socialtriage.store.log import NewEvent

EVERY = "20s"
FASTEST, SLOWEST = timedelta(seconds=10), timedelta(minutes=5)
METERED = {"x": timedelta(seconds=60), "youtube": timedelta(seconds=60)}
"""Networks whose calls cost money or come out of a small daily allowance are not read faster than this."""
NOTE_FOR = timedelta(seconds=60)
"""How long a word to poll fast holds: who follows a post says it again and again."""


class Place(StrEnum):
    """The columns of the board."""

    TO_ANSWER = "to_answer"
    ANSWERED = "answered"
    OFF_TOPIC = "off_topic"


WORDS = {Place.TO_ANSWER: "to answer", Place.ANSWERED: "answered", Place.OFF_TOPIC: "off topic"}


@dataclass(frozen=True, slots=True)
class Post:
    """The post that is followed."""

    account: str
    key: str
    """What its network calls the thread below it."""
    title: SafeText
    """Its first words, where they are known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a resident wrote below a post, and where it stands."""

    asked: Asked
    place: Place


def find(desk: Desk, text: str, account: str | None = None) -> Post:
    """The post that an address, a remote id or the reference of a case below it means. Raises `NotFound`.

    With an account, an id that the desk has not met yet is taken as it is: nothing may have been asked below it.
    """
    name = text.strip()
    if not name:
        raise UsageError("Name the post: its address, its id, or a case below it.")
    if account is not None:
        desk.account(account)
    if (case_id := inbox.find(desk, name)) is not None:
        theirs, key = desk.store.live.of_case(case_id)
        return _post(desk, theirs, key)
    names = _names(name)
    found = desk.store.live.place(names, account)
    if found is None and len(names) > 1:
        # Bluesky's ids are addresses of their own, which end alike.
        found = desk.store.live.ending(names[-1], account)
    if found is not None:
        return _post(desk, *found)
    if account is None:
        raise NotFound(
            f"Nothing is known of the post {clean_line(name, 80)}.",
            hint="Name a case below it. Where nobody has written yet: socialtriage live POST --account ID, where POST"
            " is the last part of its address.",
        )
    return _post(desk, account, names[-1])


def _names(text: str) -> list[str]:
    """What a post may be called in the store: as it was typed, then the last part of an address."""
    if "://" not in text:
        return [text]
    try:
        path = urlsplit(text).path.rstrip("/")
    except ValueError:
        return [text]
    return [text, path.rpartition("/")[2]] if path.rpartition("/")[2] else [text]


def _post(desk: Desk, account: str, key: str) -> Post:
    if account not in desk.accounts:
        raise Refused(f"That came by {account}, which is no account of the desk: it cannot be followed.")
    return Post(account, key, snippet(desk.store.live.title(account, key), 80))


def board(desk: Desk, post: Post) -> list[Question]:
    """What was asked: to be answered first, then answered, then off topic; in each the oldest first."""
    found = [Question(asked, place_of(asked)) for asked in desk.store.live.asked(post.account, post.key)]
    order = list(Place)
    return sorted(found, key=lambda each: order.index(each.place))


def place_of(asked: Asked) -> Place:
    """Where a question stands: an answer moves it, whatever was said of it before; then an officer's word counts."""
    if asked.mark is not None and asked.marked_at is not None:
        answered_since = asked.answered_at is not None and asked.answered_at > asked.marked_at
        return Place.ANSWERED if answered_since else Place(asked.mark)
    return Place.ANSWERED if asked.answered_at is not None or asked.closed else Place.TO_ANSWER


def move(desk: Desk, asked: Asked, place: Place) -> Done:
    """Put a question somewhere else on the board."""
    with desk.store.transaction(desk.officer, desk.clock()) as tx:
        tx.live.mark(asked.message_id, place, desk.officer, tx.at)
        detail = {"message": asked.message_id, "to": str(place)}
        tx.log(NewEvent("question.moved", asked.case_id, asked.ref, detail))
    return Done(f"{asked.ref}: {WORDS[place]}.", (asked.case_id,))


# --- polling fast -----------------------------------------------------------------------------------------------


def pace(desk: Desk, account: AccountConfig, every: str) -> timedelta:
    """How often an account may be read, by what was asked for. Raises `UsageError`."""
    try:
        wanted = parse_every(every)
    except ValueError as exc:
        raise UsageError(f"“{every[:20]}” is no interval such as 20s or 1m.") from exc
    least = max(FASTEST, METERED.get(desk.network_of(account), FASTEST))
    return min(max(wanted, least), SLOWEST)


def hurry(desk: Desk, account: str, every: timedelta) -> None:
    """Whoever polls, here or in another process, reads this account so often for the next minute."""
    with desk.store.transaction(desk.officer, desk.clock(), durable=False) as tx:
        tx.live.hurry(account, every.total_seconds(), utc_now() + NOTE_FOR)


def rest(desk: Desk, account: str) -> None:
    """The account is read at its own pace again."""
    with desk.store.transaction(desk.officer, desk.clock(), durable=False) as tx:
        tx.live.rest(account)


# --- taking it along --------------------------------------------------------------------------------------------

_COLUMNS = ("reference", "state", "asked_at", "person", "question", "answered_at", "answer", "url")


def facts(question: Question) -> dict[str, Any]:
    """A question for JSON, and for the rows of a file."""
    asked = question.asked
    answered = question.place is Place.ANSWERED
    return {
        "ref": asked.ref,
        "message": asked.message_id,
        "state": str(question.place),
        "at": iso(asked.at),
        "person": {"handle": asked.handle, "name": asked.name},
        "text": asked.text,
        "gone": asked.gone,
        "url": asked.url,
        "answered_at": iso(asked.answered_at) if answered and asked.answered_at else None,
        "answer": asked.answer if answered else None,
    }


def summary(desk: Desk, post: Post) -> dict[str, Any]:
    """The board for JSON."""
    questions = board(desk, post)
    counts = {str(place): sum(each.place is place for each in questions) for place in Place}
    return {"account": post.account, "post": post.key, **counts, "questions": [facts(each) for each in questions]}


def export(desk: Desk, post: Post, target: Path) -> Done:
    """Write questions and answers to a file, `.csv` or `.json`. Raises `UsageError`, `Refused`."""
    target = target.expanduser()
    kind = target.suffix.lower()
    if kind not in (".csv", ".json"):
        raise UsageError(f"Write to a file that ends with .csv or .json, not {target.name!r}.")
    if kind == ".json":
        text = json.dumps(summary(desk, post), ensure_ascii=False, indent=2) + "\n"
    else:
        text = "\ufeff" + _csv([facts(each) for each in board(desk, post)])
    try:
        target.write_text(text, encoding="utf-8", newline="")
    except OSError as exc:
        raise Refused(f"{target} cannot be written: {exc.strerror}.") from exc
    return Done(f"Wrote {clean_line(str(target), 1000)}.", ())


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for row in rows:
        person = row["person"]["name"] or row["person"]["handle"]
        cells = (
            row["ref"],
            row["state"],
            row["at"],
            person,
            row["text"],
            row["answered_at"],
            row["answer"],
            row["url"],
        )
        writer.writerow([neutralise(str(cell or "")) for cell in cells])
    return out.getvalue()
