"""The rows of the table of actions about files of cases: photos to look at, and facts that an area needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from socialtriage.ui.actions import Action, Group, Where


def evidence_rows(at: Callable[[Where, Group], Callable[..., Action]]) -> Iterator[Action]:
    """The rows; `at` makes those that share a place and a heading."""
    row = at(Where.CASES, Group.CASES)
    tooltip = "Open a kept photo, video or file in the system's viewer, after a question."
    yield row("case.evidence", "O,X", "open file", tooltip, "evidence.open_file", command="evidence")
    tooltip = "Look at the case's photos in the terminal, one after the other, with what is known of each file."
    yield row("case.picture", "P", "look at photo", tooltip, "pictures.look", command="picture")
    tooltip = "Note a fact that the area needs: address, place, collection day."
    yield row("case.fact", "F", "fact", tooltip, "evidence.fact", command="fact", argument="text")
    tooltip = "Draft one question to the resident for everything that is still missing."
    yield row("case.question", "Q", "ask", tooltip, "evidence.question", command="ask")
    row = at(Where.CASES, Group.READING)
    tooltip = "Draw the case's photos within the thread, or take them out again."
    yield row("case.pictures", "W", "photos here", tooltip, "pictures.inline", command="pictures")
    row = at(Where.PICTURE, Group.READING)
    yield row("picture.next", "J,n,space", "next", "The next file of the case.", do="turn(1)", main=1)
    yield row("picture.previous", "K,N", "before", "The file before.", do="turn(-1)", main=2)
    yield row("picture.closer", "plus,equals_sign", "closer", "Closer.", do="zoom(2)", main=3)
    yield row("picture.away", "minus,underscore", "away", "Further away.", do="zoom(0.5)", main=4)
    yield row("picture.left", "h,left", "left", "To the left.", do="pan(-1, 0)")
    yield row("picture.right", "l,right", "right", "To the right.", do="pan(1, 0)")
    yield row("picture.up", "k,up", "up", "Upwards.", do="pan(0, -1)")
    yield row("picture.down", "j,down", "down", "Downwards.", do="pan(0, 1)")
    tooltip = "Open the file in the system's viewer, after a question."
    yield row("picture.open", "O,X", "open outside", tooltip, do="open_outside", main=5)
