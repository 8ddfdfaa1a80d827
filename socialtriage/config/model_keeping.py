"""The configuration's tables on keeping, forgetting, and what the spotter looks for."""

from __future__ import annotations

import msgspec

from socialtriage.config.base import Base


class Retention(Base, frozen=True, kw_only=True):
    """How long the words of closed cases are kept: plain time since the close (`730d`), or `never` to forget them."""

    default: str = "never"
    """For every kind that has no time of its own, and for cases without a kind."""
    enquiry: str | None = None
    """For enquiries."""
    complaint: str | None = None
    """For complaints."""
    report: str | None = None
    """For reports of something broken."""
    discussion: str | None = None
    """For discussions."""
    praise: str | None = None
    """For praise."""
    press: str | None = None
    """For the press."""
    councillor: str | None = None
    """For councillors' cases."""
    spam: str | None = None
    """For spam."""
    abuse: str | None = None
    """For abuse."""
    media: str | None = None
    """For pictures, videos and attachments, where it is shorter than for the words."""
    networks: dict[str, str] = msgspec.field(default_factory=dict)
    """By network: plain time since a resident's message arrived, after which its words and pictures go, whether the
    case is closed or not; for networks whose rules say so."""


class SpotterRule(Base, frozen=True, kw_only=True):
    """One kind of message that must not be missed; with the id of a rule that is shipped, changes to that one."""

    id: str
    """The flag that it gives a case."""
    name: str = ""
    """For officers: `Possible freedom of information request`."""
    any: tuple[str, ...] = ()
    """Words and phrases of which one is enough; in place of those that are shipped."""
    also: tuple[str, ...] = ()
    """More such words and phrases, beside those that are shipped."""
    together: tuple[tuple[str, ...], ...] = ()
    """Groups of which every one must have a phrase in the text, the rarest first."""
    unless: tuple[str, ...] = ()
    """Words and phrases that say that it is something else."""
    contact: str | None = None
    """Id of the contact who answers for it."""
    within: str | None = None
    """The time that the law allows: `20 working days`, `10 days`, `1 month`."""
    wording: str = ""
    """What to do first, and what may be said."""
    off: bool = False
    """Whether the rule is not used."""
