"""What was written, apart from history and signatures, as common mail programs arrange them."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from socialtriage.mail.parse import parse
from socialtriage.mail.quoting import split, unflow

ATTRIBUTIONS = {
    "gmail": "On Mon, 23 Nov 2026 at 10:00, Anytown Council <social@anytown.example> wrote:",
    "gmail, wrapped": "On Mon, 23 Nov 2026 at 10:00, Anytown Borough Council <\nsocial@anytown.example> wrote:",
    "apple": "> On 23 Nov 2026, at 10:00, Anytown <social@anytown.example> wrote:\n> ",
    "thunderbird": "On 23/11/2026 10:00, Anytown wrote:",
    "welsh gmail": "Ar Llun, 23 Tach 2026 am 10:00, Cyngor <social@anytown.example> ysgrifennodd:",
    "french": "Le lun. 23 nov. 2026 à 10:00, Anytown <social@anytown.example> a écrit :",
    "german": "Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Anytown <social@anytown.example>:",
    "dutch": "Op ma 23 nov 2026 om 10:00 schreef Anytown <social@anytown.example>:",
    "spanish": "El lun, 23 nov 2026 a las 10:00, Anytown (<social@anytown.example>) escribió:",
    "name first": "Anytown Council <social@anytown.example> wrote:",
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_top_posting(attribution: str) -> None:
    history = f"{attribution}\n\n> Dear resident,\n>\n> we will come on Thursday."
    body, quoted = split(f"Thank you, that is fine.\n\n{history}")
    assert body == "Thank you, that is fine."
    assert quoted == history


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_bottom_posting(attribution: str) -> None:
    body, quoted = split(f"{attribution}\n> we will come on Thursday.\n\nThank you, that is fine.\n")
    assert body == "Thank you, that is fine."
    assert "we will come" in quoted


@pytest.mark.parametrize(
    "block",
    [
        "________________________________\nFrom: Anytown <social@anytown.example>\nSent: 23 November 2026 10:00\n"
        "To: Resident\nSubject: RE: bins",
        "From: Anytown\nSent: Monday, 23 November 2026 10:00\nTo: R <r@x.example>\nCc: W <w@x.example>\nSubject: bins",
        "*From:* Anytown\n*Date:* Monday\n*Subject:* bins",
        "-----Original Message-----\nFrom: Anytown\nSent: Monday\nSubject: bins",
        "----- Original Message -----",
        "-----Neges Wreiddiol-----\nOddi wrth: Cyngor\nAnfonwyd: Llun\nAt: Preswylydd\nPwnc: biniau",
        "Oddi wrth: Cyngor\nAnfonwyd: 23 Tachwedd 2026 10:00\nAt: Preswylydd\nPwnc: biniau",
        "De : Anytown\nEnvoyé : lundi 23 novembre 2026\nÀ : Habitant\nObjet : bacs",
        "Von: Anytown\nGesendet: Montag\nAn: Bürger\nBetreff: Tonnen",
        "Van: Anytown\nVerzonden: maandag\nAan: Bewoner\nOnderwerp: bakken",
        "De: Anytown\nEnviado el: lunes\nPara: Vecino\nAsunto: cubos",
    ],
)
def test_outlook_history(block: str) -> None:
    body, quoted = split(f"Still not collected!\n\n{block}\n\nDear resident, we came.")
    assert body == "Still not collected!"
    assert quoted == f"{block}\n\nDear resident, we came."


def test_interleaved_answers_stay_whole() -> None:
    text = "On Mon, 23 Nov 2026, A <a@x.example> wrote:\n> Which street?\nHigh Street\n> Which day?\nThursday"
    assert split(text) == (text, "")


def test_an_answer_above_and_below_stays_whole() -> None:
    text = "Two things.\n> first\nYes.\nAnd one more."
    assert split(text) == (text, "")


def test_a_list_footer_below_the_history_is_no_answer() -> None:
    body, quoted = split("Yes please\n\n> shall we?\n\n_______________________________\nA list footer")
    assert body == "Yes please"
    assert quoted.endswith("A list footer")


def test_forwarded_mail_is_the_message() -> None:
    for marker in (
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
    ):
        text = f"FYI\n\n{marker}\nFrom: Resident <r@x.example>\nDate: Monday\nSubject: bins\nTo: us\n\nMy bin!"
        assert split(text) == (text, "")
    outlook = "FYI\n\nFrom: Resident\nSent: Monday\nTo: us\nSubject: bins\n\nMy bin!"
    assert split(outlook, "FW: bins") == (outlook, "")
    assert split(outlook, "RE: bins")[0] == "FYI"


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJo Smith\n07700 900123",
        "--\nJo",
        "Sent from my iPhone",
        "Get Outlook for iOS (https://aka.example/ios)",
        "Sent from Yahoo Mail on Android",
        "Sent from Outlook for Android",
        "Anfonwyd o fy iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Verstuurd vanaf mijn iPad",
        "Enviado desde mi iPhone",
    ],
)
def test_signatures(signature: str) -> None:
    assert split(f"The bin was missed.\n\n{signature}") == ("The bin was missed.", signature)
    body, quoted = split(f"The bin was missed.\n\n{signature}\n\nOn 23 Nov 2026 10:00, A wrote:\n\n> old")
    assert body == "The bin was missed."
    assert quoted.startswith(signature.rstrip("\n"))


def test_a_photo_sent_without_words_still_shows_something() -> None:
    assert split("Sent from my iPhone") == ("Sent from my iPhone", "")
    assert split("> only a quote") == ("> only a quote", "")
    assert split("\n\nOn 23 Nov 2026 10:00, A wrote:\n\n> old")[0].startswith("On 23 Nov")


@pytest.mark.parametrize(
    "text",
    [
        "On the phone your colleague wrote:\nwe will call",
        "Dear all\n\n--- a rule ---\n\nmore",
        "From: the corner\nof High Street to the bank it is dark",
        "Subject: bins\nTo: whom it may concern\nplease come",
        "a -- b\n- list\n-- not a signature",
        "I sent from my iPhone a photo of it",
    ],
)
def test_words_that_only_look_like_history(text: str) -> None:
    assert split(text) == (text, "")


def test_history_in_html_is_recognised() -> None:
    message = EmailMessage()
    message["Subject"] = "Re: bins"
    message.set_content(
        '<div dir="ltr">Thursday is fine.</div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, 23 Nov 2026'
        ' at 10:00, Anytown &lt;<a href="mailto:s@a.example">s@a.example</a>&gt; wrote:<br></div><blockquote'
        ' class="gmail_quote">Is Thursday fine?</blockquote></div>',
        subtype="html",
    )
    parsed = parse(message.as_bytes())
    assert parsed.body == "Thursday is fine."
    assert "> Is Thursday fine?" in parsed.quoted
    outlook = EmailMessage()
    outlook.set_content(
        "<p>Thursday is fine.</p><hr><div id='divRplyFwdMsg'><b>From:</b> Anytown<br><b>Sent:</b> Monday<br><b>To:</b> "
        "R<br><b>Subject:</b> bins</div><div>Is Thursday fine?</div>",
        subtype="html",
    )
    assert parse(outlook.as_bytes()).body == "Thursday is fine."


def test_flowed_lines() -> None:
    assert unflow("a \nb\nc \n> q \n> r\n>> deep \n>> er\n-- \nx") == "a b\nc \n> q r\n>> deep er\n-- \nx"
    assert unflow(" stuffed\n >not a quote") == "stuffed\n>not a quote"


def test_long_histories_take_no_time() -> None:
    assert split("answer\n" + "> line\n" * 100_000)[0] == "answer"
    assert split("On 1 Jan 2026 a wrote:\n> x\n" * 20_000)[1] == ""
    split("From: x\n" * 50_000)
    split("\n" * 100_000 + "a")
    split("On " * 100_000)
