"""Automatic replies are told from people by header, by subject, and by the voice of the text alone."""

import pytest

from cadenced.reading import automatic, inbound


def message(body, subject="Re: Your offer", **headers):
    fields = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    head = f"From: p@x.example\nTo: j@abc.example\nSubject: {subject}\nIn-Reply-To: <1@abc.example>\n{fields}"
    return inbound.parse(f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}\n".encode())


def found(body, subject="Re: Your offer", **headers):
    return automatic.find(message(body, subject, **headers), body)


AWAY = [
    "I am currently out of the office with limited access to email. I will be back on Monday, 4 May.",
    "Thank you for your message. I'm on annual leave until 14 August. For urgent matters please contact reception.",
    "I am away on business until Thursday and will reply to your email on my return.",
    "Our office is closed from 24 December to 2 January. We will answer all messages when we reopen.",
    "I'm on parental leave until September. In my absence please contact Tom Birch at tom@x.example.",
    "I am travelling this week and may be slow to respond. If your matter is urgent please call the office.",
    "Hello, thanks for your email. I'm out of office today and will get back to you tomorrow.",
    "I will be attending a conference this week with intermittent access to email.",
    "Je suis actuellement absente du bureau et serai de retour le 12 mai. En cas d'urgence, contactez l'accueil.",
    "Bonjour, je suis en congés jusqu'au 3 août inclus. Je traiterai votre message à mon retour.",
    "Notre société est fermée pour les congés annuels du 1er au 21 août.",
    "Absent du 3 au 7 mars. Je vous répondrai dès mon retour.",
    "En déplacement cette semaine, je consulte peu mes messages. Merci de votre compréhension.",
    "Vielen Dank für Ihre Nachricht. Ich bin bis zum 8. September nicht im Büro. In Notfällen hilft die Zentrale.",
    "Ich befinde mich derzeit im Urlaub und kehre am 3. Juni zurück. Ihre E-Mail wird nicht weitergeleitet.",
    "Unser Büro ist vom 23.12. bis 6.1. geschlossen.",
    "Ich bin zurzeit in Elternzeit. Bitte wenden Sie sich an meine Kollegin Frau Kern.",
    "Ik ben afwezig tot en met vrijdag. Voor dringende zaken kunt u bellen met kantoor.",
    "Bedankt voor uw bericht. Ik ben met vakantie en ben 14 juli weer op kantoor.",
    "Ons kantoor is gesloten van 24 december tot 2 januari.",
    "Estoy fuera de la oficina hasta el lunes 12 de mayo. Para asuntos urgentes, contacte con recepción.",
    "Me encuentro de vacaciones y regreso el 1 de septiembre. Responderé a su correo a mi vuelta.",
    "Nuestras oficinas permanecerán cerradas por vacaciones del 4 al 24 de agosto.",
    "Sono fuori ufficio fino al 15 maggio con accesso limitato alla posta. Per urgenze contattare la segreteria.",
    "Sono in ferie e rientrerò lunedì 25 agosto. Risponderò al mio ritorno.",
    "La nostra azienda resterà chiusa per ferie dall'8 al 24 agosto.",
    "Estou de férias até 15 de agosto e responderei no meu regresso.",
    "Encontro-me fora do escritório, com acesso limitado ao email. Para assuntos urgentes contacte a receção.",
    "O nosso escritório estará encerrado entre 24 de dezembro e 2 de janeiro.",
    "Jag är på semester och är tillbaka den 5 augusti. Vid brådskande ärenden, kontakta växeln.",
    "Tack för ditt mejl. Jag är inte på kontoret idag men läser mina mejl imorgon.",
    "Jag är föräldraledig till september. Kontakta gärna min kollega Anna Ek.",
]
LEFT = [
    "Please note that I am no longer with Harrow & Co. Please contact Jane Moss at jane@x.example instead.",
    "Peter Long has left the company. Your message will not be read. Please write to sales@x.example.",
    "I retired on 30 June. Please direct all enquiries to Ann Field.",
    "Frau Lindner ist nicht mehr für unser Unternehmen tätig. Bitte wenden Sie sich an Herrn Voss.",
    "Ich habe das Unternehmen zum 31. März verlassen.",
    "Je ne fais plus partie de la société. Merci de contacter Paul Petit : p.petit@x.example.",
    "M. Duval a quitté l'entreprise. Pour toute demande, écrivez à contact@x.example.",
    "Ik ben niet meer werkzaam bij Van Loon. U kunt contact opnemen met Els Maas.",
    "Ya no trabajo en Soler. Por favor diríjase a Beatriz Soler.",
    "Non lavoro più in Officine Berti. Potete scrivere a info@x.example.",
    "Já não trabalho na Lopes. Por favor contacte a Dra. Pinho.",
    "Jag har slutat på Lundbygg. Kontakta Karin Wall.",
]
OTHERS = [
    ("acknowledgement", "Your enquiry has been received. This is an automated response, please do not reply."),
    ("acknowledgement", "Vielen Dank, Ihre Anfrage ist bei uns eingegangen. Diese E-Mail wurde automatisch erstellt."),
    ("acknowledgement", "Nous avons bien reçu votre message. Ceci est une réponse automatique."),
    ("acknowledgement", "Wij hebben uw bericht ontvangen. Dit is een automatisch bericht."),
    ("acknowledgement", "Recebemos a sua mensagem. Esta é uma resposta automática."),
    ("challenge", "To deliver your message to my inbox, please click the link below and confirm you are human."),
    ("challenge", "Your message is being held until you verify your address: https://x.example/v/1"),
    ("challenge", "Veuillez cliquer sur ce lien pour confirmer que vous êtes un humain."),
    ("challenge", "Bitte klicken Sie auf den Link, um zu bestätigen, dass Sie kein Roboter sind."),
    ("other", "Ihre Nachricht wurde am 3. März um 10:12 gelesen."),
]
PEOPLE = [
    "I am out next week, but call me on the 14th.",
    "I'm out of the office until Monday. Can we talk on Tuesday?",
    "On holiday until the 3rd, happy to look at your proposal after that.",
    "Hi Julie, I am on leave until 5 May. Let's speak then.",
    "We are closed for the summer. Please try me again in September.",
    "I have received your offer and will discuss it with my partner.",
    "Our finance director is away until Thursday; he decides. Try again next week.",
    "I have left the decision to my colleague Tom.",
    "Thanks, I am travelling at the moment. Send me the price list, I will read it on the plane.",
    "No longer interested, thanks.",
    "Je suis en vacances la semaine prochaine, rappelez-moi le 14.",
    "Notre acheteur est absent jusqu'au 15, merci de me recontacter après.",
    "Bin nächste Woche im Urlaub, melden Sie sich bitte danach noch einmal.",
    "Unser Einkäufer ist bis Freitag nicht im Haus. Rufen Sie mich am Montag an.",
    "Ik ben volgende week op vakantie, bel me daarna maar even.",
    "Estoy de vacaciones la semana que viene, llámeme después.",
    "Por favor, denme de baja de sus comunicaciones comerciales.",
    "La prossima settimana sono in ferie, mi richiami dopo il 20.",
    "Estou de férias na próxima semana, ligue-me depois do dia 20.",
    "Jag har semester nästa vecka, hör av dig efter den 12.",
    "Bitte nehmen Sie mich aus Ihrem Verteiler.",
    "Please take me off your list.",
    "Merci de me retirer de votre liste de diffusion.",
    "Gelieve mij uit uw bestand te verwijderen.",
    "Ta bort mig från er lista, tack.",
    "Remova-me da sua lista, por favor.",
    "Vi prego di cancellarmi dalla vostra lista.",
    "Wrong person: I moved to another department, ask Tom.",
    "Not now.",
    "OK.",
    "Thank you for your message. We have chosen another supplier.",
    "Thanks for your email. Is the price per user?",
]


