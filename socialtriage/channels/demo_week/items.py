"""Entries of the week as the messages that a channel hands in."""

from __future__ import annotations

from socialtriage.channels.demo_week.picture import picture
from socialtriage.channels.demo_week.rules import NETWORKS
from socialtriage.channels.demo_week.schedule import Moment
from socialtriage.channels.demo_week.week import Entry, Media, Week, spoken
from socialtriage.domain.errors import Misconfigured
from socialtriage.domain.models import Author, Incoming, MediaItem, MediaState, SafeText, Visibility
from socialtriage.domain.text import clean, clean_line


class Items:
    """Makes the messages of one account; `shift` names weekdays, `start` is kept for later questions."""

    def __init__(self, week: Week, account: str, shift: int = 0, start: str = "") -> None:
        """Raises `Misconfigured` when the week has no such account."""
        self._week = week
        presence = week.accounts.get(account)
        if presence is None:
            raise Misconfigured(
                f"The practice week has no account {account!r}.", hint=f"It has: {', '.join(week.accounts)}."
            )
        self._account = account
        self._network = presence.network
        self._shift = shift
        self._start = start
        self.own = Author(f"council:{account}", clean_line(presence.handle), clean_line(presence.name))

    def incoming(self, moment: Moment) -> Incoming:
        """The message of a moment: as first written, or as edited. Its text is cleaned like any text from outside."""
        entry = moment.event.entry
        edited = entry.edit is not None and moment.event.what == "edit"
        text = entry.edit.text if entry.edit is not None and edited else entry.text
        root = self._week.root(entry)
        private = entry.private or NETWORKS[self._network].public == 0
        conversation = f"dm-{root.by}" if private and self._network != "imap" else None
        return Incoming(
            remote_id=entry.id,
            author=self.own if entry.own else self.author(entry.by),
            text=clean(spoken(text, self._shift)),
            at=moment.at,
            visibility=Visibility.PRIVATE if private else Visibility.PUBLIC,
            thread=conversation or self._thread(root),
            parent=self._parent(entry),
            conversation=conversation,
            own=entry.own,
            url=None if private else f"https://{self._network}.example/{self._account}/{entry.id}",
            subject=clean_line(spoken(entry.subject, self._shift)) if entry.subject else None,
            language=entry.language,
            edited_at=moment.at if edited else None,
            quoted=clean(spoken(entry.quoted, self._shift)) if entry.quoted else None,
            media=tuple(map(_media, entry.media)),
            automatic=entry.automatic,
            place=self._place(root),
            also_to=entry.also_to,
            references=self._references(entry),
            reply_data={"start": self._start},
        )

    def author(self, person: str) -> Author:
        """A person of the week as this network knows them; on Facebook the name is all there is."""
        record = self._week.people[person]
        name = clean_line(record["name"])
        handle = clean_line(record.get(self._network, name))
        return Author(handle.lower() if self._network == "imap" else f"{self._network}:{person}", handle, name)

    def _thread(self, root: Entry) -> str:
        if root.under is not None and not NETWORKS[self._network].comments:
            return f"post-{root.under}"
        return root.id

    def _parent(self, entry: Entry) -> str | None:
        """What a message answers; a private one does not say which public one it is about."""
        if entry.re is not None:
            return entry.re if self._week.by_id[entry.re].private == entry.private else None
        return f"post-{entry.under}" if entry.under is not None else None

    def _place(self, root: Entry) -> SafeText | None:
        return clean_line(self._week.posts[root.under].title) if root.under is not None else None

    def _references(self, entry: Entry) -> tuple[str, ...]:
        """Message-IDs of the mails before this one, oldest first."""
        chain: list[str] = []
        while self._network == "imap" and entry.re is not None:
            entry = self._week.by_id[entry.re]
            chain.insert(0, f"<{entry.id}@letterbox.example>")
        return tuple(chain)


def _media(media: Media) -> MediaItem:
    drawn = media.kind == "image" and media.state is MediaState.PENDING
    return MediaItem(
        kind=media.kind,
        name=clean_line(media.name),
        mime="image/png" if drawn else None,
        alt=clean(media.alt) if media.alt else None,
        state=media.state,
        data=picture(media.name) if drawn else None,
    )
