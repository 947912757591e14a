"""What people type about themselves, their city, their colleagues and the groups of the fund.

A form refuses what could not be kept; whether the person may do it at all is decided by the service.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4
from zoneinfo import available_timezones

import pycountry
from babel import Locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import LoginForm, RegisterFormV2, TwoFactorRescueForm, TwoFactorSetupForm, WebAuthnRegisterForm
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    Field,
    FieldList,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional
from wtforms.widgets import TextInput

from fundflow.accounts import policy, refusals, service
from fundflow.web import reader
from fundflow.web.gate import safe_path

KIND_NAMES = {
    "city": _l("City"),
    "municipality": _l("Municipality"),
    "county": _l("County"),
    "district": _l("District"),
    "territorial_community": _l("Territorial community"),
    "partnership": _l("Partnership of local governments"),
    "other": _l("Other local government"),
}
DUTY_NAMES = {
    policy.FOCAL_POINT: _l("Focal point"),
    policy.FINANCE_OFFICER: _l("Finance officer"),
    policy.SIGNATORY: _l("Signatory"),
}
DUTY_HELP = {
    policy.FOCAL_POINT: _l("writes applications, looks after the city's page and invites colleagues"),
    policy.FINANCE_OFFICER: _l("answers for the budget and for reports on spending"),
    policy.SIGNATORY: _l("may sign for the city"),
}
GROUP_NAMES = {
    policy.MANAGERS: _l("Fund managers"),
    policy.REVIEWERS: _l("Reviewers"),
    policy.CHAIRS: _l("Committee chairs"),
    policy.COMPLIANCE: _l("Compliance"),
    policy.DIRECTORS: _l("Fund directors"),
    policy.FINANCE: _l("Finance"),
    policy.AUDITORS: _l("Auditors"),
    policy.ADMINISTRATORS: _l("Administrators"),
}
GROUP_HELP = {
    policy.MANAGERS: _l("run rounds, assign reviewers and decide"),
    policy.REVIEWERS: _l("review the applications they are assigned"),
    policy.CHAIRS: _l("lead a committee, close its review and write down what it recommends"),
    policy.COMPLIANCE: _l("check sanctions and risks before the fund signs"),
    policy.DIRECTORS: _l("decide on grants and sign for the fund"),
    policy.FINANCE: _l("pay out what was approved, and never decide"),
    policy.AUDITORS: _l("read everything, change nothing"),
    policy.ADMINISTRATORS: _l("give people their groups and look after the system"),
}
LANGUAGES_ASKED = 5
"""How many working languages a city can name."""


@lru_cache(maxsize=16)
def countries(locale: str) -> tuple[tuple[str, str], ...]:
    """The ISO 3166 countries as (code, name in this locale), in the order of its names."""
    names = Locale.parse(locale).territories
    named = [(each.alpha_2, names.get(each.alpha_2, each.name)) for each in pycountry.countries]
    return tuple(sorted(named, key=lambda pair: _folded(pair[1])))


@lru_cache(maxsize=16)
def languages(locale: str) -> tuple[tuple[str, str], ...]:
    """The languages of ISO 639-1 as (code, name in this locale), in the order of its names."""
    names = Locale.parse(locale).languages
    codes = [each.alpha_2 for each in pycountry.languages if hasattr(each, "alpha_2")]
    return tuple(sorted(((code, names[code]) for code in codes if code in names), key=lambda p: _folded(p[1])))


def _folded(name: str) -> str:
    import unicodedata

    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))


def _trimmed(text: str | None) -> str | None:
    """On one line, without what nobody can see: NUL and other control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) if text else text


class WholeNumberField(Field):
    """A whole number as people write it: digits, alone or in groups of three. Refuses signs, decimals and words."""

    widget = TextInput()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.written = valuelist[0].strip() if valuelist else ""
        self.data: int | None = None
        if not self.written:
            return
        if not re.fullmatch(r"[0-9]{1,15}|[0-9]{1,3}([ .,'’\u00a0\u202f][0-9]{3}){1,4}", self.written):
            raise ValueError(_("Write a whole number, such as 250 000."))
        self.data = int(re.sub(r"[^0-9]", "", self.written))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)


class DegreesField(Field):
    """A coordinate in decimal degrees, exact, with a point or a comma. Refuses what lies outside ±`limit`."""

    widget = TextInput()

    def __init__(self, *args: Any, limit: int, **kwargs: Any) -> None:
        self.limit = limit
        super().__init__(*args, **kwargs)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        written = valuelist[0].strip().replace(",", ".").replace("−", "-") if valuelist else ""
        self.data: Decimal | None = None
        if not written:
            return
        wrong = _("Write decimal degrees between −%(limit)s and %(limit)s, such as 48.8566.", limit=self.limit)
        if not re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{1,8})?", written):
            raise ValueError(wrong)
        try:
            value = Decimal(written)
        except InvalidOperation:
            raise ValueError(wrong) from None
        if abs(value) > self.limit:
            raise ValueError(wrong)
        self.data = value

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)


