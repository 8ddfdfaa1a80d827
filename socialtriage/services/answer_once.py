"""Answer once: the same words to several residents who asked the same, each in a thread of their own, in turn."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from socialtriage.domain.errors import Refused, SocialTriageError
from socialtriage.domain.models import OutboxKind, Voice
from socialtriage.domain.text import clean
from socialtriage.domain.views import CaseRow, Done
from socialtriage.services import inbox, replies, saved_answers
from socialtriage.services.desk import Desk
from socialtriage.services.handoff import undo_window
from socialtriage.services.replies import ReplyDraft, queue
from socialtriage.services.settling import as_written
from socialtriage.store.rows import RESTRICTED

if TYPE_CHECKING:
    from socialtriage.services.sync import Poller

STAGGER = timedelta(seconds=30)
"""Between two answers of one pass: many at once look like a machine, to residents and to networks."""
MOST = 25
MOST_WORDS = 24
STEM = 6
"""Letters of a word that are compared."""
ALIKE, ALIKE_ANYWHERE = 0.3, 0.5
"""Which part of the words of the shorter question the other must have too: in one service area, and in none."""

_WORD = re.compile(r"[^\W\d_]{3,}")
# Words that most questions hold say nothing about what they have in common.
_COMMON = """the and for are was were you your yours our ours has have had not but this that these those with without
    what when where who why how can could will would should shall does did doing done please thanks thank hello dear
    just get got been being they them their there then than from into onto out off over under about any all some one
    two also very much more most again still ever never yet she her him his its it's i've i'm don't isn't hasn't
    council councils anyone someone anybody somebody know tell need want like since after before now today tomorrow
    yesterday week weeks day days time times"""
COMMON = frozenset(_COMMON.split())


def similar(desk: Desk, case_id: int, limit: int = MOST) -> list[CaseRow]:
    """Open cases that wait for an answer to much the same question, the likest first.

    Never the case itself, nor a restricted one: that it is like this one would tell what it says.
    """
    detail = inbox.detail(desk, case_id)
    asked = " ".join(m.text for m in detail.messages if m.voice is Voice.RESIDENT)
    words = salient(asked)
    if not words:
        return []
    area = detail.row.area or detail.row.suggested_area
    expression = " OR ".join(f'"{word}" *' for word in words)
    least = ALIKE if area else ALIKE_ANYWHERE
    found: list[tuple[float, int]] = []
    for other, text in desk.store.replies.similar(expression, case_id, area, detail.row.topic):
        theirs = salient(text)
        shared, fewest = len(words & theirs), min(len(words), len(theirs))
        # One word in common is a coincidence, unless neither had more.
        if words == theirs or shared >= max(2, least * fewest):
            found.append((shared / len(words | theirs), other))
    likest = [other for _, other in sorted(found, key=lambda each: -each[0])]
    rows = (row for row in inbox.rows(desk, likest[: 2 * limit]) if RESTRICTED not in row.flags)
    return [row for row in rows if not desk.store.outbox.waiting(row.id)][:limit]


def salient(text: str) -> frozenset[str]:
    """The words of a question that say what it is about, without their endings: `collection` and `collected` agree."""
    found = (word.casefold() for word in _WORD.findall(re.sub(r"https?://\S+|@\S+", " ", text)))
    return frozenset(list(dict.fromkeys(_stem(word) for word in found if word not in COMMON))[:MOST_WORDS])


def _stem(word: str) -> str:
    return (word[:-1] if word.endswith("s") and len(word) > 3 else word)[:STEM]


def wording(desk: Desk, template: str, case_id: int) -> str:
    """The words for one of the cases: what was another's reference, name or moment is its own."""
    return saved_answers.filled(template, saved_answers.values(desk, inbox.detail(desk, case_id)))


def template_of(desk: Desk, case_id: int, text: str) -> str:
    """The words of an answer to one case, ready to be filled in for others."""
    return saved_answers.as_template(desk, inbox.detail(desk, case_id), text)


def words_for(desk: Desk, case_id: int, template: str | None, answer: str | None) -> str:
    """The words for one of the cases, from a template or from a saved answer in its network's wording."""
    if answer is not None:
        return saved_answers.wording(desk, case_id, answer, desk.clock())
    return wording(desk, template or "", case_id)


async def drafts(
    desk: Desk, poller: Poller, case_ids: list[int], *, template: str | None = None, answer: str | None = None
) -> tuple[list[ReplyDraft], list[str]]:
    """A reply to each of the cases, and why some cannot be made."""
    found: list[ReplyDraft] = []
    refused: list[str] = []
    for case_id in case_ids:
        try:
            text = words_for(desk, case_id, template, answer)
            if _said(desk, case_id, text):
                raise Refused("These words are its answer already, sent or in the outbox.")
            found.append(await replies.draft(desk, poller, case_id, text, wishes=replies.Wishes(answer=answer)))
        except SocialTriageError as exc:
            refused.append(f"{desk.store.cases.get(case_id).ref}: {exc}")
    return found, refused


def _said(desk: Desk, case_id: int, text: str) -> bool:
    """Whether the words wait for a case, or left since its resident wrote: a pass that was killed is begun again."""
    words = clean(text).strip()
    if any(
        row.kind is OutboxKind.REPLY and as_written(row).strip() == words for row in desk.store.outbox.waiting(case_id)
    ):
        return True
    for message in reversed(inbox.detail(desk, case_id).messages):
        if message.voice is Voice.RESIDENT:
            return False
        if message.voice is Voice.OFFICER and words in message.text:
            return True
    return False


def send_all(
    desk: Desk, drafts: list[ReplyDraft], *, undo_seconds: float | None = None
) -> tuple[list[Done], list[str]]:
    """Queue the answers that were confirmed, each a row, an event and an undo step of its own, `STAGGER` apart.

    What was done, and why others were not: a case that changed meanwhile stays unanswered, the rest go on.
    """
    done: list[Done] = []
    refused: list[str] = []
    for draft in drafts:
        window = undo_window(desk, draft.account, undo_seconds) + len(done) * STAGGER
        try:
            done.append(queue(desk, draft, undo_seconds=window.total_seconds()))
        except SocialTriageError as exc:
            refused.append(f"{draft.ref}: {exc}")
    return done, refused
