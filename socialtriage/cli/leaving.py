"""What commands that send share: a reply shown as it would leave, and what became of the rows that were queued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from socialtriage.cli.env import Env
    from socialtriage.domain.views import Done
    from socialtriage.services.outbox import Outcome, Sender
    from socialtriage.services.replies import ReplyDraft
    from socialtriage.services.sync import Poller

WAIT = 30.0
"""Seconds that `handoff` and `reply` wait for the outcome."""


def reply_facts(draft: ReplyDraft) -> dict[str, Any]:
    """A reply as it would leave, for JSON."""
    from socialtriage.cli import shapes

    return {
        "ref": draft.ref,
        "account": draft.account,
        "network": draft.network,
        "to": draft.to,
        "visibility": draft.visibility,
        "used": draft.length.used,
        "limit": draft.length.limit,
        "unit": draft.length.unit,
        "text": draft.text,
        "parts": list(draft.parts),
        "pictures": [{"name": f.name, "mime": f.mime, "alt": f.alt, "bytes": len(f.data)} for f in draft.files],
        "place": draft.place,
        "promise": shapes.moment(draft.wishes.promise),
        "window_closes_at": shapes.moment(draft.window.closes_at) if draft.window else None,
        "held": draft.held,
        "price": {"amount": draft.price.amount, "currency": draft.price.currency} if draft.price else None,
        "warnings": list(draft.warnings),
    }


def preview_reply(env: Env, draft: ReplyDraft, as_json: bool) -> int:
    """Print a reply as it would leave."""
    from socialtriage.cli import output
    from socialtriage.services import restricting
    from socialtriage.services.reply_place import window_words

    restricting.unmask(env.desk, draft.case_id)
    if as_json:
        output.emit(reply_facts(draft))
        return 0
    click.echo(f"From {draft.account} on {draft.network}, {draft.visibility.upper()}, to {draft.to}")
    click.echo(f"It appears {draft.place}.")
    parts = f", the longest of {len(draft.parts)} posts" if len(draft.parts) > 1 else ""
    click.echo(f"{draft.length.words}{parts}")
    if draft.window:
        click.echo(window_words(draft.window, env.desk.clock(), env.desk.zone))
    if draft.wishes.promise:
        click.echo(f"Promises word by {output.local(env.desk, draft.wishes.promise)}")
    if draft.held:
        click.echo("It waits for the approval of a second officer.")
    if draft.price:
        click.echo(draft.price.why)
    for file in draft.files:
        apart = ", as a message of its own after the words" if draft.apart else ""
        click.echo(f"Picture {file.name}{apart}, described as: {file.alt}")
    click.echo("")
    click.echo(draft.text)
    return 0


def preview_replies(env: Env, drafts: Sequence[ReplyDraft], as_json: bool) -> int:
    """Print the replies to one case as they would leave: as JSON one object, or for several places a list."""
    from socialtriage.cli import output
    from socialtriage.services import restricting

    if len(drafts) > 1 and as_json:
        restricting.unmask(env.desk, drafts[0].case_id)
        output.emit([reply_facts(draft) for draft in drafts])
        return 0
    for number, draft in enumerate(drafts):
        if number:
            click.echo("")
        preview_reply(env, draft, as_json)
    return 0


def send(env: Env, result: Done, ref: str, queue_only: bool) -> dict[str, Any]:
    """Send what was just queued, unless it is to wait, and what became of it.

    Of a thread, the part that did not leave speaks for all. What waits for approval is only queued.
    """
    row_ids = list(result.row_ids or (result.row_id or 0,))
    first = env.desk.store.outbox.get(row_ids[0])
    from socialtriage.services import pause

    paused = pause.words(env.desk)
    if paused:
        return {"said": f"{result.said} {paused}", "ref": ref, "id": row_ids[0], "state": "queued"}
    if queue_only or (first is not None and first.held):
        held = {"held": first.held} if first is not None and first.held else {}
        return {"said": result.said, "ref": ref, "id": row_ids[0], "state": "queued", **held}

    async def sending(poller: Poller, sender: Sender) -> list[Outcome]:
        return await sender.run_patiently(row_ids, WAIT)

    outcomes = env.with_network(sending)
    rows = [row for each in row_ids if (row := env.desk.store.outbox.get(each)) is not None]
    row = next((each for each in rows if each.state != "sent"), rows[0] if rows else None)
    places = [each for each in rows if each.after_id is None]
    stopped = pause.words(env.desk) if row is not None and row.state == "queued" else None
    told = [{"id": each.id, "account": each.account, "state": each.state, "error": each.error} for each in places]
    return {
        **({"places": told} if len(told) > 1 else {}),
        "said": result.said,
        "ref": ref,
        "id": row.id if row else row_ids[0],
        "state": row.state if row else "gone",
        "error": (row.error or stopped) if row else None,
        "notice": next((o.notice for o in outcomes if o.notice), None),
    }


def tell(facts: dict[str, Any]) -> int:
    """Say what became of a row in words; the exit status."""
    if facts.get("notice"):
        click.echo(f"{facts['ref']}: {facts['notice']}", err=True)
    for place in facts.get("places", ()):
        click.echo(f"{place['account']}: {place['state']}" + (f"  {place['error']}" if place["error"] else ""))
    if "error" not in facts:
        click.echo(facts["said"])
        return 0
    if facts["state"] == "sent":
        click.echo(f"{facts['said']} Sent.")
        return 0
    click.echo(
        f"{facts['ref']}: {facts['state']}. {facts['error'] or 'Another program is sending; it leaves next.'}", err=True
    )
    return 1


def leave(env: Env, result: Done, ref: str, queue_only: bool, as_json: bool) -> int:
    """Send what was just queued, unless it is to wait; say what became of it."""
    facts = send(env, result, ref, queue_only)
    if not as_json:
        return tell(facts)
    from socialtriage.cli import output

    if facts.get("notice"):
        click.echo(f"{ref}: {facts['notice']}", err=True)
    output.emit(facts | {name: facts.get(name) for name in ("error", "notice")})
    return 0 if facts["state"] == "sent" or "error" not in facts else 1
