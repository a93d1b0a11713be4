"""Days named by people: out-of-office returns and wishes for a later contact, in eight languages."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from cadenced.reading import dates

WEDNESDAY = datetime(2026, 4, 8, 9, 30, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 18, 16, 0, tzinfo=UTC)
JUNE = datetime(2026, 6, 24, 9, 0, tzinfo=timezone(timedelta(hours=2)))
NOVEMBER = datetime(2026, 11, 10, 9, 0, tzinfo=timezone(timedelta(hours=-5)))
NONE = (None, None)


def day(text):
    return date.fromisoformat(text)


# Sent on Wednesday 8 April 2026 (Easter was on 5 April). (language, text, earliest, latest)
BACK = [
    ("en", "I'm on leave and back on 20 April.", "2026-04-20", "2026-04-20"),
    ("en", "I am out of the office until Friday, April 17th.", "2026-04-17", "2026-04-20"),
    ("en", "Out of office 3-17 April. Back after that.", "2026-04-20", "2026-04-20"),
    ("en", "I'm away from April 6 through April 24, 2026 with no access to email.", "2026-04-27", "2026-04-27"),
    ("en", "I will be returning to the office on Monday, 13 April 2026.", "2026-04-13", "2026-04-13"),
    ("en", "I won't be back until 4 May.", "2026-05-04", "2026-05-04"),
    ("en", "Thanks for your mail. I'm off sick today and tomorrow, back Friday.", "2026-04-10", "2026-04-10"),
    ("en", "Our offices are closed between 10 and 14 April.", "2026-04-15", "2026-04-15"),
    ("en", "I'll be back at my desk in two weeks.", "2026-04-22", "2026-04-22"),
    ("en", "Currently on parental leave until September 2026.", "2026-09-01", "2026-09-01"),
    ("en", "I am travelling this week and will reply next week.", "2026-04-13", "2026-04-13"),
    ("en", "I am out of office on 9 April.", "2026-04-10", "2026-04-10"),
    ("en", "I am on holiday up to and including 30 April. I shall answer on my return.", "2026-05-01", "2026-05-01"),
    (
        "en",
        "No access to my inbox. I return on 5/11/2026 at the latest. See you 13/4/2026.",
        "2026-11-05",
        "2026-11-05",
    ),
    ("en", "On vacation till the 20th.", "2026-04-20", "2026-04-21"),
    ("en", "I'm attending a conference and will be available again from Tuesday the 14th.", "2026-04-14", "2026-04-14"),
    ("en", "I was out of the office from 23 March until 27 March.", *NONE),
    ("en", "I am away and check my mail rarely. Call 555-0140 ext 12 in urgent cases.", *NONE),
    (
        "en",
        "I return to work on April 27. For urgent matters contact Jane on +44 20 7946 0958.",
        "2026-04-27",
        "2026-04-27",
    ),
    ("en", "Out of the office. Returning 4/20.", "2026-04-20", "2026-04-20"),
    ("en", "I am on annual leave, returning Monday.", "2026-04-13", "2026-04-13"),
    (
        "en",
        "I'll be out of the office beginning Thursday, April 9 and will return Tuesday, April 14.",
        "2026-04-14",
        "2026-04-14",
    ),
    ("fr", "Je suis en congés jusqu'au 17 avril inclus.", "2026-04-20", "2026-04-20"),
    ("fr", "Absente du 6 au 24 avril, je vous répondrai à mon retour.", "2026-04-27", "2026-04-27"),
    ("fr", "Je serai de retour le lundi 20 avril 2026.", "2026-04-20", "2026-04-20"),
    (
        "fr",
        "Actuellement en déplacement, je serai de nouveau joignable à partir du 14 avril.",
        "2026-04-14",
        "2026-04-14",
    ),
    ("fr", "Notre société est fermée du 1er au 12 avril.", "2026-04-13", "2026-04-13"),
    ("fr", "Je suis absent ce jour. Retour demain.", "2026-04-09", "2026-04-09"),
    ("fr", "Je reprends le travail le 4 mai.", "2026-05-04", "2026-05-04"),
    ("fr", "En congé maternité jusqu'à fin août 2026.", "2026-09-01", "2026-09-01"),
    ("fr", "Je suis absent jusqu’au mercredi 15 avril.", "2026-04-15", "2026-04-16"),
    ("fr", "Je suis en formation toute la semaine et lirai mes messages lundi.", "2026-04-13", "2026-04-13"),
    ("fr", "Absence du 02/04/2026 au 10/04/2026.", "2026-04-13", "2026-04-13"),
    ("fr", "Je suis absent et consulte peu ma messagerie. En cas d'urgence : 01 44 55 66 77.", *NONE),
    ("fr", "J'étais absente jusqu'au 30 mars.", *NONE),
    ("de", "Ich bin vom 6. bis 17. April im Urlaub.", "2026-04-20", "2026-04-20"),
    ("de", "Ich bin bis zum 15.04.2026 nicht im Büro.", "2026-04-15", "2026-04-16"),
    ("de", "Ab dem 20. April bin ich wieder erreichbar.", "2026-04-20", "2026-04-20"),
    ("de", "Ich bin am Montag, den 13.04., wieder zurück.", "2026-04-13", "2026-04-13"),
    ("de", "Ich bin bis einschl. Freitag, 24. April abwesend.", "2026-04-27", "2026-04-27"),
    ("de", "Bis Ende April bin ich in Elternzeit.", "2026-05-01", "2026-05-01"),
    ("de", "Ich kehre am 4. Mai aus dem Urlaub zurück.", "2026-05-04", "2026-05-04"),
    ("de", "Wir haben vom 03.04. bis 12.04. Betriebsferien.", "2026-04-13", "2026-04-13"),
    ("de", "Ich bin erst wieder in KW 17 im Haus.", "2026-04-20", "2026-04-20"),
    ("de", "Ich bin heute außer Haus und morgen wieder für Sie da.", "2026-04-09", "2026-04-09"),
    ("de", "Ich bin zurzeit nicht erreichbar. Notfälle: 0171 1234567.", *NONE),
    ("de", "Meine Rückkehr ist für den 11. Mai geplant.", "2026-05-11", "2026-05-11"),
    ("de", "Ich bin nächste Woche wieder da.", "2026-04-13", "2026-04-13"),
    ("de", "Ich bin bis 30. März abwesend.", *NONE),
    ("nl", "Ik ben met vakantie tot en met 17 april.", "2026-04-20", "2026-04-20"),
    ("nl", "Ik ben afwezig van 6 april t/m 24 april 2026.", "2026-04-27", "2026-04-27"),
    ("nl", "Vanaf 20 april ben ik weer bereikbaar.", "2026-04-20", "2026-04-20"),
    ("nl", "Ik ben terug op maandag 13 april.", "2026-04-13", "2026-04-13"),
    ("nl", "Ik ben tot 15 april afwezig.", "2026-04-15", "2026-04-16"),
    ("nl", "Ik ben deze week niet op kantoor.", "2026-04-13", "2026-04-13"),
    ("nl", "Op 4 mei beantwoord ik uw bericht.", "2026-05-04", "2026-05-04"),
    ("nl", "Ik ben afwezig van 06-04-2026 tot 17-04-2026.", "2026-04-17", "2026-04-20"),
    ("nl", "Over twee weken ben ik weer terug.", "2026-04-22", "2026-04-22"),
    ("nl", "Ik ben niet op kantoor en lees mijn mail beperkt.", *NONE),
    ("es", "Estaré fuera de la oficina del 6 al 17 de abril.", "2026-04-20", "2026-04-20"),
    ("es", "Me reincorporo el lunes 20 de abril.", "2026-04-20", "2026-04-20"),
    ("es", "Estoy de vacaciones hasta el 15 de abril inclusive.", "2026-04-16", "2026-04-16"),
    ("es", "Volveré el próximo lunes.", "2026-04-13", "2026-04-13"),
    ("es", "Estaré de vuelta el 4 de mayo de 2026.", "2026-05-04", "2026-05-04"),
    ("es", "Nuestra oficina permanecerá cerrada hasta el 24/04/2026.", "2026-04-24", "2026-04-27"),
    ("es", "A partir del 20 de abril atenderé su correo.", "2026-04-20", "2026-04-20"),
    ("es", "Ausente entre el 1 y el 12 de abril.", "2026-04-13", "2026-04-13"),
    ("es", "Estoy de baja y no leo el correo.", *NONE),
    ("it", "Sono in ferie dal 6 al 17 aprile.", "2026-04-20", "2026-04-20"),
    ("it", "Rientrerò in ufficio lunedì 20 aprile 2026.", "2026-04-20", "2026-04-20"),
    ("it", "Sarò assente fino al 15 aprile.", "2026-04-15", "2026-04-16"),
    ("it", "Gli uffici riapriranno il 4 maggio.", "2026-05-04", "2026-05-04"),
    ("it", "Torno giovedì.", "2026-04-09", "2026-04-09"),
    ("it", "Sono fuori ufficio fino a venerdì 24 aprile compreso.", "2026-04-27", "2026-04-27"),
    ("it", "Leggerò la posta a partire dal 13 aprile.", "2026-04-13", "2026-04-13"),
    ("it", "Sono fuori sede, risponderò appena possibile.", *NONE),
    ("pt", "Estarei de férias de 6 a 17 de abril.", "2026-04-20", "2026-04-20"),
    ("pt", "Volto ao escritório na segunda-feira, 20 de abril.", "2026-04-20", "2026-04-20"),
    ("pt", "Estou ausente até 15 de abril.", "2026-04-15", "2026-04-16"),
    ("pt", "Regresso no dia 20.", "2026-04-20", "2026-04-20"),
    ("pt", "Estarei fora até ao dia 24/04/2026, inclusive.", "2026-04-27", "2026-04-27"),
    ("pt", "Retornarei em 4 de maio de 2026.", "2026-05-04", "2026-05-04"),
    ("pt", "A partir de 13 de abril responderei às mensagens.", "2026-04-13", "2026-04-13"),
    ("pt", "Estou em viagem e responderei assim que possível.", *NONE),
    ("sv", "Jag har semester till och med 17 april.", "2026-04-20", "2026-04-20"),
    ("sv", "Jag är tillbaka måndag den 20 april.", "2026-04-20", "2026-04-20"),
    ("sv", "Jag är ledig 6-17 april.", "2026-04-20", "2026-04-20"),
    ("sv", "Kontoret är stängt till den 15 april.", "2026-04-15", "2026-04-16"),
    ("sv", "Åter på kontoret den 4 maj.", "2026-05-04", "2026-05-04"),
    ("sv", "Jag är på tjänsteresa och åter på måndag.", "2026-04-13", "2026-04-13"),
    ("sv", "Jag är tillbaka vecka 17.", "2026-04-20", "2026-04-20"),
    ("sv", "Jag är föräldraledig t.o.m. 31 augusti 2026.", "2026-09-01", "2026-09-01"),
    ("sv", "Jag läser min e-post sporadiskt.", *NONE),
]

AGAIN = [
    ("en", "Not before May, please.", "2026-05-01", "2026-05-10"),
    ("en", "We're in the middle of an audit. Try me again in a month or so.", "2026-05-04", "2026-05-15"),
    ("en", "Could you circle back in Q3?", "2026-07-01", "2026-08-10"),
    ("en", "Now is not a good time, ping me after the summer holidays.", "2026-09-01", "2026-09-15"),
    ("en", "Let's talk next week.", "2026-04-13", "2026-04-17"),
    ("en", "Please call me on 14 May.", "2026-05-14", "2026-05-14"),
    ("en", "Nothing will happen until the end of June. Write to me then.", "2026-06-20", "2026-07-07"),
    ("en", "Check back early next year.", "2027-01-01", "2027-01-31"),
    (
        "en",
        "Our contract with the current vendor runs out in October; we will look at alternatives then.",
        "2026-10-01",
        "2026-11-10",
    ),
    ("en", "Get in touch around mid-September, budgets are made then.", "2026-09-10", "2026-09-20"),
    ("en", "We have just closed the books. Can we pick this up in three to four weeks?", "2026-04-27", "2026-05-08"),
    ("en", "I'm swamped until Friday. Come back to me the week after next.", "2026-04-20", "2026-04-24"),
    ("en", "We signed with somebody else on 3 March. Try again in a couple of years.", "2028-04-01", "2028-04-20"),
    ("en", "Please follow up in the second half of the year.", "2026-07-01", "2026-08-01"),
    ("en", "Maybe in spring 2027.", "2027-01-01", "2027-05-31"),
    ("en", "Can we speak after Thanksgiving?", "2026-11-27", "2026-12-07"),
    ("en", "Not at the moment, maybe some other time.", *NONE),
    ("en", "We have 250 people in 3 offices and no budget.", *NONE),
    ("en", "Reach out next quarter.", "2026-07-01", "2026-08-10"),
    ("en", "Let's revisit this after the 20th.", "2026-04-21", "2026-04-30"),
    ("en", "Hold off till the new fiscal year in July.", "2026-07-01", "2026-07-21"),
    ("en", "Please get back to me at the end of next month.", "2026-05-20", "2026-06-03"),
    ("en", "Remind me in the new year.", "2027-01-02", "2027-01-31"),
    ("en", "Call me on Tuesday.", "2026-04-14", "2026-04-14"),
    ("en", "I spoke to my boss in March. He wants to wait six months.", "2026-09-25", "2026-10-20"),
    ("fr", "Rappelez-moi après le 20 avril.", "2026-04-21", "2026-04-30"),
    ("fr", "Revenez vers moi en septembre.", "2026-09-01", "2026-09-21"),
    ("fr", "Pas avant le mois prochain.", "2026-05-01", "2026-05-21"),
    ("fr", "Nous en reparlerons début juin.", "2026-06-01", "2026-06-10"),
    ("fr", "Recontactez-moi fin septembre.", "2026-09-20", "2026-09-30"),
    ("fr", "Pouvez-vous me relancer dans un mois ?", "2026-05-04", "2026-05-15"),
    ("fr", "On en reparle à la mi-mai.", "2026-05-10", "2026-05-20"),
    ("fr", "Nous verrons cela l'année prochaine.", "2027-01-01", "2027-01-31"),
    ("fr", "Le budget est gelé jusqu'au deuxième semestre. Revenez à ce moment-là.", "2026-07-01", "2026-08-10"),
    ("fr", "Rappelez-moi mardi prochain.", "2026-04-14", "2026-04-14"),
    ("fr", "Contactez-moi au troisième trimestre.", "2026-07-01", "2026-08-10"),
    ("fr", "Après les vacances d'été plutôt.", "2026-09-01", "2026-09-15"),
    ("fr", "Ce n'est pas le moment, nous verrons plus tard.", *NONE),
    ("fr", "Écrivez-moi d'ici deux semaines.", "2026-04-20", "2026-04-26"),
    ("fr", "Je vous propose d'échanger la semaine du 18 mai.", "2026-05-18", "2026-05-22"),
    ("de", "Melden Sie sich bitte Mitte Mai noch einmal.", "2026-05-10", "2026-05-20"),
    ("de", "Vor Juni wird das nichts.", "2026-06-01", "2026-06-10"),
    ("de", "Bitte rufen Sie mich nach dem 8. September an.", "2026-09-09", "2026-09-18"),
    ("de", "Kommen Sie im nächsten Jahr wieder auf mich zu.", "2027-01-01", "2027-01-31"),
    ("de", "Schreiben Sie mir in KW 36 noch einmal.", "2026-08-31", "2026-09-04"),
    ("de", "Gern in sechs Wochen noch mal.", "2026-05-15", "2026-05-27"),
    ("de", "Anfang nächsten Monats hätte ich Zeit für ein Gespräch.", "2026-05-01", "2026-05-10"),
    ("de", "Nach den Sommerferien können wir sprechen.", "2026-08-15", "2026-09-15"),
    ("de", "Ende September ist das Budget klar, fragen Sie dann nach.", "2026-09-20", "2026-10-05"),
    ("de", "Im Herbst passt es besser.", "2026-09-01", "2026-10-15"),
    ("de", "Im Moment haben wir andere Prioritäten.", *NONE),
    ("de", "Rufen Sie mich nächsten Dienstag an.", "2026-04-14", "2026-04-14"),
    ("de", "Im vierten Quartal wieder.", "2026-10-01", "2026-11-09"),
    ("de", "Frühestens ab 1. Juli.", "2026-07-01", "2026-07-10"),
    ("de", "Nach Pfingsten gern.", "2026-05-26", "2026-06-04"),
    ("nl", "Neem na de zomervakantie contact op.", "2026-09-01", "2026-09-15"),
    ("nl", "Bel me begin mei nog eens.", "2026-05-01", "2026-05-10"),
    ("nl", "Pas in het derde kwartaal.", "2026-07-01", "2026-08-10"),
    ("nl", "Kom hier over drie weken op terug.", "2026-04-26", "2026-05-05"),
    ("nl", "Niet voor half juni.", "2026-06-10", "2026-06-20"),
    ("nl", "Mail me maandag even.", "2026-04-13", "2026-04-13"),
    ("nl", "Volgend jaar kijken we er weer naar.", "2027-01-01", "2027-01-31"),
    ("nl", "Na 15 mei graag.", "2026-05-16", "2026-05-25"),
    ("nl", "Op dit moment niet.", *NONE),
    ("nl", "Eind september weten we meer, vraag het dan nog eens.", "2026-09-20", "2026-10-05"),
    ("es", "Llámame el mes que viene.", "2026-05-01", "2026-05-21"),
    ("es", "Escríbame a principios de junio.", "2026-06-01", "2026-06-10"),
    ("es", "Hablamos después del verano.", "2026-09-01", "2026-09-15"),
    ("es", "Vuelva a contactarnos dentro de tres semanas.", "2026-04-26", "2026-05-05"),
    ("es", "No antes de septiembre.", "2026-09-01", "2026-09-21"),
    ("es", "A mediados de mayo podemos verlo.", "2026-05-10", "2026-05-20"),
    ("es", "El año que viene lo valoraremos.", "2027-01-01", "2027-01-31"),
    ("es", "Ahora mismo no es buen momento.", *NONE),
    ("es", "Llámeme el martes.", "2026-04-14", "2026-04-14"),
    ("it", "Ci risentiamo a settembre.", "2026-09-01", "2026-09-21"),
    ("it", "Mi richiami tra due settimane.", "2026-04-20", "2026-04-26"),
    ("it", "Non prima di metà maggio.", "2026-05-10", "2026-05-20"),
    ("it", "Ne riparliamo dopo le ferie estive.", "2026-09-01", "2026-09-15"),
    ("it", "Mi scriva il prossimo mese.", "2026-05-01", "2026-05-21"),
    ("it", "Risentiamoci dopo il 20 aprile.", "2026-04-21", "2026-04-30"),
    ("it", "L'anno prossimo, magari.", "2027-01-01", "2027-01-31"),
    ("it", "Nel terzo trimestre, prima no.", "2026-07-01", "2026-08-10"),
    ("it", "Al momento non è una priorità.", *NONE),
    ("pt", "Ligue-me em maio.", "2026-05-01", "2026-05-21"),
    ("pt", "Voltem a contactar daqui a três semanas.", "2026-04-26", "2026-05-05"),
    ("pt", "Só depois das férias de verão.", "2026-09-01", "2026-09-15"),
    ("pt", "Podemos falar no início de junho?", "2026-06-01", "2026-06-10"),
    ("pt", "No próximo ano voltamos a ver isto.", "2027-01-01", "2027-01-31"),
    ("pt", "Fale comigo na próxima semana.", "2026-04-13", "2026-04-17"),
    ("pt", "Neste momento não é prioridade.", *NONE),
    ("pt", "No segundo semestre conversamos.", "2026-07-01", "2026-08-10"),
    ("sv", "Hör av dig i augusti.", "2026-08-01", "2026-08-21"),
    ("sv", "Återkom om tre veckor.", "2026-04-26", "2026-05-05"),
    ("sv", "Inte förrän efter semestern.", "2026-08-01", "2026-08-31"),
    ("sv", "Ring mig i början av juni.", "2026-06-01", "2026-06-10"),
    ("sv", "Vi kan prata nästa vecka.", "2026-04-13", "2026-04-17"),
    ("sv", "Kontakta mig i vecka 36.", "2026-08-31", "2026-09-04"),
    ("sv", "Nästa år tittar vi på det igen.", "2027-01-01", "2027-01-31"),
    ("sv", "Det är inte aktuellt just nu.", *NONE),
    ("en", "Tuesday of next week suits me, call me then.", "2026-04-14", "2026-04-14"),
    ("en", "Ask me again after our general meeting on 12 May.", "2026-05-13", "2026-05-22"),
    ("en", "Try me in a month or two.", "2026-05-06", "2026-06-10"),
    ("de", "Rufen Sie mich nächste Woche Mittwoch an.", "2026-04-15", "2026-04-15"),
    ("nl", "Over een maand of drie graag.", "2026-07-01", "2026-07-15"),
    ("sv", "Ring mig nästa vecka på torsdag.", "2026-04-16", "2026-04-16"),
    ("sv", "Efter midsommar passar bättre.", "2026-06-20", "2026-07-05"),
]


# Other days of sending.
BACK_FROM = [
    (DECEMBER, "en", "I am on leave from 21 December to 1 January inclusive.", "2027-01-02", "2027-01-05"),
    (DECEMBER, "de", "Wir haben vom 24.12. bis 6.1. geschlossen.", "2027-01-07", "2027-01-07"),
    (DECEMBER, "en", "Out of office until the new year.", "2027-01-01", "2027-01-07"),
    (DECEMBER, "sv", "Kontoret är stängt över jul och öppnar igen den 7 januari.", "2027-01-07", "2027-01-07"),
    (DECEMBER, "it", "Siamo chiusi fino al 7 gennaio 2027 incluso.", "2027-01-08", "2027-01-08"),
    (DECEMBER, "pt", "Estaremos de recesso de 21/12 a 03/01.", "2027-01-04", "2027-01-04"),
    (WEDNESDAY, "en", "I'm out today (April 8) and will be back tomorrow.", "2026-04-09", "2026-04-09"),
    (WEDNESDAY, "en", "I am away for the next two weeks.", "2026-04-22", "2026-04-23"),
    (WEDNESDAY, "en", "I'm away for two weeks, back Thursday 23 April.", "2026-04-23", "2026-04-23"),
    (WEDNESDAY, "en", "I will not be back in the office before Tuesday.", "2026-04-14", "2026-04-14"),
    (WEDNESDAY, "en", "I am away until after the bank holiday, back on 5th May.", "2026-05-05", "2026-05-05"),
    (WEDNESDAY, "en", "Hi, I'm on PTO through 4/17.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "en", "I'm out of office 8 Apr - 10 Apr.", "2026-04-13", "2026-04-13"),
    (WEDNESDAY, "en", "I'm away from my desk until Monday 13th.", "2026-04-13", "2026-04-14"),
    (WEDNESDAY, "en", "I am on sabbatical until the end of August.", "2026-09-01", "2026-09-01"),
    (WEDNESDAY, "en", "Please note I work Monday to Wednesday. I will answer when I am in.", None, None),
    (WEDNESDAY, "en", "I am on maternity leave. My cover is Jo (jo@x.example).", None, None),
    (WEDNESDAY, "en", "I will be out of the office on Thursday and Friday.", "2026-04-13", "2026-04-13"),
    (WEDNESDAY, "de", "Ich bin am 9. und 10. April nicht im Büro.", "2026-04-13", "2026-04-13"),
    (WEDNESDAY, "de", "Ich bin bis Montag außer Haus.", "2026-04-13", "2026-04-14"),
    (WEDNESDAY, "de", "Ich bin in Elternzeit und kehre im September zurück.", "2026-09-01", "2026-09-04"),
    (WEDNESDAY, "de", "Mein Büro ist bis 12. April wegen Urlaubs geschlossen.", "2026-04-13", "2026-04-13"),
    (WEDNESDAY, "de", "Ich bin derzeit krank. Wann ich zurück bin, steht noch nicht fest.", None, None),
    (WEDNESDAY, "fr", "Je suis absente du bureau jusqu'au lundi 13 avril au matin.", "2026-04-13", "2026-04-14"),
    (WEDNESDAY, "fr", "En congé du 8 au 17/04. Merci de contacter Paul au 01 23 45 67 89.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "fr", "Absent pour la journée, je vous répondrai dès demain.", "2026-04-09", "2026-04-09"),
    (WEDNESDAY, "fr", "Je serai absent les 9 et 10 avril.", "2026-04-13", "2026-04-13"),
    (WEDNESDAY, "fr", "Je suis en arrêt maladie pour une durée indéterminée.", None, None),
    (WEDNESDAY, "fr", "De retour le 20/04.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "nl", "Ik ben met zwangerschapsverlof tot begin september.", "2026-09-01", "2026-09-10"),
    (WEDNESDAY, "nl", "Ik ben er niet tot en met vrijdag.", "2026-04-13", "2026-04-13"),
    (WEDNESDAY, "nl", "Vandaag ben ik vrij, morgen lees ik uw mail.", "2026-04-09", "2026-04-09"),
    (WEDNESDAY, "es", "Estoy fuera hasta el lunes 13.", "2026-04-13", "2026-04-14"),
    (WEDNESDAY, "es", "De vacaciones; me incorporo el día 27.", "2026-04-27", "2026-04-27"),
    (WEDNESDAY, "it", "Sarò in ferie dall'8 al 17 aprile compresi.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "it", "Sono assente per malattia.", None, None),
    (WEDNESDAY, "it", "Sarò nuovamente in ufficio a partire da lunedì 20/04/2026.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "pt", "Estou de férias até sexta-feira, 17 de abril.", "2026-04-18", "2026-04-20"),
    (WEDNESDAY, "pt", "Estou de licença, com retorno previsto para 4 de maio.", "2026-05-04", "2026-05-04"),
    (WEDNESDAY, "sv", "Jag är på semester t.o.m. den 19 april och läser mejl igen den 20.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "sv", "Jag är sjuk idag.", "2026-04-09", "2026-04-09"),
    (JUNE, "de", "Ich bin bis zum 28.6. unterwegs.", "2026-06-29", "2026-06-29"),
    (NOVEMBER, "en", "I will be out 11/11 through 11/13.", "2026-11-14", "2026-11-16"),
    (NOVEMBER, "en", "I'm out of the office for Thanksgiving and back Monday, Nov. 30.", "2026-11-30", "2026-11-30"),
]

AGAIN_FROM = [
    (WEDNESDAY, "en", "I can look at it in the week of 11 May.", "2026-05-11", "2026-05-15"),
    (WEDNESDAY, "en", "Could we speak in a fortnight?", "2026-04-20", "2026-04-27"),
    (WEDNESDAY, "en", "In ten days I'll know more. Ask me then.", "2026-04-17", "2026-04-24"),
    (WEDNESDAY, "en", "Our CFO is on leave through May 8, so get in touch the week after.", "2026-05-09", "2026-05-15"),
    (WEDNESDAY, "en", "The budget for 2027 is drawn up in October. Contact me then.", "2026-10-01", "2026-10-21"),
    (WEDNESDAY, "en", "Please wait until the board has met on 22 April.", "2026-04-22", "2026-04-30"),
    (WEDNESDAY, "en", "Too busy this month. Try late May.", "2026-05-20", "2026-05-31"),
    (WEDNESDAY, "en", "Hold off until H2.", "2026-07-01", "2026-08-10"),
    (WEDNESDAY, "en", "Perhaps in the autumn.", "2026-09-01", "2026-10-20"),
    (WEDNESDAY, "en", "I have no time now. Please call again on Monday, 20 April at 10.", "2026-04-20", "2026-04-20"),
    (WEDNESDAY, "en", "We won't decide before the summer break.", "2026-06-15", "2026-09-15"),
    (WEDNESDAY, "en", "Ping me in 3 months.", "2026-07-01", "2026-07-20"),
    (WEDNESDAY, "en", "Towards the end of the year would be better.", "2026-11-15", "2026-12-31"),
    (WEDNESDAY, "en", "Let's revisit in Q1 2027.", "2027-01-01", "2027-02-10"),
    (WEDNESDAY, "en", "We have 30 employees and signed a contract in 2024.", None, None),
    (WEDNESDAY, "en", "Later this year maybe.", None, None),
    (WEDNESDAY, "de", "Wir haben erst ab Juni wieder Budget.", "2026-06-01", "2026-06-21"),
    (WEDNESDAY, "de", "Fragen Sie nach den Osterferien, also ab 20. April, noch mal nach.", "2026-04-20", "2026-04-24"),
    (WEDNESDAY, "de", "In etwa drei Monaten ist das wieder ein Thema.", "2026-07-01", "2026-07-20"),
    (WEDNESDAY, "de", "Nächste Woche passt es besser.", "2026-04-13", "2026-04-17"),
    (WEDNESDAY, "de", "Zum Jahresende schauen wir uns das an.", "2026-11-15", "2026-12-31"),
    (WEDNESDAY, "fr", "Nous aurons le budget au 1er juillet, recontactez-moi à ce moment.", "2026-07-01", "2026-07-10"),
    (WEDNESDAY, "fr", "Rappelez-moi dans quinze jours.", "2026-04-20", "2026-04-27"),
    (WEDNESDAY, "fr", "Mon directeur rentre le 27 avril. Écrivez-moi après cette date.", "2026-04-27", "2026-05-07"),
    (WEDNESDAY, "fr", "Revenez vers moi après Pâques 2027.", "2027-03-29", "2027-04-08"),
    (WEDNESDAY, "fr", "Pas avant l'automne.", "2026-09-01", "2026-10-20"),
    (WEDNESDAY, "fr", "Notre contrat actuel expire le 30 juin.", "2026-06-20", "2026-07-10"),
    (WEDNESDAY, "fr", "La semaine prochaine, volontiers.", "2026-04-13", "2026-04-17"),
    (WEDNESDAY, "nl", "Kunnen we dit na Hemelvaart oppakken?", "2026-05-15", "2026-05-24"),
    (WEDNESDAY, "nl", "Bel me volgende week dinsdag.", "2026-04-14", "2026-04-14"),
    (WEDNESDAY, "nl", "In mei heb ik meer tijd.", "2026-05-01", "2026-05-21"),
    (WEDNESDAY, "nl", "Over een half jaar graag.", "2026-10-01", "2026-10-20"),
    (WEDNESDAY, "es", "Llámeme la segunda quincena de mayo.", "2026-05-15", "2026-05-31"),
    (WEDNESDAY, "es", "Hasta junio no tenemos presupuesto.", "2026-06-01", "2026-06-21"),
    (WEDNESDAY, "es", "Escríbame pasada la Semana Santa del año que viene.", "2027-03-29", "2027-04-10"),
    (WEDNESDAY, "es", "En otoño hablamos.", "2026-09-01", "2026-10-20"),
    (WEDNESDAY, "it", "Mi richiami dopo il 15 maggio.", "2026-05-16", "2026-05-25"),
    (WEDNESDAY, "it", "Ci risentiamo fra un mese.", "2026-05-04", "2026-05-15"),
    (WEDNESDAY, "it", "A inizio giugno saprò dirle di più, mi scriva allora.", "2026-06-01", "2026-06-10"),
    (WEDNESDAY, "it", "In autunno se ne può parlare.", "2026-09-01", "2026-10-20"),
    (WEDNESDAY, "pt", "Volte a falar comigo na segunda quinzena de maio.", "2026-05-15", "2026-05-31"),
    (WEDNESDAY, "pt", "Depois de 20 de abril podemos falar.", "2026-04-21", "2026-04-30"),
    (WEDNESDAY, "pt", "Até junho não temos verba.", "2026-06-01", "2026-06-21"),
    (WEDNESDAY, "sv", "Återkom efter den 20 april.", "2026-04-21", "2026-04-30"),
    (WEDNESDAY, "sv", "Hör av dig i mitten av maj.", "2026-05-10", "2026-05-20"),
    (WEDNESDAY, "sv", "Till hösten kan vi ta det igen.", "2026-09-01", "2026-10-20"),
    (WEDNESDAY, "sv", "Om ett halvår passar det bättre.", "2026-10-01", "2026-10-20"),
    (DECEMBER, "en", "Merry Christmas! Let's talk in the second week of January.", "2027-01-08", "2027-01-17"),
    (DECEMBER, "de", "Schöne Feiertage. Bitte im Januar noch einmal anfragen.", "2027-01-01", "2027-01-21"),
    (DECEMBER, "fr", "Bonnes fêtes ! Reparlons-en mi-janvier.", "2027-01-10", "2027-01-20"),
    (DECEMBER, "en", "Let's catch up after the holidays.", "2026-12-28", "2027-01-15"),
]


def assert_within(found, earliest, latest):
    if earliest is None:
        assert found is None
    else:
        assert found is not None
        assert day(earliest) <= found <= day(latest)


@pytest.mark.parametrize(("language", "text", "earliest", "latest"), BACK)
def test_the_day_of_return_is_read(language, text, earliest, latest):
    assert_within(dates.back_on(text, WEDNESDAY, language), earliest, latest)


@pytest.mark.parametrize(("language", "text", "earliest", "latest"), AGAIN)
def test_the_day_to_write_again_is_read(language, text, earliest, latest):
    assert_within(dates.again_on(text, WEDNESDAY, language), earliest, latest)


@pytest.mark.parametrize(("sent", "language", "text", "earliest", "latest"), BACK_FROM)
def test_the_day_of_return_is_read_against_the_day_of_sending(sent, language, text, earliest, latest):
    assert_within(dates.back_on(text, sent, language), earliest, latest)


@pytest.mark.parametrize(("sent", "language", "text", "earliest", "latest"), AGAIN_FROM)
def test_the_day_to_write_again_is_read_against_the_day_of_sending(sent, language, text, earliest, latest):
    assert_within(dates.again_on(text, sent, language), earliest, latest)


def test_a_day_that_is_no_business_day_moves_to_the_next_one():
    def business(found):
        return found.weekday() < 5 and found != date(2026, 4, 20)

    assert dates.back_on("Back on 20 April.", WEDNESDAY, "en", business) == date(2026, 4, 21)


@pytest.mark.parametrize(
    ("language", "text", "back"),
    [
        ("en", "I am away until Thursday 16 April.", "2026-04-16"),
        ("en", "I am away until 8 April and am unable to read your message.", "2026-04-08"),
        ("en", "I am away until Friday 17 April.", "2026-04-20"),
        ("en", "I am away until and including Thursday 16 April.", "2026-04-17"),
        ("fr", "Je suis absente jusqu'au jeudi 16 avril.", "2026-04-17"),
    ],
)
def test_until_a_working_day_names_the_day_of_return_in_english_and_the_last_day_away_elsewhere(language, text, back):
    assert dates.back_on(text, WEDNESDAY, language) == day(back)


def test_nobody_is_written_to_on_new_years_day_where_no_country_is_known():
    assert dates.again_on("Not this year. Put me down for January.", DECEMBER, "en") == date(2027, 1, 4)


def test_american_order_is_read_from_the_writers_offset():
    american = WEDNESDAY.astimezone(timezone(timedelta(hours=-5)))
    assert dates.back_on("I return on 05/11/2026.", american, "en") == date(2026, 5, 11)
    assert dates.back_on("I return on 05/11/2026.", WEDNESDAY, "en") == date(2026, 11, 5)


@pytest.mark.parametrize("seed", ["monday 3 march ", "in 3 weeks until ", "1 ", "end of the ", "3. ", "on the 5th "])
def test_hostile_text_is_read_for_days_without_blowing_up(seed):
    for language in ("en", "de", "fr"):
        dates.back_on(seed * 20_000, WEDNESDAY, language)
        dates.again_on(seed * 20_000, WEDNESDAY, language)


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("Fragen Sie im März wieder nach.", "de", date(2025, 3, 3)),
        ("Fragen Sie im dritten Quartal nächstes Jahr wieder nach.", "de", date(2025, 7, 1)),
        ("Ask again in October next year.", "en", date(2025, 10, 1)),
        ("Kunt u het in zes weken nog eens proberen?", "nl", date(2025, 1, 23)),
    ],
)
def test_a_part_of_a_year_belongs_to_the_year_named_behind_it(text, language, day):
    assert dates.again_on(text, datetime(2024, 12, 12, 9, tzinfo=UTC), language) == day
