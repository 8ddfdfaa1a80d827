"""What a colleague's mail ends with does not get into the draft for the resident."""

from __future__ import annotations

import pytest

from socialtriage.domain.closing import without_closing

BELOW = "Alan Fenner\nWaste services\n01632 960 218\n\nThis email is confidential."


@pytest.mark.parametrize(
    "closing", ["Kind regards,", "Regards", "Best wishes", "Many thanks and kind regards", "Thanks.", "Yours sincerely"]
)
def test_the_closing_and_what_stands_below_is_left_out(closing: str) -> None:
    said = "The crew goes back tomorrow.\n\nThanks for telling us, and kind regards to the team that asked."
    assert without_closing(f"{said}\n\n{closing}\n{BELOW}\n") == said


@pytest.mark.parametrize(
    "text",
    [
        "Thanks",
        "Kind regards\nAlan",
        "Hi Jo\nThanks\nWe send a crew tomorrow.",
        "Thanks\n" + "line\n" * 40 + "end",
        "Done.",
        "",
    ],
)
def test_what_would_leave_nothing_and_what_is_no_closing_stays(text: str) -> None:
    assert without_closing(text) == text.strip()
