"""What Meta lets be answered and until when, by rules that need no call: for Facebook and Instagram alike.

Within 24 hours of the person's last message anything may be answered; with the human agent tag, which Meta grants by a
review of its own, within 7 days. A public comment may get one private reply within 7 days (Meta's documents).
"""

from __future__ import annotations

from datetime import timedelta

from socialtriage.channels.base import Window
from socialtriage.channels.graph_json import moment
from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import StoredRef, Visibility

STANDARD = timedelta(hours=24)
LONGEST = timedelta(days=7)
_OPEN = "Open the original and answer there."


def objection(account: AccountConfig, message: StoredRef, visibility: Visibility) -> tuple[str, str] | None:
    """Why Meta would refuse an answer to this message, and what to do instead; None where it may be answered."""
    data = message.reply_data
    if data.get("kind") == "tag":
        return "Instagram's interface does not answer pictures that the account is only tagged in.", _OPEN
    if message.visibility is Visibility.PRIVATE:
        return None
    if visibility is Visibility.PUBLIC and data.get("can_comment") == "no":
        return "Facebook does not let the Page answer this comment.", _OPEN
    if visibility is Visibility.PRIVATE and data.get("can_reply_privately") == "no":
        return "Meta does not allow a private reply to this comment.", "Answer it in public."
    return None


def window(account: AccountConfig, message: StoredRef, visibility: Visibility) -> Window | None:
    """When the answer to a message must have left; None where there is no end."""
    if visibility is Visibility.PUBLIC:
        return None
    at = moment(message.reply_data.get("at"))
    if at is None:
        return None
    if message.visibility is Visibility.PUBLIC:
        return Window(at + LONGEST, "A comment can be answered in private once, within 7 days.", once=True)
    if account.human_agent:
        return Window(at + LONGEST, "A private message can be answered by a person within 7 days.")
    return Window(
        at + STANDARD,
        "A private message can be answered within 24 hours of the person's last one.",
        "Wait until they write again, or answer on the network itself. With Meta's human agent permission,"
        " human_agent = true allows 7 days.",
    )
