"""How mail leaves: an SMTP server, or a folder of .eml files for the demo. The seam for any other transport."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from socialtriage.config.files import make_folders
from socialtriage.domain.errors import ConfigError, MailDeferred
from socialtriage.mail.mime import Composed

if TYPE_CHECKING:
    from socialtriage.services.desk import Desk
    from socialtriage.services.secrets import SecretStore

SMTP_SECRET = "mail.smtp"  # noqa: S105  - the name of a keyring entry
IMAP_SECRET = "mail.imap"  # noqa: S105  - the name of a keyring entry


class MailTransport(Protocol):
    """Takes one mail and sends it once."""

    def send(self, mail: Composed) -> str:
        """Send; what the server said. Blocking. Raises `MailDeferred`, `MailRefused`, `MailUnknown`, `SecretError`."""
        ...


class FolderTransport:
    """Writes mails as .eml files into a folder instead of sending them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: Composed) -> str:
        """Write the mail; its path. The same mail written again is the same file."""
        name = mail.message_id.strip("<>").partition("@")[0].replace("/", "-")
        path = self._folder / f"{name}.eml"
        try:
            make_folders(self._folder)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            with open(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
                file.write(mail.data)
            temporary.replace(path)
        except OSError as exc:
            raise MailDeferred(f"The mail could not be written to {self._folder}: {exc.strerror or exc}.") from exc
        return str(path)


def transport_of(desk: Desk, secrets: SecretStore) -> MailTransport:
    """The configured transport. Raises `ConfigError` when there is none."""
    if desk.mail_folder is not None:
        return FolderTransport(desk.mail_folder)
    if not desk.config.mail.smtp:
        raise ConfigError(
            "The configuration has no mail server.",
            hint='Set [mail] smtp = "smtps://user@mail.your-council.example:465".',
        )
    from socialtriage.mail.smtp import SmtpSender
    from socialtriage.services.desk import ca_file_of

    return SmtpSender(desk.config.mail.smtp, lambda: secrets.get(SMTP_SECRET), ca_file=ca_file_of(desk))
