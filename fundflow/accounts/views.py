"""Pages about oneself, about cities and their teams, invitations, and who is in which group of the fund.

Refuses to lead anybody off this site, and to answer a guess about another city's page with anything but “nothing here”.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import auth_required

from fundflow import clock
from fundflow.accounts import delegations, forms, policy, queries, refusals, service, sign_in
from fundflow.accounts.models import City, User
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle.actor import Actor
from fundflow.web import shell
from fundflow.web.gate import public, requires, safe_path
from fundflow.web.refusals import sentence

pages = Blueprint("accounts", __name__)


def init_app(app: Flask) -> None:
    """Sign-in first, then our own pages and their places in the menus."""
    sign_in.init_app(app)
    app.register_blueprint(pages)
    app.jinja_env.globals.update(
        safe_path=safe_path,
        kind_name=forms.KIND_NAMES.get,
        duty_name=forms.DUTY_NAMES.get,
        group_name=forms.GROUP_NAMES.get,
    )
    shell.nav_item(_l("People"), "accounts.people", policy.administrator, order=80)
    shell.account_item(_l("Your account"), "accounts.account", order=10)


def _keep_preferences(actor: Actor, language: str | None, zone: str | None) -> None:
    with transaction():
        service.change_profile(_me(actor), language=language, zone=zone)


shell.on_preferences(_keep_preferences)


def _me(actor: Actor) -> User:
    found = queries.person(actor.id) if actor.id else None
    if found is None:
        raise NotFound
    return found


@pages.get("/signed-in")
@requires(policy.signed_in)
def arrived() -> ResponseReturnValue:
    """Where sign-in leads without a wish: to an invitation that waits, else home."""
    if queries.invitations_to(g.actor):
        return redirect(url_for("accounts.invitations"), 303)
    return redirect("/home", 303)


@pages.get("/sign-up/sent")
@public
def look_into_mail() -> ResponseReturnValue:
    """Says the same whether there is an account or not."""
    return render_template("accounts/look_into_mail.html")


@pages.route("/account", methods=["GET", "POST"])
@requires(policy.signed_in)
def account() -> ResponseReturnValue:
    """One's own name, language and zone, what protects the account, and the cities one acts for."""
    me = _me(g.actor)
    form = forms.ProfileForm(obj=me)
    if form.validate_on_submit():
        with transaction():
            service.change_profile(me, name=form.name.data, language=form.language.data, zone=form.timezone.data)
        flash(_("Your details are kept."), "success")
        return redirect(url_for(".account"), 303)
    page = render_template(
        "accounts/account.html",
        form=form,
        me=me,
        passkeys=me.webauthn,
        codes_left=len(me.mf_recovery_codes or []),
        cities=queries.cities_of(g.actor),
        duties=_duties_by_city(g.actor),
        groups=queries.memberships([me.id]),
        standings=delegations.of_person(me.id),
        may_lend=policy.lender(g.actor),
        invitations=queries.invitations_to(g.actor),
    )
    return page, 422 if form.errors else 200


@pages.route("/account/away", methods=["GET", "POST"])
@requires(policy.lender)
@auth_required("session", within=sign_in.FRESH_MINUTES)
def away() -> ResponseReturnValue:
    """Who stands in while one is away, and for whom one stands in oneself."""
    me = _me(g.actor)
    form = _away_form(me)
    says: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction():
                delegations.give(
                    me,
                    form.email.data,
                    group=form.group.data or None,
                    round_id=form.scope,
                    first_day=form.first_day.data,
                    last_day=form.last_day.data,
                    reason=form.reason.data,
                    key=form.command_key(me.id),
                )
        except Refused as refusal:
            says = [sentence(refusal)]
            me = _me(g.actor)
        else:
            flash(_("Kept. %(email)s is told by mail.", email=form.email.data), "success")
            return redirect(url_for(".away"), 303)
    page = render_template(
        "accounts/away.html",
        form=form,
        says=says,
        me=me,
        lends=policy.lends(g.actor),
        standings=delegations.of_person(me.id),
        zone=me.timezone,
    )
    return page, 422 if form.errors or says else 200


def _away_form(me: User) -> forms.AwayForm:
    form = forms.AwayForm(groups=delegations.lendable(me.id), rounds=queries.round_titles(), zone=me.timezone)
    if not form.is_submitted():
        form.key.data = str(uuid4())
    return form


@pages.post("/account/away/<uuid:delegation_id>/end")
@requires(policy.signed_in)
def end_standing_in(delegation_id: UUID) -> ResponseReturnValue:
    """Take it back, give it up, or end it as an administrator."""
    found = delegations.delegation_for(g.actor, delegation_id)
    is_mine = g.actor.id in (found.giver_id, found.taker_id)
    with transaction():
        delegations.end(found, by=g.actor)
    flash(_("It has ended. Everybody concerned is told by mail."), "success")
    return redirect(url_for(".account" if is_mine else ".people"), 303)


