"""What a network's interface can do, as its channel says it."""

from __future__ import annotations

from socialtriage.domain.late import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a network's interface can do; nothing else is offered on screen."""

    reply_public: bool = False
    reply_private: bool = False
    start_private: bool = False
    """A private message to the author of a public one."""
    look_up: bool = False
    """A lost answer can be looked up at the source."""
    reread: bool = False
    deletions: bool = False
    hide: bool = False
    delete: bool = False
    """Somebody else's message below a post of ours can be deleted, for good."""
    block: bool = False
    mute: bool = False
    report: bool = False
    limits: str = ""
    """What polling cannot see, in one sentence for the Accounts screen."""
    pictures_public: int = 0
    """How many pictures a public answer may carry."""
    pictures_private: int = 0
    picture_bytes: int = 0
    """How large one of them may be."""
    picture_kinds: tuple[str, ...] = ()
    """Media types that are taken; empty for every kind that leaves from here."""
    alt_length: int = 1_500
    """Characters of the words that say what is on a picture; 0 where the network has no place for them."""
    caption: int = 0
    """How long a text may be that has a picture, where that is less than without one."""
    pictures_apart: bool = False
    """A private picture is a message of its own, after the words."""
    no_pictures: str = ""
    """Why some or all answers carry none, in a sentence."""
    post: bool = False
    """A post of our own, that answers nobody, can be published from here."""
    no_post: str = ""
    """Why it cannot, in a sentence."""