@pytest.mark.parametrize("text", AWAY)
def test_a_person_who_is_away_is_known_without_any_header(text):
    judged = found(text)
    assert judged is not None
    assert judged.kind == "out_of_office"


@pytest.mark.parametrize("text", LEFT)
def test_a_person_who_has_left_is_known_without_any_header(text):
    judged = found(text)
    assert judged is not None
    assert judged.kind == "left_company"


@pytest.mark.parametrize(("kind", "text"), OTHERS)
def test_other_machines_are_known_without_any_header(kind, text):
    judged = found(text)
    assert judged is not None
    assert judged.kind == kind


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_is_a_person(text):
    assert found(text) is None


@pytest.mark.parametrize("text", PEOPLE)
def test_precedence_and_response_suppress_prove_nothing(text):
    assert found(text, Precedence="bulk", X_Auto_Response_Suppress="All") is None


@pytest.mark.parametrize("value", ["auto-replied", "auto-generated", "auto-replied (vacation)", "Auto-Notified"])
def test_auto_submitted_is_believed(value):
    assert found("Hello.", Auto_Submitted=value) is not None


def test_auto_submitted_no_is_a_person():
    assert found("Hello, let's talk.", Auto_Submitted="no") is None


@pytest.mark.parametrize("name", ["X_Autoreply", "X_Autorespond", "X_Autoresponder"])
def test_fields_of_autoresponders_are_believed(name):
    assert found("Hello.", **{name: "yes"}) is not None


def test_an_answer_to_an_automatic_reply_is_a_persons():
    assert found("Thanks, I will call then.", subject="Re: Automatic reply: Your offer") is None


def test_a_read_receipt_is_a_machines():
    raw = (
        b"From: p@x.example\nSubject: Read\nContent-Type: multipart/report; report-type=disposition-notification;"
        b' boundary="b"\n\n--b\n\nseen\n--b\nContent-Type: message/disposition-notification\n\nDisposition: x\n--b--\n'
    )
    judged = automatic.find(inbound.parse(raw), "seen")
    assert judged is not None
    assert judged.kind == "other"


@pytest.mark.parametrize(
    "field", [{"X_Action": "VACATION"}, {"X_Criteria": "{kind=VACATION,startDate=x}"}, {"X_Vacation": "yes"}]
)
def test_a_machines_field_of_absence_is_an_absence_whatever_the_text_says(field):
    judged = found("I'm only sleeping.", Auto_Submitted="auto-replied", **field)
    assert judged is not None
    assert judged.kind == "out_of_office"


def test_what_a_machine_asks_of_others_says_nothing_of_its_own_absence():
    judged = found("I'm only sleeping.", Auto_Submitted="auto-replied", X_Auto_Response_Suppress="OOF, AutoReply")
    assert judged is not None
    assert judged.kind == "other"


@pytest.mark.parametrize(
    "text",
    ["Esmu atvaļinājumā", "Jestem na urlopie.", "Jsem na dovolené.", "Я в отпуске.", "Olen lomalla.", "休暇中です。"],
)
def test_a_machine_that_speaks_of_holidays_in_any_language_speaks_for_somebody_away(text):
    judged = found(text, Auto_Submitted="auto-replied")
    assert judged is not None
    assert judged.kind == "out_of_office"


def test_a_person_who_speaks_of_holidays_in_another_language_stays_a_person():
    assert found("Jestem na urlopie, proszę dzwonić w piątek do kolegi.") is None
