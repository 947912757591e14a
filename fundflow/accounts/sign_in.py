"""Signing up and in: the sign-in library set up for this house, its pages declared, limited and made to commit whole.

Refuses to reveal whether an address has an account, sign-in tokens in addresses or headers, and redirects off the site.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_security import Security, current_user, tf_disabled, tf_profile_changed, wan_deleted, wan_registered
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from fundflow import clock
from fundflow.accounts import credentials, forms, proofs, queries
from fundflow.accounts.models import User
from fundflow.config import Settings
from fundflow.db import begin_reading, db, transaction
from fundflow.lifecycle.actor import ANONYMOUS, Actor
from fundflow.web import gate

FRESH_MINUTES = 30
"""How long after signing in a person may change what protects the account without proving themselves again."""

ENDPOINTS: Mapping[str, gate.Rule] = {
    "security.login": gate.PUBLIC,
    "security.logout": gate.PUBLIC,
    "security.register": gate.PUBLIC,
    "security.send_confirmation": gate.PUBLIC,
    "security.confirm_email": gate.PUBLIC,
    "security.forgot_password": gate.PUBLIC,
    "security.reset_password": gate.PUBLIC,
    "security.two_factor_token_validation": gate.PUBLIC,
    "security.two_factor_rescue": gate.PUBLIC,
    "security.tf_select": gate.PUBLIC,
    "security.mf_recovery": gate.PUBLIC,
    "security.wan_signin": gate.PUBLIC,
    "security.wan_signin_response": gate.PUBLIC,
    "security.verify": gate.SIGNED_IN,
    "security.wan_verify": gate.SIGNED_IN,
    "security.wan_verify_response": gate.SIGNED_IN,
    "security.change_password": gate.SIGNED_IN,
    "security.two_factor_setup": gate.SIGNED_IN,
    "security.two_factor_setup_validate": gate.SIGNED_IN,
    "security.mf_recovery_codes": gate.SIGNED_IN,
    "security.wan_register": gate.SIGNED_IN,
    "security.wan_register_response": gate.SIGNED_IN,
    "security.wan_delete": gate.SIGNED_IN,
}
"""Every page the library brings and who may use it; a page it adds later stops the start until it is named here."""

_PER_PLACE = "30 per minute; 200 per hour"
_LIMITS: Mapping[str, tuple[str, str]] = {
    "security.login": (_PER_PLACE, "10 per 10 minutes"),
    "security.register": ("20 per hour", "5 per hour"),
    "security.send_confirmation": ("20 per hour", "5 per hour"),
    "security.forgot_password": ("20 per hour", "5 per hour"),
    "security.reset_password": ("30 per hour", ""),
    "security.two_factor_token_validation": (_PER_PLACE, "10 per 10 minutes"),
    "security.mf_recovery": (_PER_PLACE, "10 per 10 minutes"),
    "security.wan_signin": (_PER_PLACE, ""),
    "security.wan_signin_response": (_PER_PLACE, ""),
    "security.verify": (_PER_PLACE, "10 per 10 minutes"),
    "security.change_password": (_PER_PLACE, "10 per 10 minutes"),
    "security.two_factor_setup_validate": (_PER_PLACE, ""),
}
"""How often each form may be sent: from one network address, and for one account whoever tries."""

_ASK_WHO = frozenset({"security.login", "security.register", "security.send_confirmation", "security.forgot_password"})
"""Forms that ask for the address of the account; of all others the session knows it, whatever is typed."""

_READ_FIRST = frozenset({"security.login", "security.verify", "security.wan_signin", "security.tf_select"})
"""Forms that change no row as a rule: while the password is hashed they must not keep other writers waiting."""


def init_app(app: Flask) -> None:
    """Install sign-up, sign-in and everything that protects an account; tell the gate who is there."""
    settings: Settings = app.extensions["settings"]
    app.config.update(_configuration(settings))
    security = Security(
        app,
        credentials.People(),
        login_form=forms.SignInForm,
        register_form=forms.SignUpForm,
        two_factor_rescue_form=forms.RescueForm,
        two_factor_setup_form=forms.SecondFactorForm,
        wan_register_form=forms.NewPasskeyForm,
        mail_util_cls=credentials.Mail,
        password_util_cls=credentials.Passwords,
        totp_cls=credentials.Codes,
        webauthn_util_cls=credentials.Passkeys,
        render_template=_render,
    )
    security.want_json(lambda _request: False)
    security.reauthn_handler(_prove_again)
    security.login_manager.request_loader(None)  # sessions only: no token in an address or a header signs anybody in
    security.i18n_domain = credentials.Sentences(app)  # type: ignore[no-untyped-call]
    _wrap(app, settings)
    gate.declare(app, ENDPOINTS)
    gate.actor_from(app, read_actor)
    tf_profile_changed.connect(_second_factor_changed, app)
    tf_disabled.connect(_second_factor_off, app)
    wan_registered.connect(_passkey_added, app)
    wan_deleted.connect(_passkey_removed, app)


def _configuration(settings: Settings) -> dict[str, Any]:
    secret = settings.secret()
    ours = {
        "BLUEPRINT_NAME": "security",
        "STATIC_FOLDER": None,
        "CLI_USERS_NAME": "",
        "CLI_ROLES_NAME": "",
        "JOIN_USER_ROLES": False,
        "DATETIME_FACTORY": clock.now,
        "API_ENABLED_METHODS": ["session"],
        "RETURN_GENERIC_RESPONSES": True,
        "EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        # Passwords: argon2 alone, and no pepper that would have to be kept for ever.
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SCHEMES": ["argon2"],
        "PASSWORD_SINGLE_HASH": ["argon2"],
        "PASSWORD_CONFIRM_REQUIRED": False,
        "PASSWORD_LENGTH_MIN": credentials.PASSWORD_LENGTH,
        "HASHING_SCHEMES": ["hex_sha256"],
        # What is switched on.
        "REGISTERABLE": True,
        "CONFIRMABLE": True,
        "RECOVERABLE": True,
        "CHANGEABLE": True,
        "TWO_FACTOR": True,
        "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "TWO_FACTOR_RESCUE_EMAIL": False,
        "TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
        "TOTP_SECRETS": {1: _derived(secret, "codes")},
        "TOTP_ISSUER": settings.fund_name,
        "MULTI_FACTOR_RECOVERY_CODES": True,
        "MULTI_FACTOR_RECOVERY_CODES_N": 10,
        "MULTI_FACTOR_RECOVERY_CODES_KEYS": [_derived(secret, "recovery").encode()],
        "WEBAUTHN": True,
        "WAN_RP_NAME": settings.fund_name,
        # Hints would answer for an account that exists and stay silent for one that does not.
        "WAN_ALLOW_USER_HINTS": False,
        "WAN_ALLOW_AS_VERIFY": ["first", "secondary"],
        # How long things hold.
        "CONFIRM_EMAIL_WITHIN": timedelta(days=7),
        "RESET_PASSWORD_WITHIN": timedelta(hours=2),
        "WAN_SIGNIN_WITHIN": timedelta(minutes=5),
        "WAN_REGISTER_WITHIN": timedelta(minutes=10),
        "FRESHNESS": timedelta(minutes=FRESH_MINUTES),
        "FRESHNESS_GRACE_PERIOD": timedelta(minutes=15),
        # Messages are composed by the mail job from these templates; the library renders none.
        "EMAIL_PLAINTEXT": False,
        "EMAIL_HTML": False,
        "REGISTER_EMAIL_TEMPLATE": "security/welcome",
        "REGISTER_EMAIL_EXISTING_TEMPLATE": "security/known",
        "EMAIL_TEMPLATE_CONFIRM": "security/confirm",
        "EMAIL_TEMPLATE_PASSWORD_RESET": "security/reset",
        "EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE": "security/password_changed",
        "EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE": "security/password_changed",
        "MSG_CONFIRM_REGISTRATION": (_l("Look into your mail to go on."), "success"),
        "MSG_GENERIC_AUTHN_FAILED": (_l("The address or the password is not right."), "error"),
        "MSG_UNAUTHENTICATED": (_l("Sign in to see this page."), "info"),
        # Addresses and where each step leads.
        "LOGIN_URL": "/sign-in",
        "LOGOUT_URL": "/sign-out",
        "REGISTER_URL": "/sign-up",
        "CONFIRM_URL": "/confirm",
        "RESET_URL": "/reset-password",
        "VERIFY_URL": "/sign-in/again",
        "WAN_VERIFY_URL": "/sign-in/again/passkey",
        "WAN_SIGNIN_URL": "/sign-in/passkey",
        "TWO_FACTOR_TOKEN_VALIDATION_URL": "/sign-in/code",
        "TWO_FACTOR_RESCUE_URL": "/sign-in/help",
        "TWO_FACTOR_SELECT_URL": "/sign-in/choose",
        "MULTI_FACTOR_RECOVERY_URL": "/sign-in/recovery-code",
        "CHANGE_URL": "/account/password",
        "TWO_FACTOR_SETUP_URL": "/account/second-factor",
        "MULTI_FACTOR_RECOVERY_CODES_URL": "/account/recovery-codes",
        "WAN_REGISTER_URL": "/account/passkeys",
        "WAN_DELETE_URL": "/account/passkeys/remove",
        "POST_LOGIN_VIEW": "accounts.arrived",
        "POST_REGISTER_VIEW": "accounts.look_into_mail",
        "POST_CHANGE_VIEW": "accounts.account",
        "POST_VERIFY_VIEW": "accounts.account",
        "TWO_FACTOR_POST_SETUP_VIEW": "accounts.account",
        "WAN_POST_REGISTER_VIEW": "security.wan_register",
    }
    others: dict[str, Any] = {
        "REMEMBER_COOKIE_NAME": "remember",
        "REMEMBER_COOKIE_DURATION": timedelta(days=14),
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": settings.production,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
    }
    if settings.production:
        # The prefix makes browsers refuse the cookie from a subdomain or over plain HTTP.
        others |= {"SESSION_COOKIE_NAME": "__Host-session", "REMEMBER_COOKIE_NAME": "__Host-remember"}
    return {f"SECURITY_{name}": value for name, value in ours.items()} | others


def _derived(secret: str, use: str) -> str:
    """A key of its own for each use, from the one secret of the installation."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{use}:{secret}".encode()).digest()).decode()


