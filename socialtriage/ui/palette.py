"""The palette: every action of the table that can be done from anywhere, and the views, areas and contacts by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from socialtriage.services import inbox
from socialtriage.ui.actions import Action, table

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp


class ActionProvider(Provider):
    """Actions with a handler, and views and areas by name. All is content: the palette reads `str` as markup."""

    @property
    def _triage(self) -> TriageApp:
        return cast("TriageApp", self.app)

    def _found(self) -> list[tuple[str, str, Callable[[], None]]]:
        """Title, help and what it does."""
        app = self._triage
        rows = [
            (_title(each), _help(each, app.key_of(each)), partial(app.perform, each.id))
            for each in table().values()
            if each.handler and not each.id.removeprefix("view.").isdigit()
        ]
        views = [(f"View: {view.name}", "", partial(app.perform, "view.open", view.id)) for view in inbox.ALL_VIEWS]
        areas = [
            (f"Tag: {area.name}", "", partial(app.perform, "case.area", area.id)) for area in app.desk.config.areas
        ]
        return [*rows, *views, *areas]

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for title, more, do in self._found():
            yield DiscoveryHit(_prompt(title, more), do, title)

    async def search(self, query: str) -> Hits:
        """What fits, best first."""
        matcher = self.matcher(query)
        for title, more, do in self._found():
            score = max(matcher.match(title), matcher.match(f"{title} {more}") * 0.8)
            if score > 0:
                yield Hit(score, _prompt(title, more), do, text=title)


def _prompt(title: str, more: str) -> Content:
    return Content.assemble((f"{title}  ", "bold"), (more, "$ink-dim"))


def _title(action: Action) -> str:
    return action.label[0].upper() + action.label[1:]


def _help(action: Action, key: str) -> str:
    return f"{action.tooltip}  {f'({key})' if key else ''}".rstrip()