def _duties_by_city(actor: Actor) -> dict[UUID, list[str]]:
    return {city: [d for d in policy.DUTIES if (city, d) in actor.teams] for city in actor.city_ids}


@pages.route("/cities/new", methods=["GET", "POST"])
@requires(policy.signed_in)
def new_city() -> ResponseReturnValue:
    """Enter a city; whoever does becomes its focal point."""
    form = forms.CityForm()
    if form.validate_on_submit():
        with transaction():
            city = service.create_city(**form.given(), by=_me(g.actor).id)
        flash(_("%(city)s is entered. You are its focal point.", city=city.name), "success")
        return redirect(safe_path(request.args.get("next")) or url_for(".city", city_id=city.id), 303)
    return render_template("accounts/city_form.html", form=form, city=None), 422 if form.errors else 200


@pages.get("/cities/<uuid:city_id>")
@requires(policy.signed_in)
def city(city_id: UUID) -> ResponseReturnValue:
    """A city, its team, and for its focal points the invitations that are open."""
    return _city_page(queries.city_for(g.actor, city_id), forms.InviteForm())


def _city_page(shown: City, form: forms.InviteForm, says: list[str] | None = None) -> ResponseReturnValue:
    may_lead = policy.may_lead(g.actor, shown.id)
    page = render_template(
        "accounts/city.html",
        city=shown,
        team=queries.team_of(shown.id),
        invitations=queries.invitations_of(shown.id) if may_lead else [],
        may_lead=may_lead,
        now=clock.now,
        form=form,
        says=says or [],
    )
    return page, 422 if form.errors or says else 200


@pages.route("/cities/<uuid:city_id>/edit", methods=["GET", "POST"])
@requires(policy.team_member)
def edit_city(city_id: UUID) -> ResponseReturnValue:
    """Correct what is said about a city."""
    shown = queries.city_for(g.actor, city_id)
    if not policy.may_lead(g.actor, shown.id):
        raise refusals.NotYourCity(city=shown.name)
    form = forms.CityForm(obj=shown)
    if form.validate_on_submit():
        with transaction():
            service.edit_city(shown, g.actor, **form.given())
        flash(_("The details of %(city)s are kept.", city=shown.name), "success")
        return redirect(url_for(".city", city_id=shown.id), 303)
    return render_template("accounts/city_form.html", form=form, city=shown), 422 if form.errors else 200


@pages.post("/cities/<uuid:city_id>/invitations")
@requires(policy.team_member)
def invite(city_id: UUID) -> ResponseReturnValue:
    """Invite a colleague into the team."""
    shown = queries.city_for(g.actor, city_id)
    form = forms.InviteForm()
    if not form.validate_on_submit():
        return _city_page(shown, form)
    try:
        with transaction():
            service.invite_to_team(shown, form.email.data, form.duty.data, by=g.actor)
    except (refusals.AlreadyInvited, refusals.AlreadyOnTeam) as refusal:
        return _city_page(shown, form, [sentence(refusal)])
    flash(_("An invitation is on its way to %(email)s.", email=form.email.data), "success")
    return redirect(url_for(".city", city_id=shown.id), 303)


@pages.post("/cities/<uuid:city_id>/team/<uuid:user_id>/<duty>/remove")
@requires(policy.team_member)
def remove_from_team(city_id: UUID, user_id: UUID, duty: str) -> ResponseReturnValue:
    """Take a duty from a colleague, or give up one's own."""
    shown = queries.city_for(g.actor, city_id)
    with transaction():
        service.remove_from_team(shown, user_id, duty, g.actor)
    if user_id == g.actor.id:
        flash(_("You gave up this duty in %(city)s.", city=shown.name), "success")
    else:
        flash(_("Your colleague no longer has this duty."), "success")
    still_there = queries.is_on_team(g.actor.id, shown.id)
    return redirect(url_for(".city", city_id=shown.id) if still_there else url_for(".account"), 303)


@pages.post("/invitations/<uuid:invitation_id>/resend")
@requires(policy.signed_in)
def resend(invitation_id: UUID) -> ResponseReturnValue:
    """Send an invitation again, with a new link."""
    invitation = queries.invitation_for(g.actor, invitation_id)
    with transaction():
        service.resend(invitation, by=g.actor)
    flash(_("The invitation to %(email)s was sent again; the earlier link stopped working.", email=invitation.email))
    return _back_from(invitation.city_id)


@pages.post("/invitations/<uuid:invitation_id>/revoke")
@requires(policy.signed_in)
def revoke(invitation_id: UUID) -> ResponseReturnValue:
    """Withdraw an invitation."""
    invitation = queries.invitation_for(g.actor, invitation_id)
    with transaction():
        service.revoke(invitation)
    flash(_("The invitation to %(email)s is withdrawn.", email=invitation.email))
    return _back_from(invitation.city_id)


