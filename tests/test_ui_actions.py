"""The action table, and what derives from it."""

from __future__ import annotations

import pytest
from textual.keys import _character_to_key

from socialtriage.ui.actions import Where, actions_for, bindings_for, commands, table
from socialtriage.ui.keymaps import PRESETS, keymap, markdown_table, shown_key

CONTRACT_KEYS = {
    "j": "move.down",
    "k": "move.up",
    "g": "move.first",
    "G": "move.last",
    "ctrl+d": "move.half_down",
    "ctrl+u": "move.half_up",
    "enter": "case.open",
    "escape": "app.back",
    "q": "app.leave",
    "/": "find.search",
    "n": "find.next",
    "N": "find.previous",
    "\\": "find.filter",
    "?": "app.help",
    ":": "app.command",
    "ctrl+p": "app.palette",
    "f": "case.handoff",
    "t": "case.area",
    "!": "case.urgency",
    "tab": "case.accept",
    "e": "case.close",
    "a": "case.claim",
    "A": "case.assign",
    "s": "case.snooze",
    "u": "app.undo",
    "ctrl+r": "app.redo",
    "space": "list.mark",
    "v": "list.range",
    "i": "case.note",
    "w": "case.why",
    "y": "case.copy",
    "Y": "case.copy_link",
    "o": "case.browse",
    "R": "app.poll",
    "[": "view.previous",
    "]": "view.next",
    ".": "case.repeat",
    "J": "message.next",
    "K": "message.previous",
}


@pytest.mark.parametrize("key", CONTRACT_KEYS)
def test_the_promised_key_does_what_was_promised(key: str) -> None:
    wanted = _character_to_key(key) if len(key) == 1 else key
    assert wanted in table()[CONTRACT_KEYS[key]].keys.split(",")


def test_every_row_says_all_there_is_to_say() -> None:
    for action in table().values():
        assert action.tooltip.endswith((".", "…", "all again.")), action.id
        assert bool(action.handler) != bool(action.do), f"{action.id} has one way of being done"
        assert not action.command or action.handler, f"{action.id} is on the : line, so it needs a handler"
        assert not action.argument or action.command, action.id


def test_ids_and_command_names_are_unique() -> None:
    from socialtriage.ui.action_table import ACTIONS

    assert len(table()) == len(ACTIONS)
    assert len(commands()) == len([action for action in ACTIONS if action.command])


def test_no_key_has_two_meanings_in_one_place() -> None:
    for where in Where:
        seen: dict[str, str] = {}
        for action in actions_for(where):
            for key in filter(None, action.keys.split(",")):
                assert key not in seen, f"{key} is {seen.get(key)} and {action.id} in {where}"
                seen[key] = action.id


def test_no_key_asks_for_alt_which_other_layouts_need_for_letters() -> None:
    assert not [action.id for action in table().values() if "alt+" in action.keys]


def test_bindings_carry_ids_and_tooltips() -> None:
    for binding in bindings_for(*Where):
        assert binding.id in table()
        assert binding.tooltip


def test_an_action_without_a_key_can_still_be_given_one() -> None:
    (binding,) = [each for each in bindings_for(Where.INBOX) if each.id == "view.open"]
    assert binding.key.startswith("unbound-")


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid_and_leave_no_action_without_its_key(preset: str) -> None:
    result = keymap({"preset": preset})
    assert result.problems == ()
    assert result.notes == ()
    for where in Where:
        seen: dict[str, str] = {}
        for action in actions_for(where):
            for key in result.keys_of(action):
                assert key not in seen, f"{key} is {seen.get(key)} and {action.id} in {where}"
                seen[key] = action.id


def test_a_remapped_key_is_taken_from_the_action_that_had_it() -> None:
    result = keymap({"case.area": "a"})
    assert result.problems == ()
    assert result.keys_of(table()["case.area"]) == ("a",)
    assert result.keys_of(table()["case.claim"]) == ()
    assert result.notes == ('"case.claim" (claim) has no key now; the palette and `:` still reach it.',)


def test_a_second_key_stays_when_the_first_is_given_away() -> None:
    result = keymap({"case.claim": "t"})
    assert result.keys_of(table()["case.area"]) == ("l",)
    assert result.notes == ()


def test_screens_of_their_own_do_not_compete_with_the_inbox() -> None:
    assert keymap({"outbox.retry": "a"}).keys_of(table()["case.claim"]) == ("a",)


def test_what_is_wrong_in_the_keys_is_named_with_the_nearest_right_word() -> None:
    result = keymap({"preset": "gmial", "case.handof": "F", "case.note": "pagedwn"})
    assert result.problems == (
        'keys.preset: there is no preset "gmial" (did you mean gmail?)',
        'keys.case.handof: there is no action "case.handof" (did you mean case.handoff?)',
        'keys.case.note: "pagedwn" is no key (did you mean pagedown?)',
    )


def test_an_empty_text_takes_the_key_away() -> None:
    result = keymap({"case.claim": ""})
    assert result.problems == ()
    assert result.keys_of(table()["case.claim"]) == ()


def test_presets_are_those_that_the_configuration_knows() -> None:
    from socialtriage.config.keys import PRESETS as KNOWN

    assert tuple(PRESETS) == KNOWN


@pytest.mark.parametrize(
    ("key", "shown"),
    [("question_mark", "?"), ("slash", "/"), ("backslash", "\\"), ("escape", "esc"), ("j", "j"), ("ctrl+r", "ctrl+r")],
)
def test_keys_are_shown_as_they_are_typed(key: str, shown: str) -> None:
    assert shown_key(key) == shown


def test_the_table_for_the_readme_lists_every_action() -> None:
    text = markdown_table()
    for action in table().values():
        assert f"`{action.id}`" in text
