"""The rows of the one table of actions. `ui.actions` says what the columns mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from socialtriage.ui.actions import Action, Group, Where
from socialtriage.ui.evidence_actions import evidence_rows


def _at(where: Where, group: Group) -> Callable[..., Action]:
    """Rows that share a place and a heading."""

    def row(name: str, keys: str, label: str, tooltip: str, handler: str = "", **more: object) -> Action:
        return Action(name, keys, label, tooltip, where, group, handler, **more)  # type: ignore[arg-type]

    return row


def _moving() -> Iterator[Action]:
    row = _at(Where.LISTS, Group.MOVING)
    yield row("move.down", "j,down", "down", "One down.", do="move('down')")
    yield row("move.up", "k,up", "up", "One up.", do="move('up')")
    yield row("move.first", "g,home", "first", "To the first.", do="move('first')")
    yield row("move.last", "G,end", "last", "To the last.", do="move('last')")
    yield row("move.half_down", "ctrl+d", "half down", "Half a page down.", do="move('half_down')")
    yield row("move.half_up", "ctrl+u", "half up", "Half a page up.", do="move('half_up')")
    yield row("move.page_down", "pagedown,ctrl+f", "page down", "A page down.", do="move('page_down')")
    yield row("move.page_up", "pageup", "page up", "A page up.", do="move('page_up')")
    row = _at(Where.CASE_LIST, Group.MOVING)
    yield row("case.open", "enter", "open", "Open the case.", "look.open_case", main=1)
    row = _at(Where.SIDEBAR, Group.MOVING)
    yield row("sidebar.choose", "enter", "show", "Show this view, area or account.", do="choose", main=1)
    row = _at(Where.EVERYWHERE, Group.MOVING)
    yield row("app.back", "escape", "back", "Back to where you came from.", do="back")
    yield row("app.leave", "q", "back", "Back; in the inbox, quit.", do="leave")


def _views() -> Iterator[Action]:
    row = _at(Where.INBOX, Group.MOVING)
    yield row("view.next", "right_square_bracket", "next view", "The next view.", "look.next_view")
    yield row("view.previous", "left_square_bracket", "previous view", "The previous view.", "look.previous_view")
    yield row("view.1", "1", "queue", "View 1: everything that waits for us.", "look.numbered_view")
    yield row("view.2", "2", "mine", "View 2: the cases you hold.", "look.numbered_view")
    yield row("view.3", "3", "waiting", "View 3: waiting on a contact.", "look.numbered_view")
    yield row("view.4", "4", "tell", "View 4: a contact answered, the resident is to be told.", "look.numbered_view")
    yield row("view.5", "5", "overdue", "View 5: past their deadline.", "look.numbered_view")
    yield row("view.6", "6", "repeat", "View 6: people who had to come back.", "look.numbered_view")
    yield row("view.7", "7", "snoozed", "View 7: put off until later.", "look.numbered_view")
    yield row("view.8", "8", "all", "View 8: every case.", "look.numbered_view")
    yield row("view.9", "9", "closed", "View 9: closed cases.", "look.numbered_view")
    yield row("view.open", "", "view", "Show a view by its name.", "look.named_view", command="view", argument="view")
    yield row(
        "inbox.sidebar",
        "V",
        "sidebar",
        "Show or hide the views, areas and accounts.",
        "look.toggle_sidebar",
        command="sidebar",
    )
    yield row(
        "inbox.lines", "L", "lines", "One or two lines a case, or by the width.", "look.toggle_lines", command="lines"
    )
    yield row("inbox.pane_right", "right", "pane right", "To the pane on the right.", "look.pane_right")
    yield row("inbox.pane_left", "left", "pane left", "To the pane on the left.", "look.pane_left")


def _finding() -> Iterator[Action]:
    row = _at(Where.CASES, Group.FINDING)
    tooltip = "Search every case: words, people, references; area: from: account: is: before: narrow it."
    yield row("find.search", "slash", "search", tooltip, "find.search", command="search", argument="filter", main=9)
    yield row("find.next", "n", "next hit", "The next hit of the search.", "find.next_hit")
    yield row("find.previous", "N", "previous hit", "The hit before.", "find.previous_hit")
    tooltip = "Open a case by its reference, in any spelling."
    yield row("find.reference", "", "go to", tooltip, "find.reference", command="go", argument="text")
    row = _at(Where.INBOX, Group.FINDING)
    tooltip = "Narrow the view: area:waste is:private before:-7d words. An empty line shows all again."
    yield row("find.filter", "backslash", "filter", tooltip, "find.filter_bar", command="filter", argument="filter")


def _tagging() -> Iterator[Action]:
    row = _at(Where.CASES, Group.CASES)
    tooltip = "Tag with a service area, or area/topic: type to narrow, enter."
    yield row("case.area", "t,l", "area", tooltip, "tagging.area", command="area", argument="area", main=2)
    tooltip = "Urgency: then e emergency, u urgent, n normal, l low."
    yield row(
        "case.urgency",
        "exclamation_mark",
        "urgency",
        tooltip,
        "tagging.urgency",
        command="urgency",
        argument="urgency",
        main=3,
    )
    tooltip = "What kind of contact it is: enquiry, complaint, report, praise, press …"
    yield row("case.kind", "T", "kind", tooltip, "tagging.kind", command="kind", argument="kind")
    tooltip = "Accept the suggested area and urgency; where there is no suggestion, to the next pane."
    yield row("case.accept", "tab", "accept", tooltip, "tagging.accept", command="accept")
    tooltip = "Done: close with an outcome."
    yield row("case.close", "e", "done", tooltip, "closing.close", command="close", argument="outcome", main=6)
    yield row("case.reopen", "E", "reopen", "Reopen a closed case.", "tagging.reopen", command="reopen")
    yield row("case.claim", "a", "claim", "Claim: the case is yours.", "tagging.claim", command="claim", main=7)
    tooltip = "Assign to an officer, by initials."
    yield row("case.assign", "A", "assign", tooltip, "tagging.assign", command="assign", argument="officer")
    tooltip = "Put off until a time: tomorrow 09:00, 2d, 14:30."
    yield row("case.snooze", "s,b", "snooze", tooltip, "tagging.snooze", command="snooze", argument="when", main=8)
    tooltip = "Write a note for colleagues; residents never see it."
    yield row("case.note", "i", "note", tooltip, "tagging.note", command="note", argument="text")


def _handling() -> Iterator[Action]:
    tooltip = "Mark the case; actions then apply to every marked one."
    row = _at(Where.CASE_LIST, Group.CASES)
    yield row("list.mark", "space", "mark", tooltip, do="mark")
    yield row("list.range", "v", "mark range", "Begin or end marking a range.", do="mark_range")
    row = _at(Where.CASES, Group.CASES)
    tooltip = "Hand off to a contact by email, after a preview."
    yield row(
        "case.handoff", "f", "hand off", tooltip, "leaving.handoff", command="handoff", argument="contact", main=5
    )
    tooltip = "Answer the resident where they wrote; a review follows."
    yield row("case.reply", "r", "reply", tooltip, "leaving.reply", command="reply", main=4)
    tooltip = "Answer the resident in private, where the network allows it."
    yield row("case.reply_private", "D", "private", tooltip, "leaving.reply_private", command="private")
    tooltip = "Tell the resident: what the contact wrote becomes a draft, which you edit and review."
    yield row("case.tell", "p", "tell", tooltip, "answers.tell", command="tell")
    tooltip = "Remind the contact who has the case, after a preview; the mail quotes the first one."
    yield row("case.chase", "c", "remind", tooltip, "answers.chase", command="chase")
    tooltip = "Acknowledge: the resident hears the reference and what happens next; only that clock stops."
    yield row("case.acknowledge", "h", "acknowledge", tooltip, "saying.acknowledge", command="acknowledge")
    tooltip = "Answer with a saved one of the case's area: a letter takes it, a review follows."
    yield row("case.saved", "S", "saved answer", tooltip, "saying.saved", command="saved", argument="answer")
    tooltip = "Promise the resident word by a time: thu 17:00. It becomes the deadline."
    yield row("case.promise", "d", "promise", tooltip, "saying.promise", command="promise", argument="when")
    tooltip = "Answer once: the same words to every open case that asks the same, each in its own thread."
    yield row("case.once", "equals_sign", "answer once", tooltip, "saying.once", command="once", argument="answer")
    tooltip = "Make the last reply to the case a saved answer, with placeholders for what is the case's own."
    yield row("case.keep_answer", "plus", "reusable", tooltip, "saying.keep", command="reusable", argument="text")
    tooltip = "Merge with another case of the same person, or link two that belong together."
    yield row("case.merge", "m", "merge", tooltip, "grouping.merge", command="merge", argument="text")
    tooltip = "Split: the message that is pointed at, and what follows it, become a case of their own."
    yield row("case.split", "M", "split", tooltip, "grouping.split", command="split")
    tooltip = "Repeat the last action on this case."
    yield row("case.repeat", "full_stop", "repeat", tooltip, "tagging.repeat", command="repeat")
    row = _at(Where.EVERYWHERE, Group.CASES)
    tooltip = "A case from a contact made elsewhere: phone, counter, letter, chat."
    yield row("case.new", "", "new case", tooltip, "begin.new_case", command="new", argument="text")
    yield row("app.undo", "u,z", "undo", "Undo your last action, up to 50 of them.", "tagging.undo", command="undo")
    yield row("app.redo", "ctrl+r,Z", "redo", "Redo what you undid.", "tagging.redo", command="redo")


def _moderating() -> Iterator[Action]:
    row = _at(Where.CASES, Group.CASES)
    tooltip = "Hide the message where the network can, with a reason and after a snapshot; otherwise its page opens."
    yield row("case.hide", "H", "hide", tooltip, "moderating.hide", command="hide", argument="text")
    tooltip = "Block its author where the network can, with a reason, until a review."
    yield row("case.block", "B", "block", tooltip, "moderating.block", command="block", argument="text")
    tooltip = "Show a hidden message again."
    yield row("case.unhide", "", "unhide", tooltip, "moderating.unhide", command="unhide", argument="text")
    tooltip = "Delete the message for good where the network can: a reason, a snapshot, and a second question first."
    yield row("case.delete", "", "delete", tooltip, "moderating.delete", command="delete", argument="text")
    tooltip = "Mute its author where the network can, with a reason, until a review."
    yield row("case.mute", "", "mute", tooltip, "moderating.mute", command="mute", argument="text")
    tooltip = "Report message and author to the network's own moderators, with a reason."
    yield row(
        "case.report", "", "tell moderators", tooltip, "moderating.report", command="tell-network", argument="text"
    )
    tooltip = "Show the words of a held case in lists again."
    yield row("case.release", "", "release", tooltip, "moderating.release", command="release")
    row = _at(Where.EVERYWHERE, Group.DESK)
    tooltip = "What was hidden, deleted, blocked, muted and reported, and what is due for review."
    yield row("desk.moderation", "", "moderation", tooltip, "moderating.page", command="moderation")
    row = _at(Where.MODERATION, Group.DESK)
    tooltip = "It was looked at again, and stays."
    yield row("moderation.reviewed", "r", "reviewed", tooltip, do="reviewed", main=1)
    yield row("moderation.lift", "x", "take back", "Take it back: show again, unblock, unmute.", do="lift", main=2)
    yield row("moderation.open", "enter", "open case", "Open its case.", do="open_case", main=3)


def _keeping() -> Iterator[Action]:
    row = _at(Where.CASES, Group.CASES)
    tooltip = "Restrict: lists, exports and screens no longer show whose case it is and what it says; or show it again."
    yield row("case.restrict", "", "restrict", tooltip, "keeping.restrict", command="restrict")
    tooltip = "Dismiss a flag of the spotter as a false alarm, with the reason."
    yield row("case.dismiss", "minus", "dismiss flag", tooltip, "keeping.dismiss", command="dismiss", argument="text")
    tooltip = "Show a restricted case, which is put on record; or mask it again."
    yield row("case.unmask", "", "unmask", tooltip, "keeping.unmask", command="unmask")


def _reading() -> Iterator[Action]:
    row = _at(Where.CASE, Group.READING)
    yield row("message.next", "J", "next message", "The next message of the case.", do="stop(1)")
    yield row("message.previous", "K", "previous message", "The message before.", do="stop(-1)")
    tooltip = "Show the whole message; on a suggestion, accept it."
    yield row("message.enter", "enter", "more", tooltip, do="enter")
    row = _at(Where.CASE_SCREEN, Group.READING)
    yield row("case.next", "greater_than_sign", "next case", "The next case of the list.", "look.next_case")
    yield row("case.previous", "less_than_sign", "previous case", "The case before.", "look.previous_case")
    row = _at(Where.CASES, Group.READING)
    yield row("case.why", "w", "why", "Explain deadline and urgency line by line.", "look.why", command="why", main=10)
    yield row("case.copy", "y", "copy", "Copy the reference.", "look.copy_reference", command="copy")
    yield row("case.copy_link", "Y", "copy link", "Copy the link of the original.", "look.copy_link", command="link")
    tooltip = "Open the original in the browser."
    yield row("case.browse", "o", "original", tooltip, "look.browse", command="original")


def _review() -> Iterator[Action]:
    row = _at(Where.REVIEW, Group.REVIEW)
    yield row("review.send", "y", "send", "Send: it leaves after its undo window.", do="send", main=1)
    yield row("review.edit", "e", "note", "Write the note that goes with it; esc ends writing.", do="edit", main=2)
    yield row("review.contact", "c", "contact", "Choose another contact.", do="contact", main=3)
    yield row("review.redact", "r", "redact", "Hide everything that can be hidden, or nothing.", do="redact", main=4)
    yield row("review.expect", "x", "expected by", "By when an answer is expected.", do="expect", main=5)
    yield row("review.toggle", "space,enter", "tick", "Tick or untick the line; on others, change it.", do="tick")
    tooltip = "Back to the case; note and choices are kept until you quit."
    yield row("review.postpone", "p,escape,q", "back", tooltip, do="postpone", main=7)
    yield row("review.discard", "n", "discard", "Discard note and choices.", do="discard", main=6)
    row = _at(Where.REPLY, Group.REVIEW)
    yield row("reply.send", "y", "send", "Send: it leaves after its undo window.", do="send", main=1)
    yield row("reply.edit", "e", "edit", "Go on writing.", do="edit", main=2)
    tooltip = "Answer in private, or where they wrote; a question first."
    yield row("reply.private", "D", "public/private", tooltip, do="private", main=3)
    tooltip = "Consent to a thread of several posts where one is too long, or take it back."
    yield row("reply.split", "s", "thread", tooltip, do="split", main=6)
    yield row("reply.promise", "x", "promise", "Promise word by a time; it becomes the deadline.", do="promise", main=7)
    tooltip = "Answer in another thread or account of the case too, or no longer."
    yield row("reply.places", "w", "places", tooltip, do="places", main=9)
    yield row("reply.attach", "a", "picture", "Add a picture, and say what is on it.", do="attach", main=8)
    yield row("reply.detach", "A", "no picture", "Take the pictures out.", do="detach")
    yield row("reply.discard", "n", "discard", "Throw away what was written.", do="discard", main=4)
    yield row("reply.postpone", "p,escape,q", "back", "Back; what was written is kept.", do="postpone", main=5)
    row = _at(Where.CHASE, Group.REVIEW)
    yield row("chase.send", "y", "send", "Send: it leaves after its undo window.", do="send", main=1)
    yield row("chase.edit", "e", "note", "Write a note that goes with it; esc ends writing.", do="edit", main=2)
    yield row("chase.expect", "x", "expected by", "By when an answer is expected now.", do="expect", main=3)
    yield row("chase.deputy", "f", "deputy", "Hand the case to the deputy instead.", do="deputy", main=4)
    yield row("chase.postpone", "p,escape,q,n", "back", "Back to the case; nothing is sent.", do="postpone", main=5)
    row = _at(Where.COMPOSING, Group.REVIEW)
    yield row("reply.saved", "ctrl+o", "saved answer", "Put in a saved answer, filled in.", do="saved", main=1)
    tooltip = "Promise word by a time, in words and as the deadline."
    yield row("reply.promise_words", "ctrl+t", "promise", tooltip, do="promise", main=2)
    row = _at(Where.ONCE, Group.REVIEW)
    yield row("once.send", "y", "send", "Send to every ticked case, half a minute apart.", do="send", main=1)
    yield row("once.tick", "space,enter", "tick", "Tick or untick the case.", do="tick", main=2)
    yield row("once.edit", "e", "edit", "Change the words for this case alone.", do="edit", main=3)
    yield row("once.leave", "n,escape,q", "back", "Back; nothing is sent.", do="leave_it", main=4)


def _desk() -> Iterator[Action]:
    row = _at(Where.EVERYWHERE, Group.DESK)
    tooltip = "Every account with its state in words."
    yield row("desk.accounts", "f2", "accounts", tooltip, "look.accounts", command="accounts")
    yield row("desk.outbox", "f3", "outbox", "What waits to leave, and why.", "look.outbox", command="outbox")
    tooltip = "The contact network: who is away, who is deputy."
    yield row("desk.contacts", "f4", "contacts", tooltip, "look.contacts", command="contacts")
    tooltip = "Contacts' mail that an officer must place."
    yield row("desk.answers", "f5", "contacts' mail", tooltip, "answers.page", command="answers")
    tooltip = "Pause everything outgoing, on every desk of this store, or let it go on."
    yield row("desk.pause", "", "pause", tooltip, "grouping.hold", command="pause", argument="text")
    yield row("app.poll", "R", "poll now", "Poll every account now.", "look.poll", command="poll")
    row = _at(Where.OUTBOX, Group.DESK)
    tooltip = "Try again now; where the answer was lost, the source is asked first."
    yield row("outbox.retry", "r", "try again", tooltip, do="retry", main=1)
    yield row("outbox.drop", "d", "drop", "Drop it: it will not leave.", do="drop", main=2)
    tooltip = "Ask the source whether it arrived; nothing is sent."
    yield row("outbox.check", "c", "check at the source", tooltip, do="check", main=3)
    tooltip = "Approve a supervised officer's reply: it leaves after its undo window."
    yield row("outbox.approve", "y", "approve", tooltip, do="approve", main=5)
    tooltip = "Give a supervised officer's reply back to them, with a word why."
    yield row("outbox.return", "b", "return", tooltip, do="give_back", main=6)
    yield row("outbox.open", "enter", "open case", "Open its case.", do="open_case", main=4)
    row = _at(Where.ACCOUNTS, Group.DESK)
    tooltip = "Sign the account in: the walk through its network's sign-in, in this terminal."
    yield row("accounts.login", "L", "sign in", tooltip, do="sign_in", main=3)
    tooltip = "Take note of the account's gaps; they are shown no more."
    yield row("accounts.noted", "n", "gap noted", tooltip, do="gap_noted", main=1)
    tooltip = "Read the account again from before its first gap at the next pass."
    yield row("accounts.fill", "F", "fill gap", tooltip, do="gap_fill", main=2)
    row = _at(Where.CONTACTS, Group.DESK)
    yield row("contacts.away", "a", "away", "Say until when a contact is away.", do="away", main=1)
    yield row("contacts.back", "b", "is back", "The contact is back.", do="is_back", main=2)
    row = _at(Where.ANSWERS, Group.DESK)
    yield row("answers.accept", "a", "let in", "Let the mail do what it says: join its case.", do="accept", main=1)
    yield row("answers.case", "c", "case", "Put the mail into another case.", do="case", main=2)
    yield row("answers.ignore", "x,d", "ignore", "Take the mail off the list.", do="ignore", main=3)
    yield row("answers.open", "enter", "open case", "Open the case that it may belong to.", do="open_case", main=4)


def _figures() -> Iterator[Action]:
    row = _at(Where.EVERYWHERE, Group.DESK)
    tooltip = "The demand figures of a week, a month, a year or any period."
    yield row("desk.figures", "f9", "figures", tooltip, "figures.page", command="report", argument="span")
    row = _at(Where.FIGURES, Group.DESK)
    yield row("figures.open", "enter", "list cases", "List the cases of the figure.", do="open_cases", main=1)
    yield row("figures.next", "right_square_bracket", "next figure", "The next figure.", do="table(1)", main=7)
    yield row("figures.previous", "left_square_bracket", "figure before", "The figure before.", do="table(-1)")
    yield row("figures.week", "w", "week", "The seven days that end with today.", do="take_span('week')", main=2)
    yield row("figures.month", "m", "month", "The thirty days that end with today.", do="take_span('month')", main=3)
    tooltip = "Twelve calendar months, the present one included."
    yield row("figures.year", "y", "year", tooltip, do="take_span('year')", main=4)
    yield row("figures.period", "p", "period", "Another period: its first and its last day.", do="ask_span", main=5)
    yield row(
        "figures.save", "x", "save", "Write the figures to a file: .html, .csv, .json or .txt.", do="save", main=6
    )


def _many() -> Iterator[Action]:
    row = _at(Where.EVERYWHERE, Group.DESK)
    tooltip = "Follow the questions below one post: its address, its id, or the selected case's."
    yield row("desk.live", "", "live", tooltip, "live.page", command="live", argument="text")
    tooltip = "Incidents: one statement on every account, and the cases that belong to it."
    yield row("desk.incidents", "", "incidents", tooltip, "incident.page", command="incident", argument="text")
    tooltip = "What arrives now against what is usual at this hour; take note of it."
    yield row("desk.surge", "", "surge", tooltip, "live.arrivals", command="surge")
    row = _at(Where.CASES, Group.CASES)
    tooltip = "The case belongs to the incident that runs, or not."
    yield row("case.incident", "I", "incident", tooltip, "incident.toggle", command="belongs", argument="text")
    row = _at(Where.LIVE, Group.DESK)
    yield row("live.open", "enter", "open case", "Open the case of the question.", do="open_case", main=1)
    tooltip = "Move the question on: to answer, answered, off topic."
    yield row("live.move", "space", "move", tooltip, do="move_on", main=2)
    yield row("live.off", "o", "off topic", "Off topic, or back to be answered.", do="off_topic", main=3)
    yield row("live.save", "x", "save", "Write questions and answers to a file: .csv or .json.", do="save", main=4)
    row = _at(Where.INCIDENTS, Group.DESK)
    yield row("incidents.open", "enter", "list cases", "List its cases in the inbox.", do="open_cases", main=1)
    yield row("incidents.new", "n", "new", "Begin an incident with a statement.", do="begin_one", main=2)
    yield row("incidents.say", "s", "say more", "Say more of it on every account.", do="say_more", main=3)
    yield row("incidents.end", "d", "end", "End it: no new case is suggested for it.", do="end_it", main=4)
    row = _at(Where.STATEMENT, Group.REVIEW)
    yield row(
        "statement.send",
        "y",
        "send",
        "Send on every ticked account, after the longest of their undo windows.",
        do="send",
        main=1,
    )
    yield row("statement.tick", "space,enter", "tick", "Tick or untick the account.", do="tick", main=2)
    yield row("statement.edit", "e", "edit", "Other words for every account of this network.", do="edit", main=3)
    yield row("statement.leave", "n,escape,q", "back", "Back; nothing is sent.", do="leave_it", main=4)


def _program() -> Iterator[Action]:
    row = _at(Where.EVERYWHERE, Group.PROGRAM)
    tooltip = "The keys of this screen, to search through."
    yield row("app.help", "question_mark,f1", "keys", tooltip, "look.show_help", command="help")
    yield row("app.command", "colon", "command", "The command line.", "look.command_line")
    yield row("app.palette", "ctrl+p", "palette", "The palette of every action.", do="command_palette")
    yield row("app.theme", "", "theme", "Choose the colours.", "look.theme", command="theme", argument="theme")
    yield row("app.quit", "ctrl+q", "quit", "Quit.", "look.quit_program", command="quit")


def _dialogs() -> Iterator[Action]:
    row = _at(Where.DIALOG, Group.DIALOGS)
    yield row("dialog.cancel", "escape", "cancel", "Leave the dialog; nothing is done.", do="cancel", main=9)
    row = _at(Where.CONFIRM, Group.DIALOGS)
    yield row("confirm.yes", "y", "yes", "Yes, do it.", do="answer(True)", main=1)
    yield row("confirm.no", "n,q", "no", "No.", do="answer(False)", main=2)
    row = _at(Where.WRITING, Group.DIALOGS)
    yield row("write.keep", "ctrl+s", "keep", "Keep what was written.", do="keep", main=1)
    row = _at(Where.CHOICES, Group.DIALOGS)
    yield row("choices.down", "down,ctrl+n", "down", "The next choice.", do="choose(1)")
    yield row("choices.up", "up,ctrl+p", "up", "The choice before.", do="choose(-1)")
    row = _at(Where.READING, Group.DIALOGS)
    yield row("reading.down", "down", "down", "Scroll down.", do="scroll('down')")
    yield row("reading.up", "up", "up", "Scroll up.", do="scroll('up')")
    yield row("reading.page_down", "pagedown", "page down", "Scroll a page down.", do="scroll('page_down')")
    yield row("reading.page_up", "pageup", "page up", "Scroll a page up.", do="scroll('page_up')")
    row = _at(Where.LETTERS, Group.DIALOGS)
    yield row("letters.take", "enter", "take", "Take the choice that is pointed at.", do="take", main=1)
    row = _at(Where.COMMAND, Group.DIALOGS)
    yield row("command.complete", "tab", "complete", "Take the marked completion.", do="complete", main=1)


ACTIONS: tuple[Action, ...] = (
    *_moving(),
    *_views(),
    *_finding(),
    *_tagging(),
    *_handling(),
    *_moderating(),
    *evidence_rows(_at),
    *_keeping(),
    *_reading(),
    *_review(),
    *_desk(),
    *_figures(),
    *_many(),
    *_program(),
    *_dialogs(),
)
