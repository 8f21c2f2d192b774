"""PasswordResets: a way to a new password for who forgot theirs, sent to their mail address.

The way is random, kept as a hash, holds for an hour, works once, and only while the password is
the one that it was made for. Whether an address is known shows nowhere (decisions/0036).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from kartoteka.labels import LabelResolver
from kartoteka_runtime.identity import EventSink, IdentityStore, Reset, UserNames
from kartoteka_runtime.mail import Mailer
from kartoteka_runtime.security.sessions import Sessions, check_password
from kartoteka_runtime.security.tokens import digest_of

# Names of the jobs that send mail (``jobs.password_mails``).
ASKED, RESET, CHANGED = (
    "kartoteka.password_asked", "kartoteka.password_reset", "kartoteka.password_changed",
)  # fmt: skip
ADDRESS = "/reset-password"
HOLDS = timedelta(hours=1)
_MOST_AN_HOUR = 5  # mails to one user
_log = logging.getLogger(__name__)


class PasswordResets:
    """Sends ways to a new password, and lets each be used once."""

    def __init__(
        self,
        store: IdentityStore,
        sessions: Sessions,
        *,
        mailer: Mailer | None,
        public_url: str,
        labels: Callable[[], LabelResolver],
        app_label: str,
        base_language: str,
    ) -> None:
        """``labels`` has the texts of mails; links begin with ``public_url``."""
        self._store = store
        self._sessions = sessions
        self._mailer = mailer
        self._public_url = public_url
        self._labels = labels
        self._app_label = app_label
        self._base_language = base_language
        self.events: EventSink | None = None

    @property
    def is_possible(self) -> bool:
        """Return whether mails with links can be sent."""
        return self._mailer is not None and bool(self._public_url)

    async def people_at(self, asked: str) -> Sequence[UserNames]:
        """Return who has a password and may sign in, by user name or mail address."""
        people = await self._store.people_at(asked.strip()[:200])
        return [person for person in people if not person.is_disabled and person.email]

    async def send(self, user_id: str) -> bool:
        """Send a user a way to a new password; return whether that was done.

        Raises:
            MailRefused: The mail server will never take it.
            MailDelayed: It may take it later.
        """
        person = await self._store.names(user_id)
        credential = await self._store.credential_of(user_id)
        if self._mailer is None or not self.is_possible or person is None or credential is None:
            return False
        if person.is_disabled or not person.email:
            return False
        now = datetime.now(UTC)
        if await self._store.resets_since(user_id, now - HOLDS) >= _MOST_AN_HOUR:
            _log.warning("no further reset mail to user %s within the hour", user_id)
            return False
        token = secrets.token_urlsafe(32)
        reset = Reset(user_id, _hash_of(credential.password_hash))
        await self._store.add_reset(digest_of(token), reset, now + HOLDS)
        link = f"{self._public_url}{ADDRESS}?token={quote(token)}"
        await self._mail(person, "mail.reset", link=link)
        return True

    async def tell_changed(self, user_id: str) -> bool:
        """Tell a user by mail that their password was changed."""
        person = await self._store.names(user_id)
        if self._mailer is None or person is None or not person.email:
            return False
        await self._mail(person, "mail.password_changed")
        return True

    async def find(self, token: str) -> UserNames | None:
        """Return whose way to a new password this is, if it still is one."""
        return await self._owner(await self._store.reset(digest_of(token)) if token else None)

    async def use(self, token: str, password: str, *, address: str = "") -> bool:
        """Give the user a new password and end their sessions; False: the way is closed.

        Raises:
            RecordInvalid: The new password is refused; the way may be used again.
        """
        person = await self.find(token)
        if person is None:
            return False
        check_password(password, person.texts)
        person = await self._owner(await self._store.take_reset(digest_of(token)))
        if person is None:  # somebody else was faster
            return False
        await self._sessions.set_password(person.user_id, password)
        return True

    async def _owner(self, reset: Reset | None) -> UserNames | None:
        if reset is None:
            return None
        credential = await self._store.credential_of(reset.user_id)
        if credential is None or _hash_of(credential.password_hash) != reset.for_hash:
            return None
        person = await self._store.names(reset.user_id)
        return None if person is None or person.is_disabled else person

    async def _mail(self, person: UserNames, key: str, **params: str) -> None:
        assert self._mailer is not None
        language = await self._store.preferred_language(person.user_id) or self._base_language
        labels = self._labels()
        known = {"app": self._app_label, "user": person.user_name, "name": person.name, **params}
        subject = labels.message(f"{key}.subject", language, **known)
        text = labels.message(f"{key}.text", language, **known)
        await self._mailer.send(person.email, subject, text)


def _hash_of(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()
