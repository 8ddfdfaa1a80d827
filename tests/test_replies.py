"""Replies: threads by consent, warnings, what is refused, promises, acknowledgements, and a second officer's word."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.config.load import parse
from socialtriage.domain import replying
from socialtriage.domain.errors import ConfigError, Refused, Stale, UsageError
from socialtriage.domain.models import OutboxKind, OutboxState, Status, Visibility
from socialtriage.services import (
    acknowledging,
    approvals,
    drafts,
    inbox,
    likely_answers,
    outbox,
    promises,
    queries,
    replies,
    saved_answers,
    triage,
)
from tests.doubles.desk import CONFIG, MONDAY, case_ids, kinds, small_desk
from tests.doubles.mastodon import Asked
from tests.doubles.reply_desk import ReplyDesk, reply_desk

LONG = " ".join(f"Sentence {number} explains the collection calendar of your street." for number in range(20))


def signed(sign_off: str = "^{initials}") -> str:
    """The configuration with a sign-off on the Mastodon account."""
    return CONFIG.replace('handle = "@anytown"', f'handle = "@anytown"\nsign_off = "{sign_off}"')


# --- threads ----------------------------------------------------------------------------------------------------


def test_a_long_answer_is_a_thread_by_consent_only_each_part_below_the_one_before(tmp_path: Path) -> None:
    with reply_desk(tmp_path, signed()) as desk:
        case_id = desk.ask("When do you come?")
        with pytest.raises(Refused, match=r"of 500 characters.*as a thread of 3 posts"):
            desk.draft(case_id, LONG)
        rows = desk.reply(case_id, LONG, split=True)
        assert len(rows) == 3
        desk.send()
        assert desk.states(*rows) == [OutboxState.SENT] * 3
        first, second, third = desk.ours
        assert (second.parent, third.parent) == (first.id, second.id)
        assert first.text.startswith("@ada ")
        assert first.text.endswith("(1/3)")
        assert third.text.endswith("(3/3)")
        assert "^JS" in third.text
        assert "^JS" not in first.text
        case = desk.desk.store.cases.get(case_id)
        assert case.status is Status.WAITING_RESIDENT
        assert case.messages == 4


def test_of_a_thread_nothing_follows_a_part_that_failed_and_the_rest_goes_on_when_it_is_mended(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("When do you come?")
        rows = desk.reply(case_id, LONG, split=True)

        def second_fails(asked: Asked) -> None:
            if asked.method == "POST" and not desk.ours:
                desk.server.fail(422, path="/api/v1/statuses", method="POST")

        desk.server.on_request = second_fails
        desk.send()
        desk.server.on_request = None
        assert desk.states(*rows) == [OutboxState.SENT, OutboxState.FAILED, OutboxState.QUEUED]
        assert desk.desk.store.cases.get(case_id).answered_at is None
        assert desk.desk.store.cases.get(case_id).acknowledged_at is not None
        assert desk.send(everything=True) == []
        with pytest.raises(Refused, match="follows row"):
            desk.with_network(lambda poller, sender: sender.retry(rows[2]))
        retried = desk.with_network(lambda poller, sender: sender.retry(rows[1]))
        assert retried.state is OutboxState.SENT
        desk.send()
        assert desk.states(*rows) == [OutboxState.SENT] * 3
        assert [post.parent for post in desk.ours[1:]] == [post.id for post in desk.ours[:-1]]
        assert desk.desk.store.cases.get(case_id).answered_at is not None


def test_taking_a_thread_back_returns_all_of_what_was_written_without_the_sign_off(tmp_path: Path) -> None:
    with reply_desk(tmp_path, signed()) as desk:
        case_id = desk.ask("When do you come?")
        desk.reply(case_id, LONG, split=True, private=True)
        triage.undo(desk.desk)
        assert outbox.rows(desk.desk) == []
        kept = drafts.kept_reply(desk.desk, case_id)
        assert (kept.text, kept.private) == (LONG, True)
        desk.send(everything=True)
        assert desk.ours == []


def test_a_lost_answer_in_a_thread_is_looked_up_by_words_and_time_and_nothing_is_posted_twice(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("When do you come?")
        rows = desk.reply(case_id, LONG, split=True)
        desk.server.fail("lost", path="/api/v1/statuses", method="POST")
        desk.send()
        assert desk.states(*rows) == [OutboxState.UNKNOWN, OutboxState.QUEUED, OutboxState.QUEUED]
        found = desk.with_network(lambda poller, sender: sender.check_at_source(rows[0]))
        assert found.state is OutboxState.SENT
        desk.send()
        assert desk.states(*rows) == [OutboxState.SENT] * 3
        assert len(desk.ours) == 3
        assert [post.parent for post in desk.ours[1:]] == [post.id for post in desk.ours[:-1]]


def test_a_row_that_the_source_does_not_have_is_failed_and_may_be_tried_again(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        [row] = desk.reply(desk.ask("When?"), "On Thursday.")
        desk.server.fail("reset", path="/api/v1/statuses", method="POST")
        desk.send()
        assert desk.states(row) == [OutboxState.UNKNOWN]
        answer = desk.with_network(lambda poller, sender: sender.check_at_source(row))
        assert (answer.state, desk.ours) == (OutboxState.FAILED, [])
        assert "not there" in (answer.error or "")
        assert desk.with_network(lambda poller, sender: sender.retry(row)).state is OutboxState.SENT
        assert len(desk.ours) == 1


# --- what is warned about, and what is refused ------------------------------------------------------------------


WARY = """
[moderation]
flag = ["idiot*"]
"""


def test_every_warning_is_given(tmp_path: Path) -> None:
    config = signed().replace('holidays = "GB-ENG"', 'holidays = "GB-ENG"\npre_election = ["2026-11-10..2026-12-01"]')
    with reply_desk(tmp_path, config, WARY) as desk:
        case_id = desk.ask("Call me on 07700 900123 about my bin")
        other = desk.other("MK")
        drafts.keep(other, case_id, OutboxKind.REPLY, "I am at it")
        triage.assign(desk.desk, [case_id], "AB")
        words = (
            "We ring 07700 900123, write to waste@anytown.example; @cllr.x says idiotic. The map is attached. {soon}"
        )
        said = " ".join(desk.draft(case_id, words).warnings)
        for warning in (
            "PUBLIC and holds personal data of the resident: phone number",
            "PUBLIC and holds personal data of a colleague: email address",
            "blocked word: idiot*",
            "AB holds this case",
            "MK is writing for this case too",
            "names somebody else: @cllr.x",
            "speaks of something attached",
            "pre-election period, until Tuesday 1 December 2026",
            "{soon}, which nobody fills in",
        ):
            assert warning in said, warning
        private = " ".join(desk.draft(case_id, words, private=True).warnings)
        assert "PUBLIC" not in private
        assert "pre-election" not in private
        desk.reply(case_id, "On Thursday.")
        assert "Another reply to this case, by you, is in the outbox." in desk.draft(case_id, "Again").warnings
        assert desk.ours == []


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        ("Pay to GB29 NWBK 6016 1331 9268 19", "personal data: bank account"),
        ("You live at SE13\u200b 7TT", "personal data: postcode"),
        ("\u0456diots, all of them", "blocked word: idiot*"),
        ("i.d.i.o.t", "blocked word: idiot*"),
        ("id!ot", "blocked word: idiot*"),
        ("Mae'r ffurflen ynghlwm.", "speaks of something attached"),
        ("We attach the form.", "speaks of something attached"),
        ("The map is below.", "speaks of something attached"),
        ("It is due on [insert date].", "[insert date], which nobody fills in"),
        ("Dear [NAME], soon.", "[NAME], which nobody fills in"),
    ],
)
def test_what_is_written_so_that_nobody_sees_it_is_warned_about_too(tmp_path: Path, words: str, warning: str) -> None:
    with reply_desk(tmp_path, more=WARY) as desk:
        said = " ".join(desk.draft(desk.ask("My bin?"), words).warnings)
        assert warning in said


def test_a_placeholder_in_any_spelling_leaves_nowhere(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("My bin was missed")
        for words in ("{Ref}", "{ ref }", "{{ref}}", "{re\u200bf}", "{REF}", "a {b{due}c}"):
            with pytest.raises(Refused, match="still holds"):
                desk.draft(case_id, words)


def test_words_that_are_safe_bring_no_warning(tmp_path: Path) -> None:
    with reply_desk(tmp_path, CONFIG) as desk:
        case_id = desk.ask("My bin was missed")
        draft = desk.draft(case_id, "Sorry @ada, the lid was attached to the bin. See https://anytown.example/bins")
        assert draft.warnings == ()
        assert "below what @ada@" in draft.place
        assert draft.visibility is Visibility.PUBLIC
        assert draft.length.limit == 500


def test_what_must_not_leave_is_refused_and_nothing_is_queued(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("My bin was missed")
        seen = desk.desk.store.cases.get(case_id).version
        with pytest.raises(Refused, match=r"still holds {due}, {ref}"):
            desk.draft(case_id, "By {due}, {ref}")
        with pytest.raises(Refused, match="moment that is promised has passed"):
            desk.draft(case_id, "Soon", promise=MONDAY - timedelta(hours=1))
        with pytest.raises(Refused, match="a word that does not fit"):
            desk.draft(case_id, "x" * 600, split=True)
        draft = desk.draft(case_id, "On Thursday.")
        triage.note(desk.other("MK"), case_id, "I rang her.")
        with pytest.raises(Stale) as stale:
            desk.draft(case_id, "On Thursday.", seen=seen)
        assert any("MK: case noted" in line for line in stale.value.changes)
        with pytest.raises(Stale):
            replies.queue(desk.desk, draft)
        assert outbox.rows(desk.desk) == []
        assert desk.ours == []


def test_of_two_officers_who_answer_the_same_case_one_is_told_and_one_answer_leaves(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("My bin was missed")
        triage.tag(desk.desk, [case_id], area="waste")
        other = desk.other("MK")
        mine, theirs = desk.draft(case_id, "On Thursday."), desk.draft(case_id, "On Friday.", other)
        replies.queue(desk.desk, mine, undo_seconds=0)
        with pytest.raises(Stale) as stale:
            replies.queue(other, theirs)
        assert any("JS: reply queued" in line for line in stale.value.changes)
        desk.send()
        assert [post.text for post in desk.ours] == ["@ada On Thursday."]


def test_a_private_message_is_never_answered_in_public(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("Please keep this between us", visibility="direct")
        draft = desk.draft(case_id, "We will.")
        assert draft.visibility is Visibility.PRIVATE
        assert draft.place.startswith("in your conversation")


# --- promises and acknowledgements ------------------------------------------------------------------------------


def test_a_promise_is_a_deadline_a_line_in_the_log_and_kept_or_broken_in_the_end(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id, late = desk.ask("When?", "ada"), desk.ask("And mine?", "bob")
        by = promises.moment(desk.desk, "by thu 17:00")
        rows = desk.reply(case_id, "We will tell you more soon.", promise=by)
        desk.send()
        case = desk.desk.store.cases.get(case_id)
        assert desk.states(*rows) == [OutboxState.SENT]
        assert (case.status, case.due_at, case.due_clock, case.promise_kept) == (Status.OPEN, by, "promise", None)
        assert "case.promised" in kinds(desk.desk, case_id)
        promises.promise(desk.desk, [late], promises.moment(desk.desk, "tomorrow 09:00"))
        assert case_ids(desk.desk, "promised") == [late, case_id]
        query = queries.parse_query("is:promised", desk.desk, "all")
        assert set(inbox.snapshot(desk.desk, query)) == {late, case_id}
        desk.clock.move(days=2)
        desk.reply(case_id, "It was the driver; we come tomorrow.")
        desk.reply(late, "Yours too.")
        desk.send()
        kept = [desk.desk.store.cases.get(each).promise_kept for each in (case_id, late)]
        assert kept == [True, False]
        assert "promise.kept" in kinds(desk.desk, case_id)
        assert "promise.broken" in kinds(desk.desk, late)
        assert case_ids(desk.desk, "promised") == []


def test_a_case_put_off_while_its_answer_was_about_to_leave_stays_put_off(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("When do you come?")
        until = desk.desk.clock() + timedelta(days=2)
        desk.reply(case_id, "Tomorrow, we hope.")
        triage.snooze(desk.desk, [case_id], until)
        desk.send()
        case = desk.desk.store.cases.get(case_id)
        assert (case.status, case.snoozed_until) == (Status.SNOOZED, until)
        assert case.answered_at is not None
        desk.clock.move(minutes=5)
        desk.reply(case_id, "It was today after all.")
        desk.send()
        assert desk.desk.store.cases.get(case_id).status is Status.WAITING_RESIDENT, "the answer came after the snooze"


def test_a_promise_for_a_day_when_nobody_works_is_pointed_out(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("When?")
        christmas = promises.moment(desk.desk, "25 Dec 17:00")
        assert (
            "It promises word by Friday 25 December, when nobody works."
            in desk.draft(case_id, "Soon.", promise=christmas).warnings
        )
        assert desk.draft(case_id, "Soon.", promise=promises.moment(desk.desk, "thu 17:00")).warnings == ()
        assert (
            "Nobody works on Sunday 22 November"
            in promises.promise(desk.desk, [case_id], promises.moment(desk.desk, "sunday 01:30")).said
        )


def test_a_reply_that_repeats_the_promise_does_not_keep_it(tmp_path: Path) -> None:
    answer = '\n[[answers]]\nid = "later"\ntext = "You will hear from us by {promise}."\n'
    with reply_desk(tmp_path, CONFIG, answer) as desk:
        case_id = desk.ask("When?")
        with pytest.raises(Refused, match=r"{promise}"):
            desk.draft(case_id, replies.saved(desk.desk, case_id, "later", desk.clock()))
        promises.promise(desk.desk, [case_id], promises.moment(desk.desk, "thu 17:00"))
        desk.reply(case_id, replies.saved(desk.desk, case_id, "later", desk.clock()))
        desk.send()
        assert "by Thursday 19 November, 17:00." in desk.ours[0].text
        case = desk.desk.store.cases.get(case_id)
        assert (case.promise_kept, case.due_clock, case.answered_at is not None) == (None, "promise", True)


def test_an_acknowledgement_stops_its_own_clock_only_and_is_given_once(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("When?")
        text = acknowledging.wording(desk.desk, case_id)
        ref = desk.desk.store.cases.get(case_id).ref
        assert text == f"Thank you, we have your message. Your reference is {ref}. We will answer by {_due(desk)}."
        desk.reply(case_id, text, acknowledge=True)
        with pytest.raises(Refused, match="a reply in the outbox already"):
            acknowledging.wording(desk.desk, case_id)
        desk.send()
        case = desk.desk.store.cases.get(case_id)
        assert case.acknowledged_at is not None
        assert case.answered_at is None
        assert (case.status, case.due_clock) == (Status.OPEN, "answer")
        with pytest.raises(Refused, match="was acknowledged or answered on"):
            acknowledging.wording(desk.desk, case_id)
        late = desk.ask("Hello?", "bob")
        desk.clock.move(days=10)
        assert acknowledging.wording(desk.desk, late).startswith("Sorry for the wait")


def _due(desk: ReplyDesk) -> str:
    return "Tuesday 17 November, 10:05"


# --- a second officer's word ------------------------------------------------------------------------------------


def test_a_supervised_officers_reply_leaves_with_a_second_officers_word_alone(tmp_path: Path) -> None:
    config = CONFIG.replace('holidays = "GB-ENG"', 'holidays = "GB-ENG"\nsupervised = ["JS", "TR"]')
    with reply_desk(tmp_path, config) as desk:
        case_id = desk.ask("When?")
        rows = desk.reply(case_id, LONG, split=True)
        assert desk.send(everything=True) == []
        assert desk.states(*rows) == [OutboxState.QUEUED] * 3
        with pytest.raises(Refused, match="waits for the approval"):
            desk.with_network(lambda poller, sender: sender.retry(rows[0]))
        with pytest.raises(Refused, match="Nobody approves or returns their own"):
            approvals.approve(desk.desk, rows[0])
        with pytest.raises(Refused, match="wait for approval"):
            approvals.approve(desk.other("TR"), rows[0])
        for spelling in ("j.s.", "J S"):
            with pytest.raises(Refused, match="Nobody approves or returns their own"):
                approvals.approve(desk.other(spelling), rows[0])
        chief = desk.other("MK")
        with pytest.raises(UsageError, match="Say what is to be changed"):
            approvals.give_back(chief, rows[1], "  ")
        approvals.give_back(chief, rows[1], "Shorter, please.")
        assert outbox.rows(chief) == []
        assert drafts.kept_reply(desk.desk, case_id).text == LONG
        # Who wrote it is told without looking for it: the case is theirs, and the top line counts what did not leave.
        assert desk.desk.store.cases.get(case_id).owner == desk.desk.officer
        assert (desk.desk.store.replies.drafts(desk.desk.officer), chief.store.replies.drafts("MK")) == (1, 0)
        query = queries.parse_query("is:draft", desk.desk, "all")
        assert list(inbox.snapshot(desk.desk, query)) == [case_id]
        assert list(inbox.snapshot(chief, query)) == []
        [row] = desk.reply(case_id, "On Thursday.")
        assert desk.desk.store.replies.drafts(desk.desk.officer) == 0
        triage.tag(chief, [case_id], area="waste")
        with pytest.raises(Stale):
            approvals.approve(chief, row)
        assert desk.ours == []
        approvals.approve(chief, row, anyway=True, undo_seconds=0)
        desk.send()
        assert desk.states(row) == [OutboxState.SENT]
        assert [post.text.endswith("On Thursday.") for post in desk.ours] == [True]
        logged = kinds(chief, case_id)
        assert [kind for kind in logged if kind in ("reply.returned", "reply.approved", "reply.sent")] == [
            "reply.returned",
            "reply.approved",
            "reply.sent",
        ]


def test_splitting_breaks_between_sentences_and_keeps_every_word() -> None:
    parts = replying.split(LONG, lambda part: len(part) <= 200)
    assert all(len(part) <= 200 for part in parts)
    bare = " ".join(part.rpartition(" (")[0] for part in parts)
    assert bare == LONG
    assert all(part.rpartition(" (")[0].endswith(".") for part in parts)
    assert replying.split("short", lambda part: True) == ("short",)


# --- pictures ---------------------------------------------------------------------------------------------------


def test_a_picture_leaves_described_and_without_its_metadata_and_comes_back_with_the_draft(tmp_path: Path) -> None:
    from tests.doubles.media import png

    place = tmp_path / "map of the works.png"
    place.write_bytes(png())
    with reply_desk(tmp_path) as desk:
        desk.server.working = 1
        case_id = desk.ask("Where?")
        attach = ((str(place), "A map: the works are in Mill Lane."),)
        draft = desk.draft(case_id, "The map is attached.", attach=attach)
        assert draft.warnings == ()
        assert b"51.5074" not in draft.files[0].data
        replies.queue(desk.desk, draft)
        triage.undo(desk.desk)
        kept = drafts.kept_reply(desk.desk, case_id)
        assert (kept.text, kept.files) == ("The map is attached.", attach)
        [row] = desk.reply(case_id, kept.text, attach=kept.files)
        place.unlink()
        desk.send()
        assert desk.states(row) == [OutboxState.SENT]
        [shown] = desk.ours[0].extra["media_attachments"]
        assert shown["description"] == "A map: the works are in Mill Lane."
        assert [upload.data for upload in desk.server.uploads.values()] == [draft.files[0].data]
        assert desk.desk.store.replies.files(row) == ()
        assert desk.server.problems == []


def test_what_is_wrong_with_a_picture_is_said_and_nothing_is_queued(tmp_path: Path) -> None:
    from tests.doubles.media import png

    good, text = tmp_path / "good.png", tmp_path / "letter.png"
    good.write_bytes(png())
    text.write_bytes(b"Dear council")
    with reply_desk(tmp_path) as desk:
        case_id = desk.ask("Where?")
        for attach, said in (
            (((str(good), " "),), "Say what is on good.png"),
            (((str(good), "x" * 1501),), "longer than 1500"),
            (((str(text), "A letter"),), "letter.png is no picture"),
            (((str(tmp_path / "none.png"), "A map"),), "cannot be read: No such file"),
            (((str(good), "A map"),) * 5, "carries at most 4 pictures"),
        ):
            with pytest.raises(Refused, match=said):
                desk.draft(case_id, "Here.", attach=attach)
        assert outbox.rows(desk.desk) == []
        desk.server.fail(500, path="/api/v2/media", times=9)
        [row] = desk.reply(case_id, "Here.", attach=((str(good), "A map"),))
        desk.send()
        assert (desk.states(row), desk.ours) == ([OutboxState.QUEUED], [])
        # What cannot be read of a picture is no reason to think that a post may have been made.
        desk.server.faults.clear()
        desk.server.fail("html", path="/api/v2/media", times=9)
        [row] = desk.reply(case_id, "There.", attach=((str(good), "A map"),))
        desk.send()
        assert (desk.states(row), desk.ours) == ([OutboxState.QUEUED], [])


# --- saved answers, and who is supervised -----------------------------------------------------------------------


def test_expired_answers_are_not_offered_and_letters_stay_with_their_answers(tmp_path: Path) -> None:
    answers = """
