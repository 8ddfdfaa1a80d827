"""Until when an out-of-office answer says that its writer is away, in the languages our contacts write."""

from __future__ import annotations

import re
from datetime import date, timedelta

MAX_TEXT = 8000
"""Characters that are looked at: automatic answers are short, and quoted history may follow."""
_LONGEST = timedelta(days=400)

_MONTHS = {
    word: number
    for number, forms in enumerate(
        (
            "january jan ionawr ion janvier janv januar jänner januari enero ene",
            "february feb chwefror chwe février févr februar februari febrero",
            "march mar mawrth maw mars märz mrz maart mrt marzo",
            "april apr ebrill ebr avril avr abril abr",
            "may mai mei mayo",
            "june jun mehefin meh juin juni junio",
            "july jul gorffennaf gorff juillet juil juli julio",
            "august aug awst août augustus agosto ago",
            "september sep sept medi septembre septiembre",
            "october oct hydref hyd octobre oktober okt octubre",
            "november nov tachwedd tach novembre noviembre",
            "december dec rhagfyr rhag décembre déc dezember dez diciembre dic",
        ),
        1,
    )
    for word in forms.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_TRIGGER = (
    r"(?:until|till?|through|back(?: in(?: the office)?| at (?:work|my desk))?(?: on| from)?|return(?:ing|s|ed)?"
    r"(?: to (?:the office|work|my desk))?(?: on)?|resum\w+|away (?:from .{1,40}? )?to|tan|hyd(?: at)?|"
    r"(?:yn )?(?:ôl|nôl)(?: yn y (?:swyddfa|gwaith))?(?: ar)?|dychwel\w*(?: i'r (?:swyddfa|gwaith))?(?: ar)?|"
    r"jusqu['’]au|de retour(?: au bureau)?(?: le)?|à partir du|bis(?: (?:zum|einschließlich))?|wieder (?:ab|am)|"
    r"zurück(?: am| ab)?|tot(?: en met)?|terug(?: op| vanaf)?|weer (?:op|vanaf)|aanwezig (?:op|vanaf)|"
    r"hasta(?: el)?|regres\w+(?: el)?|vuelv\w+(?: el)?)"
)
_WEEKDAY = r"(?:[^\W\d_]{2,12}\.?,?\s+){0,2}"
_DATE = (
    r"(?:(?P<iso>\d{4}-\d{1,2}-\d{1,2})"
    r"|(?P<day>\d{1,2})(?:st|nd|rd|th|er|af|ain|eg|fed|ydd|\.)?\s+(?:of\s+|o\s+|de\s+)?"
    rf"(?P<month>{_MONTH})\.?(?:,?\s+(?:de\s+)?(?P<year>\d{{4}}))?"
    rf"|(?P<month2>{_MONTH})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year2>\d{{4}}))?"
    r"|(?P<d>\d{1,2})(?P<sep>[/.-])(?P<m>\d{1,2})(?:(?P=sep)(?P<y>\d{4}|\d{2}))?)(?![\d/])"
)
_AWAY = re.compile(
    rf"\b{_TRIGGER}:?\s+(?:the\s+|y\s+)?{_WEEKDAY}(?:the\s+|den\s+|dem\s+|le\s+|el\s+|y\s+)?{_DATE}", re.IGNORECASE
)


def away_until(text: str, sent: date) -> date | None:
    """The date that an absence note names (last day away or first day back, as it says); None where none is certain.

    Days come before months, as our contacts write them. A date without a year is the next one after `sent`.
    """
    for match in _AWAY.finditer(text[:MAX_TEXT]):
        named = _named(match, sent)
        if named is not None and sent <= named <= sent + _LONGEST:
            return named
    return None


def _named(match: re.Match[str], sent: date) -> date | None:
    try:
        if match["iso"]:
            year, month, day = (int(part) for part in match["iso"].split("-"))
            return date(year, month, day)
        word = match["month"] or match["month2"]
        month = _MONTHS[word.lower()] if word else int(match["m"])
        day = int(match["day"] or match["day2"] or match["d"])
        given = match["year"] or match["year2"] or match["y"]
        if given:
            return date(int(given) + (2000 if len(given) == 2 else 0), month, day)
        this_year = date(sent.year, month, day)
        return this_year if this_year >= sent else date(sent.year + 1, month, day)
    except (ValueError, KeyError):
        return None
