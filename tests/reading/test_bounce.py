"""Bounces of many mail systems, as they write them, with LF and CRLF: found, classed, and their address named."""

import pytest

from cadenced.reading import bounce, inbound

WHO = "paula@prospect.example"
RETURNED = (
    "Return-Path: <julie@abc.example>\nReceived: from abc.example by mx.example; Mon, 2 Mar 2026 10:00:00 +0000\n"
    "From: Julie <julie@abc.example>\nTo: Paula <paula@prospect.example>\nSubject: Your next step\n"
    "Message-ID: <ref1@abc.example>\nX-Cadence-Ref: ref1\n\nHello Paula\n"
)


def plain(body, subject="failure notice", sender="MAILER-DAEMON@mx.example", path="<>", extra=""):
    return (
        f"Return-Path: {path}\nFrom: {sender}\nTo: julie@abc.example\nSubject: {subject}\n"
        f"Date: Mon, 2 Mar 2026 10:00:05 +0000\nMessage-ID: <b1@mx.example>\n{extra}\n{body}\n"
    )


def report(fields, words="Your message could not be delivered.", action="failed", returned=RETURNED):
    return (
        "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\nTo: julie@abc.example\n"
        "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        f"--B\nContent-Type: text/plain\n\n{words}\n\n--B\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\nOriginal-Envelope-Id: ref1\n\nFinal-Recipient: rfc822; {WHO}\n"
        f"Action: {action}\n{fields}\n\n--B\nContent-Type: message/rfc822\n\n{returned}\n--B--\n"
    )


