"""Until when Meta lets a private message be answered, by rules that need no call: Messenger and Instagram alike.

Within 24 hours of the person's last message anything may be answered; with the human agent tag, which Meta grants by a
review of its own, within 7 days. A public comment may get one private reply within 7 days (NETWORKS.md, section 3).
"""

from __future__ import annotations

from datetime import timedelta

from socialtriage.channels.base import Window
from socialtriage.channels.graph_json import moment
from socialtriage.config.model import AccountConfig
from socialtriage.domain.models import StoredRef, Visibility

STANDARD = timedelta(hours=24)
LONGEST = timedelta(days=7)


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
