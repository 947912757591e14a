"""Our rules where the sign-in library leaves room: mail, passwords, codes, passkeys, rows and translations.

Refuses passwords that are short or easily guessed, a one-time code that was used before, and a passkey that signs in
alone without proving that its owner is there.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from babel.support import NullTranslations, Translations
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_security import (
    FSQLALiteUserDatastore,
    MailUtil,
    PasswordUtil,
    RoleMixin,
    Totp,
    UserMixin,
    WebauthnUtil,
    hash_password,
)
from flask_security.babel import FsDomain
from flask_security.mail_util import EmailValidateException
from passlib.totp import TokenError  # type: ignore[import-untyped]
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from fundflow import mail
from fundflow.accounts import refusals, service
from fundflow.accounts.models import User, WebAuthn
from fundflow.db import db

PASSWORD_LENGTH = 10
LONGEST_PASSWORD = 200

_GUESSED_FIRST = (
    "password", "passwort", "motdepasse", "contrasena", "senha", "qwerty", "qwertz", "azerty", "asdfgh", "letmein",
    "welcome", "bienvenue", "iloveyou", "changeme", "administrator", "fundflow", "1234567890", "0987654321",
    "1q2w3e4r", "abcdefghij", "football", "princess", "sunshine", "superman", "dragon", "monkey",
)  # fmt: skip


class People(FSQLALiteUserDatastore):
    """Where the library finds and makes people. It never commits: the wrapper around each of its pages does."""

    def __init__(self) -> None:
        super().__init__(db, User, RoleMixin, WebAuthn)  # no roles: teams and groups decide

    def commit(self) -> None:
        """Leave the end of the transaction to the view."""

    def create_user(self, **given: Any) -> User:
        given["email"] = service.address(given["email"])
        user = User(**given)
        db.session.add(user)
        db.session.flush()
        return user


class Mail(MailUtil):
    """Queues every message of the library in the transaction that causes it; nothing is sent inside a request."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **context: Any,
    ) -> None:
        """`template` is one of ours (see the settings in sign_in); the library's subject and texts are not used."""
        link = next((context[name] for name in ("confirmation_link", "reset_link") if context.get(name)), None)
        user: User = context["user"]
        if template == "security/reset":
            # The library hashes something when nobody has the address; so both answers take equally long.
            hash_password("not-a-password")
        queue_notice(template, user, link=link, is_confirmed=user.confirmed_at is not None)

    def normalize(self, email: str) -> str:
        try:
            return service.address(email)
        except refusals.NoSuchAddress:
            raise EmailValidateException(_("This is not an e-mail address.")) from None

    validate = normalize


def queue_notice(template: str, user: User, link: str | None = None, **facts: Any) -> None:
    """Queue one message about a person's own account. `link` may be absolute; only its path is kept."""
    if link is not None:
        facts["link"] = urlsplit(link).path
    key = hashlib.sha256(link.encode()).hexdigest() if link else uuid4().hex
    mail.queue(template, user, facts, f"{template}:{key}")


class Passwords(PasswordUtil):
    """What a password must be: long enough, and not what anybody would try first."""

    def normalize(self, password: str) -> str:
        """The password as it is compared and hashed. Of one that is too long only enough is kept to refuse it."""
        return str(super().normalize(password[: LONGEST_PASSWORD + 1]))[: LONGEST_PASSWORD + 1]

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        """The sentences against this password, or None, and the password as it will be hashed."""
        password = self.normalize(password)
        user = kwargs.get("user")
        about = [kwargs.get("email") or getattr(user, "email", ""), kwargs.get("name") or getattr(user, "name", "")]
        why = weakness(password, [text for text in about if text])
        return ([why] if why else None), password


def weakness(password: str, about: list[str]) -> str | None:
    """Why this password is too weak for the person these texts are about, or None when it is good enough."""
    why = None
    own = {part for text in about for part in text.lower().replace("@", " ").replace(".", " ").split() if len(part) > 2}
    plain = left = "".join(letter for letter in password.lower() if letter.isalnum())
    for word in sorted({*_GUESSED_FIRST, *own}, key=len, reverse=True):
        left = left.replace(word, "")
    if len(password) < PASSWORD_LENGTH:
        why = _(
            "Use %(length)s characters or more. Three or four ordinary words are easy to remember and hard to guess.",
            length=PASSWORD_LENGTH,
        )
    elif len(password) > LONGEST_PASSWORD:
        why = _("Use 200 characters or fewer.")
    elif len(set(password)) < 5:
        why = _("This repeats too few different characters. Add some other words.")
    elif plain and (len(left) < 5 or left.isdigit()):
        why = _("This is one of the first things anybody would try. Choose words that say nothing about you.")
    return why


class Codes(Totp):
    """One-time codes that open once: the time step of the last accepted code is kept with the person."""

    def verify_totp(self, token: str, totp_secret: str, user: UserMixin, window: int = 0) -> bool:
        """Whether the code fits. A secret that is only being set up has no last code yet."""
        assert isinstance(user, User)  # noqa: S101 -- the only kind of person there is
        last = user.last_totp_counter if totp_secret == user.tf_totp_secret else None
        try:
            match = self._totp.verify("".join(str(token).split()), totp_secret, window=window, last_counter=last)
        except TokenError:
            return False
        user.last_totp_counter = match.counter
        return True


class Passkeys(WebauthnUtil):
    """Any authenticator is welcome: a security key, or the phone or laptop itself."""

    def authenticator_selection(self, user: UserMixin, usage: str) -> AuthenticatorSelectionCriteria:
        """A passkey that signs in alone is kept in the authenticator and asks for a finger, a face or a code."""
        alone = usage == "first"
        return AuthenticatorSelectionCriteria(
            authenticator_attachment=None,
            resident_key=ResidentKeyRequirement.REQUIRED if alone else ResidentKeyRequirement.DISCOURAGED,
            require_resident_key=alone,
            user_verification=UserVerificationRequirement.REQUIRED
            if alone
            else UserVerificationRequirement.DISCOURAGED,
        )

    def user_verification(self, user: UserMixin | None, usage: list[str]) -> UserVerificationRequirement:
        if usage == ["first"]:
            return UserVerificationRequirement.REQUIRED
        return UserVerificationRequirement.DISCOURAGED


class Sentences(FsDomain):
    """The library's own messages. Its catalogues are named by country (fr_FR); ours are named by language (fr)."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        name = str(locale) if locale else "en"
        if name not in self.cache:
            self.cache[name] = Translations.load(
                self.translation_directories[0], [name, f"{name}_{name.upper()}"], self.domain[0]
            )
        found: NullTranslations = self.cache[name]
        return found