def web_address(_form: Any, field: Field) -> None:
    """Only http and https; the scheme may be left out."""
    if not field.data:
        return
    written = field.data.strip()
    if "://" not in written:
        written = f"https://{written}"
    try:
        parts = urlsplit(written)
        good = (
            parts.scheme in ("http", "https") and "." in (parts.hostname or "") and not re.search(r"[\s<>\"]", written)
        )
    except ValueError:
        good = False
    if not good or parts.username or len(written) > 300 or re.search(r"[\s<>\"]", written):
        raise ValidationError(_("Write a web address such as https://www.city.example."))
    field.data = written


def email_address(_form: Any, field: Field) -> None:
    """An address that mail can be sent to, kept in lower case."""
    try:
        field.data = service.address(field.data or "")
    except refusals.NoSuchAddress:
        raise ValidationError(_("This is not an e-mail address.")) from None


class SignInForm(LoginForm):
    """Address and password. Says that the address is not confirmed only to somebody who knows the password."""

    email = EmailField(
        _l("E-mail address"),
        validators=LoginForm.email.kwargs["validators"],
        render_kw={"autocomplete": "username webauthn", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        validators=LoginForm.password.kwargs["validators"],
        render_kw={"autocomplete": "current-password"},
    )
    remember = BooleanField(_l("Keep me signed in on this device for 14 days"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.password.description = ""  # the page has its own way to a new password
        self.next.data = safe_path(self.next.data) or ""
        self.is_unconfirmed = False

    def validate(self, **kwargs: Any) -> bool:
        good: bool = super().validate(**kwargs)
        if not good and self.user_authenticated and self.requires_confirmation:
            self.is_unconfirmed = True
            self.email.errors = []
            self.form_errors.append(_("Your e-mail address is not confirmed yet. Follow the link in our message."))
        return good


class SignUpForm(RegisterFormV2):
    """A new account: name, address, password. The reader's present language and zone become the person's."""

    name = StringField(
        _l("Your name"),
        validators=[DataRequired(_l("Write your name.")), Length(max=200)],
        filters=[_trimmed],
        description=_l("As it should appear in applications and agreements."),
        render_kw={"autocomplete": "name"},
    )
    email = EmailField(
        _l("E-mail address"),
        validators=RegisterFormV2.email.kwargs["validators"],
        description=_l("Your work address. We send you a link to confirm it."),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        validators=RegisterFormV2.password.kwargs["validators"],
        description=_l("10 characters or more. Three or four ordinary words make a good one."),
        render_kw={"autocomplete": "new-password"},
    )

    def to_dict(self, only_user: bool) -> dict[str, Any]:
        given: dict[str, Any] = super().to_dict(only_user)
        if only_user:
            given |= {"language": reader.language(), "timezone": reader.zone().key}
        return given


class NewPasskeyForm(WebAuthnRegisterForm):
    """A name to tell this passkey from others, and what it is for."""

    name = StringField(
        _l("Name of this passkey"),
        validators=WebAuthnRegisterForm.name.kwargs["validators"],
        description=_l("So that you recognise it later, for example “Office laptop”."),
        render_kw={"autocomplete": "off", "maxlength": 64},
    )
    usage = RadioField(_l("What it is for"), default="first")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.usage.choices = [
            ("first", _("Sign in with it alone, without my password")),
            ("secondary", _("As a second step after my password")),
        ]


class SecondFactorForm(TwoFactorSetupForm):
    """To begin with one-time codes, or to give them up."""

    setup = RadioField(validate_choice=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setup.choices = [("authenticator", "authenticator"), ("disable", "disable")]


class RescueForm(TwoFactorRescueForm):
    """Asks nothing: the way out of a lost phone is a recovery code."""

    help_setup = RadioField(validate_choice=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_setup.choices = []


class ProfileForm(FlaskForm):
    """What a person says about themselves."""

    name = StringField(
        _l("Your name"),
        validators=[DataRequired(_l("Write your name.")), Length(max=200)],
        filters=[_trimmed],
        render_kw={"autocomplete": "name"},
    )
    language = SelectField(_l("Language of pages and messages"))
    timezone = SelectField(_l("Time zone"), description=_l("Deadlines and times are shown in this zone."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [(code, reader.own_name(code)) for code in reader.settings().languages]
        self.timezone.choices = list(zones())
        kept = self.timezone.object_data
        if kept and all(kept != zone for zone, _name in self.timezone.choices):
            self.timezone.choices.append((kept, kept))  # what the browser named once, under a name not offered here


@lru_cache(maxsize=1)
def zones() -> tuple[tuple[str, str], ...]:
    """Every time zone of the world by region and place."""
    shown = {zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))}
    return (("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in sorted(shown)))


class CityForm(FlaskForm):
    """What is said about an applying government."""

    name = StringField(
        _l("Name"),
        validators=[DataRequired(_l("Write the name of the city.")), Length(max=200)],
        filters=[_trimmed],
        description=_l("The official name, as it should appear in agreements."),
    )
    country = SelectField(_l("Country or territory"))
    kind = SelectField(_l("Kind of government"))
    population = WholeNumberField(
        _l("Population"), validators=[Optional()], render_kw={"inputmode": "numeric", "autocomplete": "off"}
    )
    languages = FieldList(
        SelectField(_l("Language"), default=""), min_entries=LANGUAGES_ASKED, max_entries=40, label=_l("Languages")
    )
    latitude = DegreesField(
        _l("Latitude"), limit=90, validators=[Optional()], render_kw={"inputmode": "text", "autocomplete": "off"}
    )
    longitude = DegreesField(
        _l("Longitude"), limit=180, validators=[Optional()], render_kw={"inputmode": "text", "autocomplete": "off"}
    )
    website = StringField(
        _l("Website"), validators=[Optional(), web_address], render_kw={"inputmode": "url", "autocomplete": "url"}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        locale = reader.locale()
        self.country.choices = [("", _("Choose a country")), *countries(locale)]
        self.kind.choices = [("", _("Choose a kind")), *KIND_NAMES.items()]
        for each in self.languages:
            each.choices = [("", "—"), *languages(locale)]

    def validate_country(self, field: Field) -> None:
        if not field.data:
            raise ValidationError(_("Choose the country."))

    def validate_kind(self, field: Field) -> None:
        if not field.data:
            raise ValidationError(_("Choose the kind of government."))

    def validate_population(self, field: Field) -> None:
        if field.data is not None and not 0 < field.data <= 100_000_000:
            raise ValidationError(_("Write a number between 1 and 100 000 000."))

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        good: bool = super().validate(*args, **kwargs)
        if good and (self.longitude.data is None) != (self.latitude.data is None):
            missing = self.longitude if self.longitude.data is None else self.latitude
            missing.errors = [_("Give both latitude and longitude, or neither.")]
            return False
        return good

    def given(self) -> dict[str, Any]:
        """The answers as `service.create_city` and `edit_city` take them."""
        return {
            "name": self.name.data,
            "country": self.country.data,
            "kind": self.kind.data,
            "population": self.population.data,
            "languages": [code for code in self.languages.data if code],
            "latitude": self.latitude.data,
            "longitude": self.longitude.data,
            "website": self.website.data or None,
        }


class InviteForm(FlaskForm):
    """A colleague to invite into a city's team."""

    email = EmailField(
        _l("E-mail address of your colleague"),
        validators=[InputRequired(_l("Write an e-mail address.")), email_address],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    duty = RadioField(_l("Duty"), default=policy.FOCAL_POINT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.duty.choices = [
            (duty, _("%(name)s: %(what)s", name=DUTY_NAMES[duty], what=DUTY_HELP[duty])) for duty in policy.DUTIES
        ]


class GroupForm(FlaskForm):
    """A person to put into a group of the fund, found by address: invited if there is no account yet."""

    email = EmailField(
        _l("E-mail address"),
        validators=[InputRequired(_l("Write an e-mail address.")), email_address],
        description=_l("Somebody without an account gets an invitation; anybody else joins at once."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    group = RadioField(_l("Group"), validators=[InputRequired(_l("Choose a group."))])
    round_id = SelectField(_l("Serves"), default="")

    def __init__(self, *args: Any, rounds: Sequence[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group.choices = [
            (group, _("%(name)s: %(what)s", name=GROUP_NAMES[group], what=GROUP_HELP[group])) for group in policy.GROUPS
        ]
        self.round_id.choices = [("", _("every round")), *((str(each), title) for each, title in rounds)]

    def validate_round_id(self, field: Field) -> None:
        if field.data and self.group.data == policy.ADMINISTRATORS:
            raise ValidationError(_("Administrators always serve every round."))

    @property
    def scope(self) -> UUID | None:
        return UUID(self.round_id.data) if self.round_id.data else None


class AwayForm(FlaskForm):
    """Who stands in, for what and from when to when."""

    key = HiddenField()
    email = EmailField(
        _l("E-mail address of the person who stands in for you"),
        validators=[InputRequired(_l("Write an e-mail address.")), email_address],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    group = SelectField(_l("In"), default="")
    round_id = SelectField(_l("For"), default="")
    first_day = DateField(_l("First day"), validators=[InputRequired(_l("Choose the first day."))])
    last_day = DateField(_l("Last day"), validators=[InputRequired(_l("Choose the last day."))])
    reason = TextAreaField(
        _l("Reason"),
        validators=[InputRequired(_l("Say why.")), Length(max=1000)],
        description=_l("The person who stands in for you reads this, and so do the administrators."),
        render_kw={"rows": 3, "maxlength": 1000},
    )

    def __init__(
        self, *args: Any, groups: Sequence[str], rounds: Sequence[tuple[UUID, str]], zone: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.group.choices = [("", _("all your groups")), *((each, GROUP_NAMES[each]) for each in groups)]
        self.round_id.choices = [("", _("every round")), *((str(each), title) for each, title in rounds)]
        self.first_day.description = _("Days begin and end at midnight in your time zone, %(zone)s.", zone=zone)

    @property
    def scope(self) -> UUID | None:
        return UUID(self.round_id.data) if self.round_id.data else None

    def command_key(self, giver_id: UUID) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        try:
            key = UUID(self.key.data or "")
        except ValueError:
            key = uuid4()
        return f"away:{giver_id}:{key}"
