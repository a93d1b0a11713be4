"""A person's own words, parted from quotes, signatures and footers, in text and HTML."""

import time

import pytest

from cadenced.reading import patterns, quoting, quoting_tail

ATTRIBUTIONS = [
    "On Tue, 3 Mar 2026 at 10:00, Ann Lee <ann@x.example> wrote:",
    "On Mar 3, 2026, at 4:19 PM, Ann Lee wrote:",
    "Le mar. 3 mars 2026 à 10:00, Anne Petit <anne@x.example> a écrit :",
    "Am 03.03.2026 um 10:00 schrieb Eva Lang <eva@x.example>:",
    "Eva Lang <eva@x.example> schrieb am Di., 3. März 2026 um 10:00 Uhr:",
    "Op di 3 mrt. 2026 om 10:00 schreef Jan Smit <jan@x.example>:",
    "El mar, 3 mar 2026 a las 10:00, Ana Ruiz (<ana@x.example>) escribió:",
    "Il giorno mar 3 mar 2026 alle ore 10:00 Ugo Neri <ugo@x.example> ha scritto:",
    "Em ter., 3 de mar. de 2026 às 10:00, Rui Dias <rui@x.example> escreveu:",
    "Den tis 3 mars 2026 kl 10:00 skrev Lars Ek <lars@x.example>:",
    "Den 3. mar. 2026 kl. 10.00 skrev Per Dahl <per@x.example>:",
    "W dniu 3.03.2026 o 10:00, Jan Lis pisze:",
    "Dne 3. 3. 2026 v 10:00 Petr Novák <petr@x.example> napsal(a):",
    "ti 3. maalisk. 2026 klo 10.00 Anu Laine <anu@x.example> kirjoitti:",
    "3 марта 2026 г., 10:00 пользователь Олег <oleg@x.example> написал:",
    "3 Mar 2026 Sal 10:00 tarihinde Can Ak <can@x.example> şunu yazdı:",
    "2026年3月3日 10:00 Li Wei <li@x.example> 写道:",
    "2026年3月3日(火) 10:00 Sato <sato@x.example>のメール:",
    "On Tue, 3 Mar 2026 at 10:00, Ann Lee with quite a long name via some list\n<ann.lee@long-domain.example> wrote:",
    "2026-03-03 10:00 GMT+01:00 Ann Lee <ann@x.example>:",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_below_an_attribution_is_not_the_writers(attribution, end):
    body = f"Yes, that suits us.\n\n{attribution}\n\n> Dear all,\n> does it suit you?\n"
    assert quoting.own_text(body.replace("\n", end)).text.strip() == "Yes, that suits us."


BLOCKS = [
    "From: Ann Lee <ann@x.example>\nSent: Tuesday, 3 March 2026 10:00\nTo: Bo\nSubject: Offer",
    "*From:* Ann Lee\n*Sent:* 3 March 2026\n*To:* Bo\n*Subject:* Offer",
    "De : Anne Petit\nEnvoyé : mardi 3 mars 2026 10:00\nÀ : Luc\nObjet : Offre",
    "Von: Eva Lang\nGesendet: Dienstag, 3. März 2026 10:00\nAn: Max\nBetreff: Angebot",
    "Van: Jan Smit\nVerzonden: dinsdag 3 maart 2026 10:00\nAan: Piet\nOnderwerp: Offerte",
    "De: Ana Ruiz\nEnviado el: martes, 3 de marzo de 2026 10:00\nPara: Luis\nAsunto: Oferta",
    "Da: Ugo Neri\nInviato: martedì 3 marzo 2026 10:00\nA: Ida\nOggetto: Offerta",
    "De: Rui Dias\nEnviada em: terça-feira, 3 de março de 2026 10:00\nPara: Zé\nAssunto: Oferta",
    "Från: Lars Ek\nSkickat: den 3 mars 2026 10:00\nTill: Bo\nÄmne: Offert",
    "Fra: Per Dahl\nSendt: 3. marts 2026 10:00\nTil: Ib\nEmne: Tilbud",
    "Od: Jan Lis\nWysłano: 3 marca 2026 10:00\nDo: Ewa\nTemat: Oferta",
    "От: Олег\nОтправлено: 3 марта 2026 г. 10:00\nКому: Ира\nТема: Предложение",
    "发件人: Li Wei\n发送时间: 2026年3月3日 10:00\n收件人: Bo\n主题: Offer",
    "-----Original Message-----\nFrom: Ann Lee",
    "-----Ursprüngliche Nachricht-----\nVon: Eva Lang",
    "-------- Message d'origine --------\nDe : Anne Petit",
    "________________________________\nFrom: Ann Lee\nSent: Tuesday",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_what_stands_below_copied_headers_is_not_the_writers(block):
    body = f"That works.\nPlease go ahead.\n\n{block}\n\nDear Bo,\nhow about it?\n"
    assert quoting.own_text(body).text.strip() == "That works.\nPlease go ahead."


def test_answers_between_quoted_lines_keep_those_lines():
    body = "On 3 Mar 2026, Ann <a@x.example> wrote:\n> One?\n\nYes.\n\n> Two?\n\nNo.\n"
    own = quoting.own_text(body)
    assert own.inline
    assert [line for line in own.text.split("\n") if line] == ["> One?", "Yes.", "> Two?", "No."]
    assert "One?" not in quoting.spoken(own.text)


def test_an_answer_below_the_quote_is_kept_without_the_quote():
    body = "On Mon, 3 Mar 2026 at 2:36 AM, Ann <a@x.example> wrote:\n\n> Shall we?\n\nYes, let us.\n"
    assert quoting.own_text(body).text.strip() == "Yes, let us."


def test_an_empty_answer_above_copied_headers_stays_empty():
    body = "\nFrom: Ann Lee <ann@x.example>\nSent: Tuesday\nTo: Bo\nSubject: Offer\n\nClick here to unsubscribe.\n"
    assert quoting.own_text(body).text == ""


@pytest.mark.parametrize(
    "line",
    [
        "From: next week we are closed.",
        "Note: the price is fine.",
        "On Monday I wrote: nothing yet, sorry.",
        "Sent from my desk, is much easier than my mobile phone.",
        "To: be decided.",
        "Best would be Tuesday.",
    ],
)
def test_the_writers_own_lines_are_not_taken_for_marks(line):
    assert line in quoting.own_text(f"Hello,\n{line}\nMore to come.\n").text


@pytest.mark.parametrize(
    "tail",
    [
        "-- \nAnn Lee\nHead of Sales",
        "Sent from my iPhone",
        "Envoyé de mon iPhone",
        "Von meinem iPhone gesendet",
        "Verstuurd vanaf mijn iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Enviado do meu iPhone",
        "Skickat från min iPhone",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Kind regards,\nAnn Lee\nHead of Sales\n+44 20 7946 0000",
        "Mit freundlichen Grüßen\n\nEva Lang\nEinkauf\nMuster GmbH",
        "This email and any attachments are confidential and intended solely for the addressee.",
        "Ce courriel et ses pièces jointes sont confidentiels.",
        "_______________________________________________\nriders mailing list\nriders@lists.example",
        "To unsubscribe from our newsletter click here: https://x.example/u",
    ],
)
def test_signatures_devices_footers_and_disclaimers_are_left_out(tail):
    own = quoting.own_text(f"Thank you, we agree to the terms.\n\n{tail}\n")
    assert own.text.strip() == "Thank you, we agree to the terms."
    assert own.signature


def test_a_bare_name_under_a_closing_stays_with_the_words():
    assert quoting.own_text("Fine.\n\nBest regards,\nAnn\n").text.endswith("Ann")


HTML = [
    '<div>Yes.</div><div class="gmail_quote">On 3 Mar Ann wrote:<blockquote>Shall we?</blockquote></div>',
    '<p>Yes.</p><blockquote type="cite">Shall we?</blockquote>',
    '<div>Yes.</div><div id="divRplyFwdMsg">From: Ann<br>Sent: now</div><div>Shall we?</div>',
    '<p>Yes.</p><div class="moz-cite-prefix">On 3/3/26 Ann wrote:</div><blockquote>Shall we?</blockquote>',
    '<div>Yes.</div><div class="yahoo_quoted">On Tuesday Ann wrote:<div>Shall we?</div></div>',
    "<p>Yes.</p><p><b>From:</b> Ann<br><b>Sent:</b> 3 March<br><b>To:</b> Bo<br><b>Subject:</b> X</p><p>Shall we?</p>",
    "<style>p {}</style><p>Yes.</p><div style='display:none'>hidden</div>",
]


@pytest.mark.parametrize("html", HTML)
def test_quotes_of_mail_programs_are_known_in_html(html):
    assert quoting.own_text_of_html(html).text.strip() == "Yes."


def test_answers_between_block_quotes_keep_them_apart_from_the_words():
    html = "<p>See below</p><blockquote>One?</blockquote><p>Yes</p><blockquote>Two?</blockquote><p>No</p>"
    own = quoting.own_text_of_html(html)
    assert own.inline
    assert "One?" in own.text
    assert "One?" not in quoting.spoken(own.text)


@pytest.mark.parametrize("pattern", patterns.load("quoting"), ids=lambda pattern: pattern.code)
def test_every_tail_pattern_matches_its_examples_and_not_its_counterexamples(pattern):
    assert [text for text in pattern.must if not quoting_tail.kind_of(pattern.code, text)] == []
    assert [text for text in pattern.must_not if quoting_tail.kind_of(pattern.code, text)] == []


@pytest.mark.parametrize(
    "seed", ["\n", "a\n", "> ", "From: a\n", "a@b wrote\n", "_ \n", "--\n", "<div>", "<b", "&lt;", "On 3:\n"]
)
def test_hostile_bodies_are_taken_apart_without_blowing_up(seed):
    quoting.own_text(seed * 20_000)
    quoting.own_text_of_html(seed * 20_000)


HOSTILE = {
    "commas": "\n-- \nAnn\n" + "a," * 400 + "a\n",
    "commas in a closing": "Hello\n\nKind regards\nAnn Lee\n" + "a," * 60 + "a\n",
    "attributions that never end": "a@b wrote\n" * 9_000,
    "attributions without an address": "x 12:30 wrote:\n" * 6_000,
    "header lines": "From:\nTo:\n" * 9_000,
    "separators": "-_=*#" * 20_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_the_dearest_texts_found_are_taken_apart_in_time(body):
    began = time.process_time()
    quoting.own_text(body)
    assert time.process_time() - began < 0.9  # a slow machine's allowance; what is not linear takes seconds


@pytest.mark.parametrize("pump", ["a <br..x\n", "<b \n", "<!-- ", "<a href='", "x</p", "<div><p", "&amp", "<table>-?"])
def test_markup_that_never_ends_is_read_in_time(pump):
    began = time.process_time()
    quoting.own_text_of_html(pump * (200_000 // len(pump)))
    assert time.process_time() - began < 0.9
