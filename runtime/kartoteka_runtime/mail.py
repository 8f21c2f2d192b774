"""Mailer: hands a message to the operator's mail server, or says why it could not."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

import aiosmtplib

from kartoteka.errors import KartotekaError
from kartoteka_runtime.settings import MailSettings

_SECONDS = 30.0  # for the whole conversation


class MailRefused(KartotekaError):
    """The server will never take this message: the address is wrong, or we are not welcome."""


class MailDelayed(KartotekaError):
    """The server could not be reached, or cannot take the message just now."""


class Mailer:
    """Sends plain texts, one message a conversation."""

    def __init__(self, settings: MailSettings) -> None:
        """Send by the server that ``settings`` name."""
        self._settings = settings

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand a message over.

        Raises:
            MailRefused: Trying again is of no use.
            MailDelayed: Trying again later is.
        """
        settings = self._settings
        try:
            await aiosmtplib.send(
                self._message(to, subject, text),
                sender=settings.sender,
                recipients=[to],
                hostname=settings.host,
                port=settings.port,
                username=settings.user or None,
                password=settings.password or None,
                use_tls=settings.tls == "tls",
                start_tls=settings.tls == "starttls",
                timeout=_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            if codes and min(codes) >= 500:
                raise MailRefused(f"the mail server refuses the address: {codes[0]}") from error
            raise MailDelayed(f"the mail server does not take the address now: {codes}") from error
        except aiosmtplib.SMTPDataError as error:
            if error.code >= 500:
                raise MailRefused(f"the mail server refuses the message: {error.code}") from error
            raise MailDelayed(f"the mail server does not take it now: {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailDelayed(f"{settings.host}:{settings.port}: {error}") from error

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        try:
            message = EmailMessage(policy=SMTP)
            message["From"] = self._settings.sender
            message["To"] = to
            message["Subject"] = " ".join(subject.split())
            message["Date"] = formatdate()
            message["Message-ID"] = make_msgid(domain=self._settings.sender.rpartition("@")[2])
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(text)
        except (ValueError, UnicodeError) as error:  # no address at all
            raise MailRefused(f"no such message can be sent: {error}") from error
        return message
