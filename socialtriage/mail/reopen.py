"""Reading a mail of ours back from its bytes: the outbox keeps the bytes alone."""

from __future__ import annotations

from email import message_from_string, policy
from email.message import EmailMessage, MIMEPart

from socialtriage.domain.errors import SocialTriageError
from socialtriage.mail.mime import Composed, attachment_line

_UNREADABLE = "A mail in the outbox cannot be read back."


def reopened(data: bytes) -> Composed:
    """The mail that `data` was made from. Raises `SocialTriageError` when it is none of ours."""
    try:
        message = message_from_string(data.decode(), policy=policy.default)
    except UnicodeDecodeError as exc:
        raise SocialTriageError(_UNREADABLE) from exc
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    senders, recipients = _addresses(message, "From"), _addresses(message, "To")
    if plain is None or rich is None or len(senders) != 1 or not recipients:
        raise SocialTriageError(_UNREADABLE)
    return Composed(
        message_id=str(message["Message-ID"]).strip(),
        sender=senders[0],
        recipients=recipients,
        subject=str(message["Subject"]),
        text=_lines(plain),
        html=_lines(rich),
        attached=tuple(
            attachment_line(part.get_filename() or "", part.get_content_type(), len(part.get_payload(decode=True)))
            for part in message.iter_attachments()
        ),
        data=data,
    )


def _addresses(message: EmailMessage, header: str) -> tuple[str, ...]:
    value = message[header]
    return tuple(address.addr_spec for address in value.addresses) if value is not None else ()


def _lines(part: MIMEPart) -> str:
    return str(part.get_content()).replace("\r\n", "\n")
