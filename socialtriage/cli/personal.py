"""Everything about one person as a document for them: JSON for machines, and a page that reads without any program."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from socialtriage.cli import shapes
from socialtriage.domain.errors import StoreError
from socialtriage.domain.text import clean
from socialtriage.domain.times import iso
from socialtriage.services import people
from socialtriage.services.desk import Desk
from socialtriage.services.page import guarded

_UNSAFE = re.compile(r"[^\w.-]+")
_IDENTITY = ("network", "handle", "name", "key", "first_at", "needs")
ANOTHER = "[words of another person]"
_STYLE = (
    "body{font-family:sans-serif;margin:1em;max-width:60em}table{border-collapse:collapse}"
    "th,td{border:1px solid #767676;padding:2px 6px;text-align:left;vertical-align:top}"
    "blockquote{white-space:pre-wrap;border-left:4px solid #767676;margin:.3em 0;padding:.2em .8em}"
    "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)


def collected(desk: Desk, key: str) -> tuple[dict[str, Any], dict[str, Path]]:
    """Everything about a person as JSON, and the files they sent by name.

    What others wrote in their cases is withheld: it is not theirs to have.
    """
    found = people.export(desk, key)
    kept = [
        (x.sha256, str(x.name) or x.kind, x.path)
        for detail in found.cases
        for message in detail.messages
        if message.id in found.own
        for x in message.media
        if x.path and x.sha256
    ]
    kept += [file for each in found.elsewhere for file in each.files]
    files = {
        f"media/{sha256[:16]}-{_UNSAFE.sub('_', name)[-80:]}": desk.media_folder / path for sha256, name, path in kept
    }
    data = {
        "organisation": desk.config.organisation.name,
        "made_at": iso(desk.clock()),
        "made_by": desk.officer,
        "identities": [
            {
                "key": people.name_of(each),
                "network": each.network,
                "handle": each.handle,
                "name": each.name,
                "url": each.url,
                "needs": each.needs,
                "first_at": each.first_at,
            }
            for each in found.identities
        ],
        "cases": [_case(desk, detail, found.own) for detail in found.cases],
        "messages_elsewhere": [
            {"account": each.account, "at": each.at, "subject": each.subject, "text": each.text}
            for each in found.elsewhere
        ],
        "files": sorted(files),
    }
    return data, files


def write_zip(path: Path, desk: Desk, data: dict[str, Any], files: dict[str, Path]) -> None:
    """Write JSON, page and files as one archive, readable by its owner only. Raises `StoreError`."""
    import json
    import os
    import tempfile
    import zipfile

    path = Path(os.path.realpath(path))
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(number, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("person.json", json.dumps(data, ensure_ascii=False, indent=2))
                archive.writestr("person.html", as_html(desk, data))
                for arcname, source in files.items():
                    if source.is_file():
                        archive.write(source, arcname)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc.strerror or exc}.") from exc


def _case(desk: Desk, detail: Any, own: frozenset[int]) -> dict[str, Any]:
    shape = shapes.case(desk, detail, unmask=True)
    for message in shape["messages"]:
        if message["voice"] == "resident" and message["id"] not in own:
            message.update(
                dict.fromkeys(("handle", "name", "subject", "quoted", "place", "url", "remote_id")),
                text=ANOTHER,
                media=[],
                revisions=[],
            )
    return shape


def as_html(desk: Desk, data: dict[str, Any]) -> str:
    """The same as one page; every text is escaped and nothing is fetched."""
    who = ", ".join(each["handle"] for each in data["identities"])
    title = f"What {escape(data['organisation'])} holds about {_text(who)}"
    parts = [
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n{guarded(_STYLE)}</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"<p>Made {_text(data['made_at'])} by {_text(data['made_by'])}. Times are UTC.</p>\n<h2>Identities</h2>\n"
        '<table>\n<thead><tr><th scope="col">Network</th><th scope="col">Handle</th><th scope="col">Name</th>'
        '<th scope="col">Key</th><th scope="col">First seen</th><th scope="col">Needs</th></tr></thead>\n<tbody>\n'
    ]
    for each in data["identities"]:
        cells = "".join(f"<td>{_text(each[name])}</td>" for name in _IDENTITY)
        parts.append(f"<tr>{cells}</tr>\n")
    parts.append("</tbody>\n</table>\n")
    for case in data["cases"]:
        parts += _case_html(case)
    if data["messages_elsewhere"]:
        parts.append("<h2>Messages outside their cases</h2>\n")
        for each in data["messages_elsewhere"]:
            parts.append(_said(each["account"], each["at"], "\n".join(filter(None, (each["subject"], each["text"])))))
    parts.append("</main>\n</body>\n</html>\n")
    return "".join(parts)


def _case_html(case: dict[str, Any]) -> list[str]:
    facts = (("Status", "status"), ("Area", "area"), ("Kind", "kind"), ("Opened", "opened_at"), ("Closed", "closed_at"))
    told = "; ".join(f"{label}: {case[name]}" for label, name in facts if case[name])
    parts = [f"<h2>Case {_text(case['ref'])}</h2>\n<p>{_text(told)}</p>\n"]
    known = [f"<li>{_text(name)}: {_text(value)}</li>\n" for name, value in case["facts"].items()]
    parts += ["<h3>Facts</h3>\n<ul>\n", *known, "</ul>\n"] if known else []
    parts.append("<h3>Messages</h3>\n")
    for each in case["messages"]:
        who = f"{each['voice']} {each['name'] or ''} ({each['visibility']})"
        parts.append(_said(who, each["at"], "\n".join(filter(None, (each["subject"], each["text"], each["quoted"])))))
        parts += [_said("Earlier wording, until then", x["replaced_at"], x["text"]) for x in each["revisions"]]
        parts += [f"<p>File: {_text(x['kind'])} {_text(x['name'])}, {_text(x['state'])}</p>\n" for x in each["media"]]
    parts.append("<h3>Log</h3>\n<ul>\n")
    for each in case["events"]:
        told = ", ".join(f"{name} {value}" for name, value in each["detail"].items())
        note = f": {each['note']}" if each.get("note") else ""
        line = f"{each['at']} {each['officer']} {each['kind'].replace('.', ' ')} {told}{note}"
        parts.append(f"<li>{_text(line)}</li>\n")
    return [*parts, "</ul>\n"]


def _said(who: str, at: str, text: str) -> str:
    return f'<p>{_text(who)}, {_text(at)}</p>\n<blockquote dir="auto">{_text(text)}</blockquote>\n'


def _text(value: object) -> str:
    return escape(clean(str(value if value is not None else "")))
