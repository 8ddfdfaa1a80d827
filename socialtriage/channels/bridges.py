"""Other systems that take a handoff in the place of a mail: Open311, Zammad, a signed webhook.

Sources: GeoReport v2 (`POST /requests`, `GET /tokens/{id}`, `GET /requests/{id}`), Zammad's REST documentation of
tickets and articles. Neither knows an idempotency key: a lost answer is looked for by our own reference. Not tried
against a council's live system.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from socialtriage.channels.http import Answer, Session, default_classify
from socialtriage.domain.errors import AnswerLost, AuthError, BadPayload, ChannelError, NotPermitted, Rejected
from socialtriage.domain.models import SafeText
from socialtriage.domain.text import clean, clean_line, html_to_text

LONGEST = 4000
"""Characters of a description that Open311 takes."""
_PAGES = (b"<!doctype", b"<html")
"""How a page for people begins, where an answer for programs is due."""
LOOK_BACK = timedelta(hours=1)
"""How long before it was queued a request is looked for: clocks differ."""


class Enclosed(NamedTuple):
    """A file as JSON carries it."""

    name: str
    mime: str
    data: str
    """In base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A handoff as another system takes it."""

    ref: str
    key: str
    subject: str
    text: str
    code: str = ""
    """The service code of Open311."""
    address: str = ""
    """Where it is, in words."""
    email: str = ""
    """Our own address: the other system may write to it."""
    queued_at: datetime
    facts: Mapping[str, str]
    files: tuple[Enclosed, ...] = ()
    """What goes along; only Zammad takes any."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the other system made of it."""

    reference: str
    """As people quote it."""
    handle: str
    """As its interface is asked for it."""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the other system is."""

    delivered: Delivered
    closed: bool
    words: SafeText
    """What it says to us; empty when nothing."""


class Bridge(Protocol):
    """One way into another system. Every method may raise any `ChannelError`."""

    async def deliver(self, task: Task) -> Delivered:
        """Hand it over once. Raises `AnswerLost` when it may have been taken."""
        ...

    async def find(self, task: Task) -> Delivered | None:
        """One whose answer was lost; None when it surely is not there. Raises `NotPermitted` where nobody can say."""
        ...

    async def progress(self, handle: str) -> Progress | None:
        """How far it is; None where the system does not say."""
        ...


class Open311:
    """A GeoReport v2 endpoint; the secret is its api_key."""

    def __init__(self, session: Session, key: str, jurisdiction: str | None) -> None:
        self._session, self._key = session, key
        self._where = {"jurisdiction_id": jurisdiction} if jurisdiction else {}

    async def deliver(self, task: Task) -> Delivered:
        """`POST /requests`: our reference leads the description, so that it can be found again."""
        form = {
            **self._where,
            "api_key": self._key,
            "service_code": task.code,
            "address_string": task.address,
            "description": f"[{task.ref}] {task.text}"[:LONGEST],
            "email": task.email,
        }
        [made] = _rows(await self._session.post("requests.json", form=form))[:1] or [{}]
        number, token = _number(made.get("service_request_id")), _number(made.get("token"))
        notice = clean_line(str(made.get("service_notice") or ""))
        if number:
            return Delivered(clean_line(number), number, notice)
        if token:
            return Delivered("", f"token:{token}", notice)
        raise BadPayload("The other system answered without a number of its own.")

    async def find(self, task: Task) -> Delivered | None:
        """Look through what was opened since it was queued. What is no list of requests says nothing of it."""
        start = (task.queued_at - LOOK_BACK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {**self._where, "service_code": task.code, "start_date": start}
        answer = await self._session.get("requests.json", params)
        rows = _rows(answer)
        for row in rows:
            if f"[{task.ref}]" in str(row.get("description") or ""):
                number = _number(row.get("service_request_id"))
                return Delivered(clean_line(number), number)
        if not isinstance(answer.json(), list) or not all(_number(row.get("service_request_id")) for row in rows):
            raise BadPayload(f"{answer.host} answered with something that is no list of requests.")
        return None

    async def progress(self, handle: str) -> Progress | None:
        """The number behind a token, then the request's status and notes."""
        number = handle
        if handle.startswith("token:"):
            rows = _rows(await self._session.get(f"tokens/{quote(handle[6:], safe='')}.json", self._where))
            number = _number((rows[0] if rows else {}).get("service_request_id"))
            if not number:
                return None
        rows = _rows(await self._session.get(f"requests/{quote(number, safe='')}.json", self._where))
        if not rows:
            return None
        said = rows[0].get("status_notes")
        words = clean(said if isinstance(said, str) else "")
        return Progress(Delivered(clean_line(number), number), rows[0].get("status") == "closed", words)


