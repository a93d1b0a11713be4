"""The terse and the friendly: autoresponders that do not say so, and people who mention that they are away."""

import pytest

from cadenced.reading import automatic, inbound, patterns


def found(body, subject="Re: Your offer"):
    head = f"From: p@x.example\nTo: j@abc.example\nSubject: {subject}\nIn-Reply-To: <1@abc.example>\n"
    raw = f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}\n".encode()
    return automatic.find(inbound.parse(raw), body)


AWAY = [
    "I'm out 4 June through 11 June. If you need something quickly, please ring the front desk on 555-0100.",
    "Away today and Thursday for training and not reading mail. Back Friday.",
    "Hello there, you've caught me at the beach! Back on the 12th and I'll go through everything then.",
    "We are all at the boat show this week. Normal service resumes Monday.",
    "Gone fishing. Back Tuesday!",
    "The whole team is at our annual retreat, returning 9/14. We'll answer all messages then.",
    "On jury duty. Back in the office on Monday, 3 March.",
    "Je fais le pont du 8 mai. Retour lundi 12.",
    "En vacances ! De retour le 25 août, je vous répondrai à ce moment-là.",
    "Nous sommes au salon de l'agriculture : reprise lundi.",
    "Ich bin in den Ferien und ab 3. August wieder da. Bis dahin hilft Ihnen Frau Kunz: kunz@x.example.",
    "Bin bis Donnerstag auf der Messe in Köln, ab Freitag wieder im Büro.",
    "Ik ben er even tussenuit en ben maandag weer terug. Je hoort dan snel van me.",
    "Wij zijn deze week op de beurs. Vanaf maandag zijn we weer bereikbaar.",
    "Estoy de puente. Vuelvo el lunes 9.",
    "Cerrado por vacaciones. Reabrimos el 2 de septiembre. ¡Felices fiestas!",
    "Siamo alla fiera di Verona. Torniamo in ufficio lunedì.",
    "Chiusi per ferie. Riapriamo il 26 agosto.",
    "Estamos em recesso. Voltamos dia 6 de janeiro. Boas festas!",
    "Estou de folga. Volto segunda-feira.",
    "Jag är på mässa hela veckan. Åter på kontoret måndag.",
    "Vi har stängt över jul. Öppnar igen den 7 januari. God jul!",
]
RECEIVED = [
    "Your email landed safely! One of our people will read it and get back to you within 24 hours.",
    "Vielen Dank für Ihre Nachricht. Ihre Anfrage ist eingegangen und wird schnellstmöglich bearbeitet.",
    "Votre message nous est bien parvenu. Notre équipe vous répondra sous 48 heures.",
    "Hemos recibido su consulta. Recibirá respuesta en un plazo de cinco días hábiles.",
    "Uw bericht is ontvangen. Wij reageren binnen twee werkdagen.",
    "La sua richiesta è stata registrata. Sarà ricontattato entro 2 giorni.",
    "Recebemos a sua mensagem. Responderemos no prazo de 3 dias úteis.",
    "Vi har tagit emot ditt meddelande och svarar inom två arbetsdagar.",
]
PEOPLE = [
    "I'm out next week and then flat out, but ring me on the 17th and we'll talk.",
    "Back on Monday, let's talk then.",
    "I'm back in the office on Monday and can look at your offer then.",
    "We're at a trade fair this week. Could you try me again next Wednesday?",
    "I'm on holiday from Friday, so can we do Thursday instead?",
    "Got your message. The price is still too high for us.",
    "We have received your offer and will let you know.",
    "I'm travelling on Monday but Tuesday at ten works.",
    "Sorry, I was away on a course. Yes, we would like a demo.",
    "I'm retiring in May, so no need for this any more.",
    "Bien reçu, merci. Je regarde cela la semaine prochaine.",
    "Je pars en vacances vendredi, appelez-moi avant.",
    "De retour de congés, je vous confirme notre intérêt.",
    "Bin ab Montag im Urlaub, rufen Sie mich bitte vorher an.",
    "Bin wieder da. Schicken Sie mir bitte das Angebot.",
    "Ihr Angebot ist eingegangen, wir prüfen es bis Freitag.",
    "Ik ben vanaf maandag weer op kantoor, bel me dan even.",
    "Geachte heer Claes, sinds juli ben ik met pensioen; verwijder mijn adres.",
    "Uw offerte is ontvangen, we kijken ernaar.",
    "Vuelvo el lunes y hablamos.",
    "Hemos recibido su propuesta y la estamos estudiando.",
    "Rientro lunedì, ci sentiamo allora.",
    "Abbiamo ricevuto il preventivo, le faremo sapere.",
    "Estou de férias até sexta, mas ligue-me na segunda.",
    "Recebemos a sua proposta e vamos analisar.",
    "Jag är tillbaka på måndag, ring mig då.",
    "Jag har fått din offert och återkommer.",
    "Jag är ledig fredag men måndag passar bra.",
]


@pytest.mark.parametrize("text", AWAY)
def test_a_terse_or_friendly_notice_of_absence_is_a_machines(text):
    judged = found(text)
    assert judged is not None
    assert judged.kind == "out_of_office"


@pytest.mark.parametrize("text", RECEIVED)
def test_a_receipt_with_a_promise_is_a_machines(text):
    judged = found(text)
    assert judged is not None
    assert judged.kind == "acknowledgement"


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_who_mentions_an_absence_or_a_receipt_is_a_person(text):
    assert found(text) is None


@pytest.mark.parametrize("pattern", patterns.load("auto_voice"), ids=lambda one: one.code)
def test_every_sign_of_a_voice_matches_its_examples_and_not_its_counterexamples(pattern):
    assert pattern.must
    assert [text for text in pattern.must if not pattern.search(text)] == []
    assert [text for text in pattern.must_not if pattern.search(text)] == []