FORMS = {
    "qmail": (
        "hard",
        plain(
            "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message "
            "to the "
            f"following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<{WHO}>:\n"
            "Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
            + RETURNED
        ),
    ),
    "exim": (
        "hard",
        plain(
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
            "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) "
            "failed:\n\n"
            f"  {WHO}\n    SMTP error from remote mail server after RCPT TO:<{WHO}>:\n    550 5.1.1 User unknown\n\n"
            "------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED,
            "Mail delivery failed: returning message to sender",
            extra=f"X-Failed-Recipients: {WHO}\nAuto-Submitted: auto-replied\n",
        ),
    ),
    "exim warning": (
        "delayed",
        plain(
            "This message was created automatically by mail delivery software.\nA message that you sent has not "
            "yet been "
            "delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.example.\n\nThe "
            f"address to which the message has not yet been delivered is:\n\n  {WHO}\n    Delay reason: host lookup\n\n"
            "No action is required on your part. Delivery attempts will continue for some time.",
            "Warning: message 1abc delayed 24 hours",
        ),
    ),
    "postfix text": (
        "soft",
        plain(
            "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message "
            "could not\n"
            f"be delivered to one or more recipients.\n\n<{WHO}>: host mx.prospect.example[192.0.2.1] said: 552 5.2.2\n"
            "    Mailbox full (in reply to RCPT TO command)",
            "Undelivered Mail Returned to Sender",
        ),
    ),
    "sendmail": (
        "hard",
        plain(
            "The original message was received at Mon, 2 Mar 2026 10:00:00 GMT\nfrom localhost\n\n   ----- The "
            "following "
            f"addresses had permanent fatal errors -----\n<{WHO}>\n\n   ----- Transcript of session follows -----\n"
            f"... while talking to mx.prospect.example.:\n>>> DATA\n<<< 550 5.1.1 <{WHO}>... User unknown",
            "Returned mail: see transcript for details",
        ),
    ),
    "google": (
        "hard",
        plain(
            "** Address not found **\n\nYour message wasn't delivered to paula@prospect.example because the address "
            "couldn't be found, or is unable to receive mail.\n\nThe response from the remote server was:\n\n550 5.1.1 "
            "The email account that you tried to reach does not exist.",
            "Delivery Status Notification (Failure)",
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            extra=f"X-Failed-Recipients: {WHO}\nIn-Reply-To: <ref1@abc.example>\n",
        ),
    ),
    "yahoo": (
        "hard",
        plain(
            f"Sorry, we were unable to deliver your message to the following address.\n\n<{WHO}>:\nRemote host said:\n"
            "554 delivery error: dd This user doesn't have a yahoo.com account [0]\n[END_OF_DATA]",
            "Failure Notice",
            "MAILER-DAEMON@yahoo.com",
        ),
    ),
    "domino": (
        "hard",
        plain(
            f"Your message\n\n  Subject: Your next step\n\nwas not delivered to:\n\n  {WHO}\n\nbecause:\n\n  User "
            f"paula "
            f"({WHO}) not listed in Domino Directory\n",
            "DELIVERY FAILURE: User paula not listed in Domino Directory",
            "Postmaster@prospect.example",
        ),
    ),
    "exchange": (
        "hard",
        plain(
            "Your message\n\n  To:      Paula\n  Subject: Your next step\n  Sent:    Mon, 2 Mar 2026 "
            "10:00:00\n\ndid not "
            f"reach the following recipient(s):\n\n{WHO} on Mon, 2 Mar 2026 10:00:05\n    The recipient name is not "
            "recognized\n    MSEXCH:IMS:X:Y:Z 0 (000C05A6) Unknown Recipient",
            "Undeliverable: Your next step",
            "System Administrator <postmaster@prospect.example>",
        ),
    ),
    "exchange, German": (
        "hard",
        plain(
            f"Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\n{WHO}\n\nDie eingegebene "
            "E-Mail-Adresse konnte nicht gefunden werden. Der Empfänger ist unbekannt.\n\nDiagnoseinformationen für "
            f"Administratoren:\n{WHO}\n550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
            "Unzustellbar: Your next step",
            "Microsoft Outlook <postmaster@prospect.example>",
        ),
    ),
    "exchange, French": (
        "soft",
        plain(
            f"Échec de la remise pour les destinataires ou les groupes suivants :\n\n{WHO}\n\nLa boîte aux lettres du "
            "destinataire est pleine et ne peut pas accepter de messages pour le moment.",
            "Non remis : Your next step",
            "postmaster@prospect.example",
        ),
    ),
    "mail.ru": (
        "hard",
        plain(
            "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.\n\nК сожалению, Ваше письмо "
            f"не может быть доставлено одному или нескольким получателям:\n\n{WHO}\n    user not found",
            "Mail delivery failed",
            "mailer-daemon@corp.mail.ru",
        ),
    ),
    "docomo": (
        "hard",
        plain(
            f"このメールは、下記の宛先に配信できませんでした。\n\n<{WHO}>\n\n550 Unknown user",
            "Mail System Error - Returned Mail",
            "postmaster@docomo.example",
        ),
    ),
    "courier": (
        "hard",
        plain(
            "This is a delivery status notification from mx.example,\nrunning the Courier mail server, version "
            "0.65.\n\n"
            "The original message was received on Mon, 2 Mar 2026\n\nUNDELIVERABLE MAIL\n\nYour message to the "
            "following "
            f"recipients cannot be delivered:\n\n<{WHO}>:\n     mx.prospect.example [192.0.2.1]:\n     >>> RCPT "
            f"TO:<{WHO}>\n"
            "     <<< 550 User unknown.",
            "NOTICE: mail delivery status.",
            "Courier mail server at mx.example <postmaster@mx.example>",
        ),
    ),
    "mailmarshal": (
        "hard",
        plain(
            "Your message:\n   From:    julie@abc.example\n   Subject: Your next step\n\nCould not be delivered "
            "because of\n\n"
            f"550 5.1.1 User unknown\n\nThe following recipients were affected:\n    {WHO}",
            'Undeliverable Mail: "Your next step"',
            "postmaster@prospect.example",
        ),
    ),
    "report, hard": ("hard", report("Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user")),
    "report, full": ("soft", report("Status: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Over quota")),
    "report, blocked": (
        "blocked",
        report("Status: 5.7.26\nDiagnostic-Code: smtp; 550-5.7.26 This mail is unauthenticated, which poses a risk"),
    ),
    "report, late": (
        "delayed",
        report("Status: 4.4.1\nWill-Retry-Until: Wed, 4 Mar 2026 10:00:00 +0000", action="delayed"),
    ),
    "report, wrong status": (
        "blocked",
        report("Status: 5.1.1\nDiagnostic-Code: smtp; 550 IP address blacklisted by recipient"),
    ),
    "report, no diagnostic": ("hard", report("Status: 5.1.1")),
    "report in text": (
        "hard",
        plain(
            f"An error occurred while trying to deliver the mail to the following "
            f"recipients:\n{WHO}\n\nReporting-MTA: dns; "
            f"mx.example\n\nAction: failed\nFinal-Recipient: rfc822; {WHO}\nDiagnostic-Code: smtp; 550 5.1.1 User "
            f"unknown\n"
            "Status: 5.1.1",
            "Delivery Status Notification (Failure)",
        ),
    ),
}