def _back_from(city_id: UUID | None) -> ResponseReturnValue:
    return redirect(url_for(".city", city_id=city_id) if city_id else url_for(".people"), 303)


@pages.get("/invitations")
@requires(policy.signed_in)
def invitations() -> ResponseReturnValue:
    """Invitations that wait for the person who is signed in, however they came here."""
    return render_template("accounts/invitations.html", invitations=queries.invitations_to(g.actor))


@pages.route("/invitations/<token>", methods=["GET", "POST"])
@public
def join(token: str) -> ResponseReturnValue:
    """What an invitation offers, and for the address it was sent to, the way in.

    The page tells a stranger with the link no more than the link's message did.
    """
    invitation = queries.invitation_with(token)
    service.check_invitation(invitation)
    offer = queries.offer_of(invitation)
    if not g.actor.is_signed_in:
        known = queries.person_by_email(invitation.email) is not None
        return render_template("accounts/join.html", offer=offer, token=token, is_known=known)
    if g.actor.email.lower() != invitation.email:
        raise refusals.ForAnotherAddress
    if request.method == "POST":
        with transaction():
            service.accept_invitation(invitation, g.actor)
        return _welcome(offer)
    return render_template("accounts/join.html", offer=offer, token=token, is_known=True)


@pages.post("/invitations/<uuid:invitation_id>/accept")
@requires(policy.signed_in)
def accept(invitation_id: UUID) -> ResponseReturnValue:
    """Take an invitation from the list of one's own; the confirmed address proves it like the link does."""
    waiting = {offer.invitation.id: offer for offer in queries.invitations_to(g.actor)}
    if invitation_id not in waiting:
        raise NotFound
    with transaction():
        service.accept_invitation(waiting[invitation_id].invitation, g.actor)
    return _welcome(waiting[invitation_id])


def _welcome(offer: queries.Offer) -> ResponseReturnValue:
    if offer.city is not None:
        flash(_("Welcome to the team of %(city)s.", city=offer.city.name), "success")
        return redirect(url_for(".city", city_id=offer.city.id), 303)
    flash(_("Welcome to the fund."), "success")
    return redirect("/home", 303)


@pages.get("/people")
@requires(policy.administrator)
@auth_required("session", within=sign_in.FRESH_MINUTES)
def people() -> ResponseReturnValue:
    """Who is in which group of the fund, and everybody else by search."""
    return _people_page(forms.GroupForm(rounds=queries.round_titles()))


def _people_page(form: forms.GroupForm, says: list[str] | None = None) -> ResponseReturnValue:
    search = request.args.get("q", "").strip()
    members = queries.memberships()
    page = render_template(
        "accounts/people.html",
        form=form,
        says=says or [],
        search=search,
        found=queries.search_people(search) if search else None,
        shown=queries.SHOWN,
        groups=[(group, [each for each in members if each.group == group]) for group in policy.GROUPS],
        group_help=forms.GROUP_HELP,
        invitations=queries.offers_of(queries.group_invitations()),
        standings=delegations.every(),
    )
    return page, 422 if form.errors or says else 200


@pages.post("/people")
@requires(policy.administrator)
@auth_required("session", within=sign_in.FRESH_MINUTES)
def add_person() -> ResponseReturnValue:
    """Put a person into a group: at once when they have an account, else by invitation."""
    form = forms.GroupForm(rounds=queries.round_titles())
    if not form.validate_on_submit():
        return _people_page(form)
    try:
        with transaction():
            known = queries.person_by_email(form.email.data)
            if known is None:
                service.invite_to_group(form.email.data, form.group.data, form.scope, by=g.actor)
            else:
                service.add_to_group(known, form.group.data, form.scope, by=g.actor)
    except Refused as refusal:
        return _people_page(form, [sentence(refusal)])
    if known is None:
        flash(_("There is no account for %(email)s yet, so an invitation is on its way.", email=form.email.data))
    else:
        flash(_("%(name)s is in the group now.", name=known.name or known.email), "success")
    return redirect(url_for(".people"), 303)


@pages.post("/people/members/<uuid:member_id>/remove")
@requires(policy.administrator)
@auth_required("session", within=sign_in.FRESH_MINUTES)
def remove_from_group(member_id: UUID) -> ResponseReturnValue:
    """Take a person out of a group."""
    member = queries.group_member_for(g.actor, member_id)
    with transaction():
        service.remove_from_group(member, by=g.actor)
    flash(_("The person is no longer in this group."), "success")
    still_there = queries.is_in_group(g.actor.id, policy.ADMINISTRATORS, None)
    return redirect(url_for(".people") if still_there else "/home", 303)