def read_actor() -> Actor:
    """Who makes this request, with teams and groups as they are now. Leaves no transaction open before a write.

    A POST begins its own transaction afterwards, so that on SQLite the write lock is taken when it is needed.
    """
    g.pop("_login_user", None)  # the library's memory: who was there before in this context is not who is here now
    if "_user_id" not in session and current_app.config["REMEMBER_COOKIE_NAME"] not in request.cookies:
        return ANONYMOUS
    ends = request.method not in ("GET", "HEAD", "OPTIONS") and _read_only()
    actor = queries.actor_of(current_user) if current_user.is_authenticated else ANONYMOUS
    if ends:
        db.session.commit()
    return actor


def _read_only() -> bool:
    """Make the transaction that begins now a reading one; False where one is under way already."""
    if db.session.in_transaction():
        return False
    begin_reading()
    return True


def _render(template: str, **context: Any) -> str:
    """The library's page; one whose form was refused is answered with 422 and everything that was typed."""
    wrong = any(form.errors for form in context.values() if isinstance(form, FlaskForm))
    g.security_page = 422 if wrong and request.method == "POST" else 200
    return render_template(template, **context)


def _wrap(app: Flask, settings: Settings) -> None:
    """Around every page of the library: limits, one transaction that commits before the answer, 303 after a POST."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        enabled=settings.rate_limits,
        storage_uri=settings.rate_limit_url,
        strategy="moving-window",
    )
    kept: list[Any] = [limiter]
    app.extensions["sign-in limits"] = kept  # what nobody holds is forgotten: the library keeps weak references
    for endpoint in ENDPOINTS:
        view = _whole(endpoint, app.view_functions[endpoint])
        if endpoint in _LIMITS:
            place, account = _LIMITS[endpoint]
            limits = [limiter.limit(place, methods=["POST"])]
            if account:
                limits.append(limiter.limit(account, key_func=_account_tried, methods=["POST"]))
            for limit in limits:
                view = limit(view)
            kept += limits
        app.view_functions[endpoint] = view


def _prove_again(_within: timedelta, _grace: timedelta) -> Response:
    """Ask who is there again, then go back: to the page itself, or to the page whose form was sent."""
    flash(_("Please confirm that it is you, then go on."), "info")
    back = request.full_path.removesuffix("?") if request.method in ("GET", "HEAD") else gate.page_of_the_form()
    return redirect(url_for("security.verify", next=gate.safe_path(back)), 303)


def _account_tried() -> str:
    """Whose account an attempt is about: what was typed, or whom the first step has let through."""
    known = session.get("tf_user_id") or session.get("_user_id") or ""
    tried = request.form.get("email", "") if request.endpoint in _ASK_WHO else known
    return "account:" + hashlib.sha256(str(tried).strip().lower().encode()).hexdigest()


def _whole(endpoint: str, view: Callable[..., Any]) -> Callable[..., ResponseReturnValue]:
    @wraps(view)
    def answer(**given: Any) -> ResponseReturnValue:
        if endpoint == "security.two_factor_rescue":
            return redirect(url_for("security.mf_recovery"), 303)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            if endpoint == "security.confirm_email":
                # Confirming is a POST: programs that look into mail follow links.
                return render_template("security/confirm_email.html", token=given["token"])
            return view(**given)  # type: ignore[no-any-return]
        if endpoint in _READ_FIRST:
            _read_only()
        before = proofs.shown_until_now()
        try:
            with transaction():
                made = view(**given)
        except sa.exc.IntegrityError:
            if endpoint != "security.register":
                raise
            made = redirect(url_for("accounts.look_into_mail"))  # a double click: the account was made a moment ago
        if proofs.shown_until_now() != before:
            proofs.remember(endpoint)
        return _after_post(endpoint, made)

    return answer


def _after_post(endpoint: str, made: Any) -> ResponseReturnValue:
    if isinstance(made, Response):
        if made.status_code == 302:
            made.status_code = 303
        return made
    status = g.get("security_page", 200)
    if status == 200 and endpoint in ("security.forgot_password", "security.send_confirmation"):
        return redirect(url_for("accounts.look_into_mail"), 303)
    return made, status


def _second_factor_changed(_app: Flask, user: User, **_more: Any) -> None:
    credentials.queue_notice("security/protection_changed", _real(user), what="second_factor_on", passkey="")


def _second_factor_off(_app: Flask, user: User, **_more: Any) -> None:
    credentials.queue_notice("security/protection_changed", _real(user), what="second_factor_off", passkey="")


def _passkey_added(_app: Flask, user: User, name: str, **_more: Any) -> None:
    credentials.queue_notice("security/protection_changed", _real(user), what="passkey_added", passkey=name)


def _passkey_removed(_app: Flask, user: User, name: str, **_more: Any) -> None:
    credentials.queue_notice("security/protection_changed", _real(user), what="passkey_removed", passkey=name)


def _real(user: Any) -> User:
    """The row behind the library's stand-in for whoever is signed in."""
    found: User = user._get_current_object() if hasattr(user, "_get_current_object") else user
    return found