def ends(text, crlf):
    return text.replace("\n", "\r\n").encode() if crlf else text.encode()


@pytest.mark.parametrize("crlf", [False, True], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_found_classed_and_addressed(name, crlf):
    kind, text = FORMS[name]
    found = bounce.find(inbound.parse(ends(text, crlf)))
    assert found is not None
    assert (found.kind, found.recipients[:1]) == (kind, (WHO,))


@pytest.mark.parametrize("crlf", [False, True], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", ["qmail", "exim", "google", "report, hard"])
def test_the_mail_that_came_back_is_named(name, crlf):
    found = bounce.find(inbound.parse(ends(FORMS[name][1], crlf)))
    assert found is not None
    assert found.returned_message_id == "ref1@abc.example"


def test_our_reference_is_found_in_the_returned_header_and_in_the_envelope_id():
    found = bounce.find(inbound.parse(report("Status: 5.1.1").encode()))
    assert found is not None
    assert found.returned_ref == "ref1"
    without = bounce.find(inbound.parse(report("Status: 5.1.1", returned="Subject: x\n\nx").encode()))
    assert without is not None
    assert without.returned_ref == "ref1"


def test_the_status_is_the_servers_own_code():
    found = bounce.find(inbound.parse(report("Status: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 No such user").encode()))
    assert found is not None
    assert found.status == "5.1.1"


def test_the_original_recipient_goes_before_what_a_server_made_of_it():
    text = report("Original-Recipient: rfc822; paula@prospect.example\nStatus: 5.1.1").replace(
        f"Final-Recipient: rfc822; {WHO}", "Final-Recipient: rfc822; p12345@internal.prospect.example"
    )
    found = bounce.find(inbound.parse(text.encode()))
    assert found is not None
    assert found.recipients == (WHO,)


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_good_news_is_no_bounce(action):
    assert bounce.find(inbound.parse(report("Status: 2.1.5", "Your mail was delivered.", action).encode())) is None


PEOPLE = [
    ("Re: Your next step", "Hi Julie, your last mail was returned to me as undeliverable, please send it again."),
    ("Mail delivery", "Hello, we sell mail delivery systems. Could not be better. Call me."),
    ("Re: failure notice", "Thanks, I had the same:\n> 550 5.1.1 User unknown\n> Delivery failed permanently"),
    ("Fwd: Undelivered Mail Returned to Sender", "Julie, your mail to Paula bounced, see below. She left last month."),
    ("Returned goods", "The parcel could not be delivered to the address you gave."),
]


@pytest.mark.parametrize(("subject", "body"), PEOPLE)
def test_a_person_who_writes_of_bounces_is_a_person(subject, body):
    text = plain(body, subject, "Paula <paula@prospect.example>", "<paula@prospect.example>")
    assert bounce.find(inbound.parse(text.encode())) is None


def test_a_quoted_bounce_below_a_persons_words_is_no_bounce():
    quoted = "\n".join(f"> {line}" for line in FORMS["qmail"][1].splitlines())
    text = plain(
        f"Did you see this?\n\n{quoted}", "Re: failure notice", "Paula <p@prospect.example>", "<p@prospect.example>"
    )
    assert bounce.find(inbound.parse(text.encode())) is None


def test_a_bounce_of_a_bounce_names_the_inner_address():
    inner = report("Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user")
    outer = (
        "Return-Path: <>\nFrom: MAILER-DAEMON@relay.example\nTo: julie@abc.example\nSubject: Returned mail\n"
        'Content-Type: multipart/mixed; boundary="O"\n\n--O\n\nThe message could not be delivered.\n--O\n'
        f"Content-Type: message/rfc822\n\n{inner}\n--O--\n"
    )
    found = bounce.find(inbound.parse(outer.encode()))
    assert found is not None
    assert found.recipients == (WHO,)
