"""Signing in to a mail server: a password by PLAIN or LOGIN, an OAuth token by XOAUTH2.

Only called on a connection that is under TLS or on loopback, so the mechanisms that hide a password from
listeners are not needed. One mechanism is tried once: many servers lock an account after a few failures.
"""

from __future__ import annotations

import base64
import json
import smtplib

from socialtriage.domain.errors import MailDeferred, MailRefused, SecretError
from socialtriage.domain.text import clean_line
from socialtriage.mail.address import ServerUrl
from socialtriage.mail.guard import hidden

LOGIN_HINT = "Sign in again with `socialtriage accounts login mail.smtp`."


def access_token(secret: str) -> str | None:
    """The OAuth access token of a secret that is a JSON object; None for a password. Raises `SecretError`."""
    if not secret.lstrip().startswith("{"):
        return None
    try:
        fields = json.loads(secret)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    token = fields.get("access_token")
    if not isinstance(token, str) or not token:
        raise SecretError("The secret mail.smtp is a JSON object without an access_token.", hint=LOGIN_HINT)
    return token


def sign_in(client: smtplib.SMTP, url: ServerUrl, secret: str) -> None:
    """Sign `url.user` in. Raises `MailRefused` (5xx, nothing offered that we can do), `MailDeferred`, `SecretError`."""
    user, token = url.user or "", access_token(secret)
    offered = client.esmtp_features.get("auth", "").upper().split()
    if token is not None and "XOAUTH2" in offered:
        code, words = _xoauth2(client, user, token)
    elif token is None and "PLAIN" in offered:
        code, words = client.docmd("AUTH", f"PLAIN {_coded(f'{chr(0)}{user}{chr(0)}{secret}')}")
    elif token is None and "LOGIN" in offered:
        code, words = _login(client, user, secret)
    else:
        way = "an OAuth token" if token is not None else "a password"
        raise MailRefused(
            f"{url.place} takes no sign-in by {way} (it offers {clean_line(' '.join(offered)) or 'none'})."
        )
    if 200 <= code < 300:
        return
    # A careless server may repeat what it was given.
    said = clean_line(hidden(words.decode("utf-8", "replace"), user, token or secret), 300)
    if 500 <= code < 600:
        raise MailRefused(f"{url.place} did not accept the sign-in of {user}: {code} {said}", hint=LOGIN_HINT)
    raise MailDeferred(f"{url.place} could not check the sign-in of {user} now: {code} {said}")


def _xoauth2(client: smtplib.SMTP, user: str, token: str) -> tuple[int, bytes]:
    code, words = client.docmd("AUTH", f"XOAUTH2 {_coded(f'user={user}{chr(1)}auth=Bearer {token}{chr(1)}{chr(1)}')}")
    # The reason for a refusal comes as a challenge; the answer after an empty line is the verdict.
    return client.docmd("") if code == 334 else (code, words)


def _login(client: smtplib.SMTP, user: str, password: str) -> tuple[int, bytes]:
    code, words = client.docmd("AUTH", "LOGIN")
    for answer in (user, password):
        if code != 334:
            break
        code, words = client.docmd(_coded(answer))
    return code, words


def _coded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