[[answers]]
id = "old"
area = "waste"
text = "Long over."
expires = 2026-11-15

[[answers]]
id = "any"
text = "Thank you for {{this}}, {name}."
for.mastodon = "Thanks {name}: {{this}}."

[[answers]]
id = "roads-only"
area = "roads"
text = "We fill it."
"""
    with reply_desk(tmp_path, CONFIG, answers) as desk:
        case_id = desk.ask("My bin was missed")
        row = inbox.detail(desk.desk, case_id).row
        assert row.suggested_area == "waste"
        assert [each.answer.id for each in saved_answers.offered(desk.desk, row)] == ["missed-bin", "any", "roads-only"]
        desk.reply(case_id, saved_answers.wording(desk.desk, case_id, "any", desk.clock()), answer="any")
        assert saved_answers.every(desk.desk)[2].used == 0
        desk.send()
        assert desk.ours[0].text.endswith("Thanks Ada: {this}.")
        assert [each.used for each in saved_answers.every(desk.desk)] == [0, 0, 1, 0]
        fresh = [each.answer.id for each in saved_answers.offered(desk.desk, row, only=True)]
        assert fresh == ["missed-bin", "any"]


def test_the_answer_that_was_given_to_the_same_question_comes_first_and_its_area_before_that(tmp_path: Path) -> None:
    answers = """
