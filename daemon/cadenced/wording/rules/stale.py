"""Messages about the message before: checking in, and blame for silence."""

from __future__ import annotations

from cadenced.wording.findings import ERROR
from cadenced.wording.rule import Example, MessageRule, spoken

RULES = (
    MessageRule(
        code="checking-in",
        severity=ERROR,
        title="Just checking in",
        message="“{detail}” only says that you want an answer",
        cure="give a reason to answer: something new for the reader, or a next step with a day",
        source="the golden bad examples of follow-up coaching; every touch brings something of its own",
        check=spoken("checking-in"),
        fires=(
            Example("Just checking in on the proposal I sent. Do you have any questions?"),
            Example("Hello, I was coming back to you following our exchange last week."),
            Example("I wanted to touch base about your plans."),
            Example("Circling back on this, Mike."),
            Example("Following up on my last mail: did you decide?"),
            Example("Is there any update on the contract?"),
            Example("Bumping this to the top of your inbox."),
            Example("Je me permets de revenir vers vous suite à notre échange.", "Suite", "fr"),
            Example("Ich wollte nur kurz nachfragen, ob Sie mein Angebot gelesen haben.", "Angebot", "de"),
            Example("Ik wilde even checken of je mijn mail hebt gezien.", "Voorstel", "nl"),
            Example("Solo quería saber si ha podido revisar mi propuesta.", "Propuesta", "es"),
            Example("Volevo solo sapere se ha ricevuto la mia proposta.", "Proposta", "it"),
            Example("Só queria saber se recebeu a minha proposta.", "Proposta", "pt"),
        ),
        silent=(
            Example("You check in at the hotel at noon, and the room is yours until Friday."),
            Example("The update on your contract is ready: page 2 has the new price."),
            Example("Thank you for checking in the keys at the desk."),
            Example("Sie fragten nach dem Preis. Hier ist er.", "Preis", "de"),
            Example("Vous reviendrez de Lyon mardi : je propose mercredi à 9 h.", "Mercredi", "fr"),
        ),
    ),
    MessageRule(
        code="guilt",
        severity=ERROR,
        title="Blame for silence",
        message="“{detail}” blames the reader for not answering",
        cure="assume a good reason, and make the answer easy",
        source="nobody owes an answer to a mail they did not ask for",
        check=spoken("guilt"),
        fires=(
            Example("I've tried to reach you several times this month."),
            Example("We haven't heard back from you since the demo."),
            Example("You still haven't replied to the proposal."),
            Example("J'ai essayé de vous joindre à plusieurs reprises.", "Votre projet", "fr"),
            Example("Ich habe mehrfach versucht, Sie zu erreichen.", "Ihr Projekt", "de"),
            Example("Ik heb meermaals geprobeerd je te bereiken.", "Je project", "nl"),
        ),
        silent=(
            Example("You can reach me on Tuesday at 9."),
            Example("Since nothing was decided, I assume something has changed on your end."),
            Example("Sie erreichen mich am Dienstag um 9 Uhr.", "Dienstag", "de"),
        ),
    ),
)
