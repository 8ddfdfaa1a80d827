"""What the header and the status line of every screen say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from socialtriage.ui import words
from socialtriage.ui.actions import table
from socialtriage.ui.widgets.bars import Parts, said

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


def header_parts(app: TriageApp, title: str) -> Parts:
    """Organisation, officer and screen; accounts, outbox and polling."""
    waiting, trouble = app.board.outbox_words()
    broken = app.board.broken()
    short, _, named = app.board.headline.partition(":")
    roomy = app.size.width >= 100 + len(named)
    late = ", catching up" if any(view.behind_since for view in app.board.accounts) else ""
    needs = f"{short}, {broken} need{'s' if broken == 1 else ''} you" if broken else f"{short}{late}"
    right = [
        (app.board.headline if roomy else needs, "bold $alarm" if broken else ""),
        (f"   {words.many(app.board.to_place, 'mail')} to place" if app.board.to_place else "", "bold $warn"),
        (f"   {words.many(app.board.reviews, 'review')} due" if app.board.reviews else "", "bold $warn"),
        (f"   {words.many(app.board.drafts, 'draft')} of yours" if app.board.drafts else "", "bold $warn"),
        (f"   SURGE: {app.board.surge} (:surge)" if app.board.surge else "", "bold $alarm"),
        ("   OUTGOING PAUSED" if app.board.paused else "", "bold $alarm"),
        (f"   outbox {waiting}" if waiting else "", ""),
        (f"   outbox {trouble}" if trouble else "", "bold $alarm"),
    ]
    name = said(app.desk.config.organisation.name)
    left = [(name, "bold"), (f"  {said(app.desk.officer)}", ""), (f"  {title}" if title else "", "bold $key-fg")]
    # Who sits here and what waits comes before how the last poll went.
    taken = sum(cell_len(text) for text, _ in (*left, *right)) + cell_len(app.polling) + 6
    polled = [(f"{app.polling}  ", "$ink-dim")] if app.polling and taken <= app.size.width else []
    return left, [*polled, *right]


def status_parts(app: TriageApp) -> Parts:
    """What was said last, and what can still be taken back."""
    now = app.desk.clock()
    row = app.board.leaving(app.desk.officer, now)
    leaving = ""
    if row is not None and row.not_before is not None:
        seconds = max(0, int((row.not_before - now).total_seconds()) + 1)
        what = f"{row.kind} {row.ref}" if row.ref else row.kind
        leaving = f"{what} leaves in {seconds} s, {app.key_of(table()['app.undo'])} takes it back"
    return [(app.session.said.text, app.session.said.style)], [(leaving, "bold $warn")]
