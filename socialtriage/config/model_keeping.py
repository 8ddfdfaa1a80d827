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