class Zammad:
    """A Zammad; the secret is an access token that may make tickets."""

    def __init__(self, session: Session, token: str, group: str) -> None:
        session.headers["Authorization"] = f"Token token={token}"
        self._session, self._group = session, group

    async def deliver(self, task: Task) -> Delivered:
        """`POST /api/v1/tickets` with a first article and its attachments."""
        article: dict[str, Any] = {"subject": task.subject, "body": task.text, "type": "note", "internal": False}
        if task.files:
            article["attachments"] = [
                {"filename": file.name, "mime-type": file.mime, "data": file.data} for file in task.files
            ]
        ticket = {"title": task.subject, "group": self._group, "customer": f"guess:{task.email}", "article": article}
        return _ticket((await self._session.post("api/v1/tickets", data=ticket)).json())

    async def find(self, task: Task) -> Delivered | None:
        """Search by our reference, which leads the title. What is no list of tickets says nothing of it."""
        found = (await self._session.get("api/v1/tickets/search", {"query": f'title:"{task.ref}"', "limit": 5})).json()
        rows: Any = found
        if isinstance(found, dict) and not found.keys().isdisjoint({"assets", "tickets"}):
            # Without a hit `assets` is an empty object.
            assets = found.get("assets", {})
            kept = assets.get("Ticket", {}) if isinstance(assets, dict) else None
            rows = list(kept.values()) if isinstance(kept, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadPayload("Zammad answered a search with something that is no list of tickets.")
        return next((_ticket(row) for row in rows if task.ref in str(row.get("title"))), None)

    async def progress(self, handle: str) -> Progress | None:
        """The ticket's state, and the newest words that an agent wrote for others to see."""
        place = quote(handle, safe="")
        ticket = (await self._session.get(f"api/v1/tickets/{place}", {"expand": "true"})).json()
        articles = (await self._session.get(f"api/v1/ticket_articles/by_ticket/{place}")).json()
        words = ""
        for article in articles if isinstance(articles, list) else []:
            if isinstance(article, dict) and article.get("sender") == "Agent" and not article.get("internal"):
                body = article["body"] if isinstance(article.get("body"), str) else ""
                words = html_to_text(body) if "html" in str(article.get("content_type")) else clean(body)
        return Progress(_ticket(ticket), str(ticket.get("state")) in ("closed", "merged"), SafeText(words))


class Webhook:
    """An address that takes JSON; the secret signs it."""

    def __init__(self, session: Session, secret: str) -> None:
        self._session, self._secret = session, secret

    async def deliver(self, task: Task) -> Delivered:
        """`POST`, signed over time and body: `X-Socialtriage-Signature: sha256=…` of `timestamp.body`."""
        body = json.dumps(as_json(task), ensure_ascii=False).encode()
        stamp = str(int(datetime.now(UTC).timestamp()))
        digest = hmac.new(self._secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": task.key,
            "X-Socialtriage-Timestamp": stamp,
            "X-Socialtriage-Signature": f"sha256={digest}",
        }
        answer = await self._session.post("", content=body, headers=headers)
        if "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:9].lower().startswith(_PAGES):
            # A page of maintenance or to sign in at comes with 200 too: the handoff would be lost and nobody know.
            raise AnswerLost(
                f"{answer.host} answered with a page for people; whether it took the handoff is not known."
            )
        return Delivered(reference_in(answer.body), "")

    async def find(self, task: Task) -> Delivered | None:
        """Nobody can say; the receiver knows a repeated one by its Idempotency-Key."""
        raise NotPermitted("A webhook cannot be asked whether it took something.")

    async def progress(self, handle: str) -> Progress | None:
        """A webhook tells nothing."""
        return None


def as_json(task: Task) -> dict[str, Any]:
    """A handoff as webhooks and commands read it."""
    return {"ref": task.ref, "key": task.key, "subject": task.subject, "text": task.text, **task.facts}


def reference_in(body: bytes) -> str:
    """The other system's own number in its answer: `reference` or `id` of a JSON object; empty where there is none."""
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return ""
    found = (_number(said.get("reference")) or _number(said.get("id"))) if isinstance(said, dict) else ""
    return clean_line(found, 80)


def _number(value: object) -> str:
    """A number of another system, which may be text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def open311_fault(answer: Answer) -> ChannelError | None:
    """What a status of GeoReport v2 means: errors are an array of code and description, and 403 is a wrong api_key."""
    fault = default_classify(answer)
    if fault is None or answer.status >= 500 or answer.status == 429:
        return fault
    try:
        said = answer.json()
    except BadPayload:
        return fault
    rows = said if isinstance(said, list) else [said]
    words = [clean_line(str(row.get("description") or "")) for row in rows if isinstance(row, dict)]
    text = f"{answer.host} refused ({answer.status}): {'; '.join(filter(None, words)) or 'it gave no reason'}"
    return AuthError(text) if answer.status in (401, 403) else Rejected(text)


def _ticket(row: Any) -> Delivered:
    number = _number(row.get("id")) if isinstance(row, dict) else ""
    if not number.isdigit():
        raise BadPayload("Zammad answered without a ticket.")
    return Delivered(clean_line(_number(row.get("number")) or number, 80), number)


def _rows(answer: Answer) -> list[dict[str, Any]]:
    """The rows of an Open311 answer, which is an array. Raises `BadPayload`, `Rejected` for one of errors."""
    found = answer.json()
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise BadPayload(f"{answer.host} answered with something that is no list of requests.")
    if rows and "service_request_id" not in rows[0] and "token" not in rows[0] and rows[0].get("description"):
        raise Rejected(f"{answer.host} refused: {clean_line(str(rows[0]['description']))}")
    return rows
