"""Where a reply will appear, and how long the network still lets us answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from socialtriage.channels.base import Channel, Declines, HasWindow, Objects, Price, Priced, Window
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import Visibility, Voice
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import CaseDetail
from socialtriage.store.messages import Answerable


def appears(detail: CaseDetail, answerable: Answerable, visibility: Visibility, network: str) -> str:
    """Where the answer will be seen, in a sentence. `network` is that of the account that speaks."""
    asked = next((m for m in reversed(detail.messages) if m.remote_id == answerable.message.remote_id), None)
    who = clean_line(str(answerable.author.handle), 60)
    if network == "imap" or (answerable.subject and not answerable.message.conversation):
        return f"as an answer by mail to {who}"
    public_parent = answerable.message.visibility is Visibility.PUBLIC
    if visibility is Visibility.PRIVATE:
        return f"in a new private conversation with {who}" if public_parent else f"in your conversation with {who}"
    under = f", under “{clean_line(asked.place, 60)}”" if asked is not None and asked.place else ""
    ours = any(m.voice is Voice.OFFICER and m.visibility is Visibility.PUBLIC for m in detail.messages)
    where = "in the public thread that we are in" if ours else "in the public thread"
    return f"below what {who} wrote, {where}{under}"


def window(
    channel: Channel | None, account: AccountConfig, answerable: Answerable, visibility: Visibility
) -> Window | None:
    """Until when this message can be answered, where the channel knows; None where nothing ends."""
    asked: object = channel
    return asked.window(account, answerable.message, visibility) if isinstance(asked, HasWindow) else None


def refuse_outside(
    window: Window | None, detail: CaseDetail, answerable: Answerable, now: datetime, zone: ZoneInfo
) -> None:
    """Raises `Refused` when the time for an answer is over, or the one that there may be was given."""
    refuse_too_late(window, now, zone)
    refuse_second(window, detail, answerable)


def refuse_too_late(window: Window | None, now: datetime, zone: ZoneInfo) -> None:
    """Raises `Refused` when the time for an answer is over."""
    if window is not None and window.closes_at <= now:
        raise Refused(
            f"It is too late, since {window.closes_at.astimezone(zone):%a %d %b %H:%M}: {window.why}", hint=window.hint
        )


def refuse_objected(
    channel: Channel | None, account: AccountConfig, answerable: Answerable, visibility: Visibility
) -> None:
    """Raises `Refused` for a message that the network lets nobody answer by a program, with the reason."""
    asked: object = channel
    found = asked.objection(account, answerable.message, visibility) if isinstance(asked, Objects) else None
    if found is not None:
        raise Refused(found[0], hint=found[1])


def refuse_declined(channel: Channel | None, parts: Sequence[str]) -> None:
    """Raises `Refused` for words that the network takes from nobody."""
    asked: object = channel
    found = next(filter(None, map(asked.declines, parts)), None) if isinstance(asked, Declines) else None
    if found is not None:
        raise Refused(found[0], hint=found[1])


def price(
    channel: Channel | None, account: AccountConfig, parts: Sequence[str], visibility: Visibility
) -> Price | None:
    """What posting these parts costs, the dearest one's reason in front; None where nothing is charged."""
    asked: object = channel
    if not isinstance(asked, Priced):
        return None
    found = [asked.price(account, part, visibility) for part in parts]
    dearest = max(found, key=lambda price: price.amount)
    if len(found) == 1:
        return dearest
    total = sum(price.amount for price in found)
    why = f"{dearest.why} All {len(found)} posts cost {total:.2f} {dearest.currency}."
    return Price(total, dearest.currency, why, dearest.dear)


def refuse_second(window: Window | None, detail: CaseDetail, answerable: Answerable) -> None:
    """Raises `Refused` where the network takes one private answer to a message, and it was given."""
    if window is None or not window.once:
        return
    asked = next((m for m in detail.messages if m.remote_id == answerable.message.remote_id), None)
    given = (m for m in detail.messages if m.voice is Voice.OFFICER and m.visibility is Visibility.PRIVATE)
    if asked is not None and any(m.at >= asked.at for m in given):
        raise Refused(
            "A private answer was given to this message already, and the network takes no second: there is one for each"
            " message, once.",
            hint="Wait until they answer it, or answer in public.",
        )


def window_words(window: Window, now: datetime, zone: ZoneInfo) -> str:
    """`3 h 20 min left, until Mon 16 Nov 14:30; …`."""
    minutes = int((window.closes_at - now).total_seconds()) // 60
    days, hours = minutes // 1440, minutes // 60
    left = f"{days} days" if days > 1 else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    once = " There may be one private answer, and no second." if window.once else ""
    return f"{left} left, until {window.closes_at.astimezone(zone):%a %d %b %H:%M}.{once}"
