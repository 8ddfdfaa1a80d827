"""What an IMAP server's refusals and a lost connection mean for the officer."""

from __future__ import annotations

import socket
import ssl

from socialtriage.domain.errors import (
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Unavailable,
)
from socialtriage.domain.text import clean_line

_WRONG_PORT = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_OVERUSED = ("OVERQUOTA", "command or bandwidth limits", "too many simultaneous connections", "[LIMIT]", "throttled")


class Declined(Unavailable):
    """The server said NO or BAD to one command; the connection is as good as before."""


def said(words: BaseException | str) -> str:
    """What a server said, on one line without its full stop."""
    text = str(words)
    if text.startswith(("b'", 'b"')) and text.endswith(("'", '"')):
        text = text[2:-1]
    return clean_line(text, 300).rstrip(".")


def nonsense(place: str, exc: BaseException) -> BadPayload:
    """An answer that is none."""
    return BadPayload(f"{place} answered something that is not IMAP ({type(exc).__name__}).")


def explain(place: str, exc: BaseException) -> ChannelError:
    """A connection that did not come about, or broke."""
    origin = exc if isinstance(exc, OSError) else exc.__context__ if isinstance(exc.__context__, OSError) else exc
    if isinstance(origin, ssl.SSLCertVerificationError):
        # As on HTTP: one that lapsed is renewed there, and then everything goes on by itself.
        why = clean_line(origin.verify_message).rstrip(".")
        return Unavailable(
            f"The certificate of {place} cannot be trusted: {why}.",
            hint="Check the account's `server`; name a private authority's certificate with `[mail] ca_file`.",
        )
    if isinstance(origin, ssl.SSLError):
        if origin.reason in _WRONG_PORT:
            return Misconfigured(
                f"{place} does not begin with TLS.", hint="Use imaps:// for port 993 and imap:// for port 143."
            )
        return Unavailable(f"No secure connection to {place} came about.")
    if isinstance(origin, socket.gaierror):
        return Unavailable(f"The mail server {place} cannot be found.", hint="Check the account's `server`.")
    if isinstance(origin, TimeoutError):
        return Unavailable(f"{place} took too long to answer.")
    if isinstance(origin, ConnectionRefusedError):
        return Unavailable(f"{place} takes no connections.", hint="Check host and port; it is tried again.")
    words = said(exc)
    if any(mark.lower() in words.lower() for mark in _OVERUSED):
        return RateLimited(f"{place} asks to slow down: {words}.")
    if "unexpected response" in words:
        return nonsense(place, exc)
    return Unavailable(f"The connection to {place} was lost.", hint="It is tried again.")


def sign_in_error(place: str, user: str, words: str, *, by_token: bool) -> ChannelError:
    """A refused sign-in, by the server's response code (RFC 5530) or its words."""
    why = said(words)
    upper = why.upper()
    who = clean_line(user)
    if "[UNAVAILABLE]" in upper or "TEMPORARY" in upper or "[INUSE]" in upper:
        return Unavailable(f"{place} cannot check the sign-in of {who} now: {why}.")
    if any(mark.upper() in upper for mark in _OVERUSED):
        return RateLimited(f"{place} asks to slow down: {why}.")
    if "[AUTHORIZATIONFAILED]" in upper:
        return NotPermitted(f"{who} may sign in at {place}, but not to this mailbox: {why}.")
    if "[PRIVACYREQUIRED]" in upper:
        return Misconfigured(f"{place} wants an encrypted connection.", hint="Write the server as imaps://host:993.")
    hint = "Sign in again with `socialtriage accounts login`."
    if not by_token and ("BASICAUTHBLOCKED" in upper or place.startswith("outlook.office365.com")):
        hint = "Microsoft 365 takes no passwords here: store a JSON object of OAuth fields instead."
    elif not by_token and "APPLICATION-SPECIFIC" in upper:
        hint = "Google wants an app password here, or a JSON object of OAuth fields."
    return AuthError(f"{place} did not accept the sign-in of {who}: {why}.", hint=hint)
