"""What a writer wrote, apart from what their mail program put below or around it. Every line is kept, on one side.

History is folded away only where it is plain that nobody wrote in it: answers between quoted lines, and forwarded
mails, stay whole.
"""

from __future__ import annotations

import re
from itertools import pairwise

_ATTRIBUTION = re.compile(
    r"\s*(?:"
    r"On\s.{4,300}\swrote|Ar\s.{4,300}\s(?:ysgrifennodd|sgwennodd)|Ysgrifennodd\s.{2,300}|Le\s.{4,300}\sa\sécrit|"
    r"Am\s.{4,300}\sschrieb\b.{0,200}|Op\s.{4,300}\sschreef\b.{0,200}|El\s.{4,300}\sescribió|"
    r"Il\s.{4,300}\sha\sscritto|Em\s.{4,300}\sescreveu|.{4,300}\snapisał(?:\(a\))?|"
    r".{2,200}<[^<>\s]{3,200}>\s(?:wrote|writes|schrieb|schreef|a\sécrit|escribió|ysgrifennodd)\b.{0,60}"
    r")\s?[:：]\s*",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(
    r"\s*(?:On|Ar|Ysgrifennodd|Le|Am|Op|El|Il|Em|\S+\.?,\s\d|.*<[^<>\s]{3,200}>)(?:\s|$)", re.IGNORECASE
)
_RULED = r"[-_=*\s]{2,40}"
_ORIGINAL = re.compile(
    rf"{_RULED}(?:Original (?:Message|Appointment)|Reply Message|Ursprüngliche Nachricht|Original-Nachricht|"
    r"Message d['’]origine|Message original|Oorspronkelijk bericht|Mensaje original|Messaggio originale|"
    rf"Neges wreiddiol|Neges Gwreiddiol){_RULED}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    rf"(?:{_RULED})?(?:Forwarded Message|Begin forwarded message|Weitergeleitete Nachricht|"
    r"Anfang der weitergeleiteten Nachricht|Message (?:transféré|réexpédié)|Début du message transféré|"
    r"(?:Begin )?doorgestuurd bericht|Mensaje reenviado|Messaggio inoltrato|Neges a anfonwyd ymlaen|"
    rf"Neges wedi['’]i hanfon ymlaen)(?:\s?:|{_RULED})\s*",
    re.IGNORECASE,
)
_FORWARDING_SUBJECT = re.compile(r"\s*(?:fwd?|tr|wg|doorst|rv|enc|ymlaen)\s?:", re.IGNORECASE)
_FROM_LABEL = re.compile(r"\s*\*?(?:From|De|Von|Van|Da|Oddi\swrth|Oddiwrth|Od)\s?:\*?\s*\S", re.IGNORECASE)
_OTHER_LABEL = re.compile(
    r"\s*\*?(?:(Sent|Date|Anfonwyd|Dyddiad|Envoyé(?:\sle)?|Gesendet|Datum|Verzonden|Enviado(?:\sel)?|Fecha|Inviato|Data)|"
    r"(Subject|Pwnc|Testun|Objet|Betreff|Onderwerp|Asunto|Oggetto)|(To|At|À|A|An|Aan|Para|Cc|Reply-To|Importance))"
    r"\s?:\*?(?:\s|$)",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*(?:_{10,}|-{10,}|={10,})\s*")
_SIGNATURE = re.compile(r"--\s?")
_MOBILE = re.compile(
    r"\s*(?:Sent from (?:my|Yahoo|Outlook|Mail|Samsung|Proton|AOL|the all)\b.{0,80}|Sent (?:via|with|using) .{2,80}|"
    r"Get Outlook for .{2,60}|Anfonwyd o['’]?[mf]? .{2,60}|Von meinem .{2,40} gesendet|Gesendet von .{2,60}|"
    r"Envoyé (?:de|depuis) .{2,60}|Verstuurd vanaf .{2,60}|Verzonden (?:vanaf|met) .{2,60}|Enviado desde .{2,60}|"
    r"Download Outlook .{2,60}|Obtenir Outlook .{2,60}|Outlook für .{2,40} (?:beziehen|herunterladen).{0,20})\s*",
    re.IGNORECASE,
)

MAX_SIGNATURE_LINES = 25
_LABELS_WITHIN = 8
_FOLDED_ATTRIBUTION_LINES = 4


def unflow(text: str, *, delsp: bool = False) -> str:
    """Lines of a `format=flowed` text joined to paragraphs (RFC 3676), quote marks kept."""
    out: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        content = line.rstrip("\r")
        depth = len(content) - len(content.lstrip(">"))
        content = content[depth:].removeprefix(" ") if depth or content.startswith(" ") else content
        flows = content.endswith(" ") and content != "-- "
        kept = content[:-1] if flows and delsp else content
        if open_depth == depth and content != "-- ":
            out[-1].append(kept)
        else:
            out.append([">" * depth + " " * bool(depth) + kept])
        open_depth = depth if flows else None
    return "\n".join("".join(pieces) for pieces in out)


def split(text: str, subject: str = "") -> tuple[str, str]:
    """`text` as what was written and what was quoted (history, signature); each line is in exactly one of them.

    Nothing is split off where nothing would be left, nor from a forwarded mail: there the history is the message.
    """
    lines = text.split("\n")
    if _FORWARDING_SUBJECT.match(subject):
        return text.strip("\n"), ""
    end = _history_start(lines)
    if end is None:
        return text.strip("\n"), ""
    written = _without_quotes(lines, end)
    written = _without_signature(lines, written)
    if not any(lines[index].strip() for index in written):
        return text.strip("\n"), ""
    kept = set(written)
    body = "\n".join(lines[index] for index in written)
    quoted = "\n".join(line for index, line in enumerate(lines) if index not in kept)
    return body.strip("\n"), quoted.strip("\n")


def _history_start(lines: list[str]) -> int | None:
    """Where history without quote marks begins, the number of lines where there is none, None for a forwarded mail."""
    for index, line in enumerate(lines):
        if not line.strip() or line.startswith(">"):
            continue
        if _FORWARDED.fullmatch(line):
            return None
        if _ORIGINAL.fullmatch(line) or _is_header_block(lines, index):
            return index
        if _RULE.fullmatch(line) and _is_header_block(lines, index + 1):
            return index
        after = _attribution_end(lines, index)
        if after and _has_digit(lines, index, after) and not _quote_follows(lines, after, len(lines)):
            return index
    return len(lines)


def _is_header_block(lines: list[str], index: int) -> bool:
    """Whether a copied header begins here: From, then a date or a subject and one more within a few lines."""
    if index >= len(lines) or not _FROM_LABEL.match(lines[index]):
        return False
    seen: set[int] = set()
    for line in lines[index + 1 : index + 1 + _LABELS_WITHIN]:
        if match := _OTHER_LABEL.match(line):
            seen.add(match.lastindex or 0)
    return len(seen) >= 2


def _attribution_end(lines: list[str], index: int) -> int:
    """The line after an attribution (`On … wrote:`, wrapped or not) that begins at `index`; 0 where none does."""
    if len(lines[index]) > 400 or not _ATTRIBUTION_START.match(lines[index]):
        return 0
    joined = ""
    for at in range(index, min(index + _FOLDED_ATTRIBUTION_LINES, len(lines))):
        line = lines[at].strip()
        if not line or line.startswith(">") or len(line) > 400:
            return 0
        joined = f"{joined} {line}" if joined else line
        if line.endswith((":", "：")) and _ATTRIBUTION.fullmatch(joined):
            return at + 1
    return 0


def _quote_follows(lines: list[str], index: int, end: int) -> bool:
    return next((lines[at] for at in range(index, end) if lines[at].strip()), "").startswith(">")


def _has_digit(lines: list[str], start: int, end: int) -> bool:
    """Attributions name a date or an address; `On the phone your colleague wrote:` does not."""
    return any(char.isdigit() or char == "@" for line in lines[start:end] for char in line)


def _without_quotes(lines: list[str], end: int) -> list[int]:
    """Indices of the lines before `end` that were written: above or below one quoted block, or all of them."""
    quoted = _quoted_indices(lines, end)
    runs: list[bool] = []
    for index in range(end):
        if lines[index].strip() and (not runs or runs[-1] != (index in quoted)):
            runs.append(index in quoted)
    if runs.count(True) == 1 and runs.count(False) <= 1:
        return [index for index in range(end) if index not in quoted]
    if runs[:2] == [False, True] and len(runs) == 3:
        last = max(quoted)
        if _is_tail(lines[last + 1 : end]):
            return list(range(min(quoted)))
    return list(range(end))


def _quoted_indices(lines: list[str], end: int) -> set[int]:
    """Lines with a quote mark, blank lines between them, and the attributions above them."""
    quoted = {index for index in range(end) if lines[index].startswith(">")}
    for index in range(end):
        if index in quoted or not lines[index].strip():
            continue
        after = _attribution_end(lines, index)
        if after and _quote_follows(lines, after, end):
            quoted.update(range(index, after))
    marks = sorted(quoted)
    for before, behind in pairwise(marks):
        if not any(lines[index].strip() for index in range(before + 1, behind)):
            quoted.update(range(before + 1, behind))
    return quoted


def _is_tail(lines: list[str]) -> bool:
    """Whether what follows a quotation is only a signature or the footer of a list."""
    content = [line for line in lines if line.strip()]
    return bool(content) and bool(
        _SIGNATURE.fullmatch(content[0])
        or _RULE.fullmatch(content[0])
        or all(_MOBILE.fullmatch(line) for line in content)
    )


def _without_signature(lines: list[str], written: list[int]) -> list[int]:
    """`written` without the signature at its end; the whole where nothing would be left."""
    for position in range(len(written) - 1, max(-1, len(written) - 2 - MAX_SIGNATURE_LINES), -1):
        if _SIGNATURE.fullmatch(lines[written[position]]):
            written = written[:position]
            break
    content = [position for position, index in enumerate(written) if lines[index].strip()]
    for position in content[-3:]:
        if _MOBILE.fullmatch(lines[written[position]]):
            return written[:position]
    return written