[[answers]]
id = "calendar"
area = "waste"
text = "The days are in the calendar."

[[answers]]
id = "bags"
area = "waste"
text = "Sacks are at the library."

[[answers]]
id = "library-hours"
text = "The library is open from nine; sacks are there too."
"""
    with reply_desk(tmp_path, CONFIG, answers) as desk:

        def order(case_id: int) -> list[str]:
            row = inbox.detail(desk.desk, case_id).row
            likest = likely_answers.likest(desk.desk, case_id, saved_answers.offered(desk.desk, row))
            return [offer.answer.id for offer, _ in likest]

        case_id = desk.ask("Where can I fetch recycling sacks, at the library?")
        assert order(case_id) == ["bags", "missed-bin", "calendar", "library-hours"]
        asked = desk.ask("On which weekday is the brown recycling lorry in Elm Road?", author="bea")
        desk.reply(asked, "See the calendar.", answer="calendar")
        desk.send()
        again = desk.ask("Which weekday has the brown lorry for recycling?", author="cy")
        assert order(again)[0] == "calendar"
        assert order(asked)[0] != "calendar"  # its own use says nothing about it


@pytest.mark.parametrize(
    ("officer", "settings", "supervised"),
    [
        ("JS", '[officer]\ninitials = "JS"\nsupervised = true\n', True),
        ("j. s.", '[officer]\ninitials = "JS"\nsupervised = true\n', True),
        ("AB", '[officer]\ninitials = "JS"\nsupervised = true\n', False),
        ("AB", "[officer]\nsupervised = true\n", True),
        ("JS", '[officer]\ninitials = "JS"\n', False),
    ],
)
def test_who_is_supervised(tmp_path: Path, officer: str, settings: str, supervised: bool) -> None:
    desk = small_desk(tmp_path, officer=officer, config=CONFIG + settings)
    assert approvals.supervised(desk) is supervised
    desk.close()


def test_faults_in_the_settings_of_replies_are_named_with_their_keys() -> None:
    faulty = CONFIG.replace(
        'holidays = "GB-ENG"', 'holidays = "GB-ENG"\npre_election = ["2027-05-06..2027-03-22"]\nsupervised = [" "]'
    ).replace('handle = "@anytown"', 'handle = "@anytown"\nsign_off = "^{name}"')
    faulty += '\n[acknowledge]\ntext = "We have {reff}."\nfor.mastodn = "Hello"\n'
    with pytest.raises(ConfigError) as caught:
        parse(faulty, "config.toml", ["mastodon", "bluesky", "imap"])
    said = "\n".join(caught.value.problems)
    for key, words in (
        ("organisation.pre_election", "must be a first and a last day"),
        ("organisation.supervised", "must not be empty"),
        ("accounts.town-mastodon.sign_off", "{initials}"),
        ("acknowledge.text", "unknown placeholder"),
        ("acknowledge.for.mastodn", "mastodon"),
    ):
        assert any(key in line and words in line for line in said.splitlines()), (key, said)
