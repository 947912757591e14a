"""Messages written in the browser: what a template may contain there, and that nothing else of one is published."""

from __future__ import annotations

import pytest

from fundflow import mail
from fundflow.db import transaction
from fundflow.lifecycle import definitions, publishing, wording
from fundflow.studio import refusals, service
from tests import factories as make
from tests.studio.scene import Scene, a_scene

pytestmark = pytest.mark.usefixtures("app")

RECEIVED, FRENCH = "mail/received.txt", "mail/received.fr.json"
HEAD = "Subject: {% trans %}About {{ number }}{% endtrans %}\n\n"


def message_taken(name: str = "received") -> Scene:
    scene = a_scene()
    with transaction():
        service.add_message(scene.draft.id, name, actor=make.acting(scene.first))
    return scene


def test_every_message_of_a_shipped_workflow_could_have_been_written_here() -> None:
    named = {
        path: text
        for workflow in definitions.shipped()
        for path, text in workflow.templates.items()
        if wording.MESSAGE.fullmatch(path) or wording.TRANSLATION.fullmatch(path)
    }
    assert len(named) > 50
    assert [problem for path, text in named.items() for problem in wording.faults(path, text)] == []


@pytest.mark.parametrize(
    "body",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ number.__class__ }}",
        "{{ input.__class__ }}",
        "{{ number|attr('__class__') }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ gettext.__globals__ }}",
        "{{ self }}",
        "{{ config }}",
        "{% for n in range(100000000) %}x{% endfor %}",
        "{% include '../../etc/passwd' %}",
        "{% extends '_layout.txt' %}",
        "{% import 'x' as y %}",
        "{% set x = 1 %}",
        "{% macro x() %}{% endmacro %}",
        "{{ 'x' * 1000000000 }}",
        "{{ 2 ** 99999999 }}",
        "{{ number['x'] }}",
        "{{ number.upper() }}",
        "{{ gettext(number.__class__) }}",
        "{% trans a=number.__class__ %}{{ a }}{% endtrans %}",
        "{% trans a=lipsum() %}{{ a }}{% endtrans %}",
        "{{ number|format }}",
        "{% if number is callable %}x{% endif %}",
        "{% if number == 1 %}x{% endif %}",
        "{% if",
        "{{ nobody_gave_this }}",
        "{{ (" + "(" * 4000 + ")" * 4000 + ") }}",
        "x" * 25_000,
    ],
)
def test_nothing_beyond_sentences_and_facts_is_let_through(body: str) -> None:
    found = wording.faults(RECEIVED, HEAD + body)
    assert found and all(each.file == RECEIVED and len(each.message) > 10 for each in found)


@pytest.mark.parametrize("path", ["mail/_layout.txt", "agreements/grant_agreement.en.html", "mail/security/reset.txt"])
def test_no_other_template_is_written_here(path: str) -> None:
    assert wording.faults(path, HEAD) != []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '["a"]',
        '[["a", null]]',
        '[["a", true, "b"]]',
        '[["a", null, 3]]',
        '[["a %(x)s", null, "%(y)s"]]',
        '[["a", null, "10 %"]]',
        "[" * 9000,
    ],
)
def test_a_translation_has_the_sentences_and_the_facts_of_its_message(text: str) -> None:
    assert wording.faults(FRENCH, text) != []
    assert wording.faults(FRENCH, '[["a %(x)s", null, "b %(x)s, 10 %%"], ["n", 1, "m"]]') == []


def test_a_message_is_taken_changed_published_and_sent_as_it_was_written() -> None:
    scene = message_taken()
    assert scene.text(RECEIVED) == (mail.FOLDER / "received.txt").read_text(encoding="utf-8")
    scene.change(("There is nothing for you to do now.", "Thank you; there is nothing to do now."), path=RECEIVED)
    with pytest.raises(publishing.HasErrors) as refusal:
        scene.propose()
    assert "missing in 'fr'" in str(refusal.value)
    scene.change(("There is nothing for you to do now.", "Thank you; there is nothing to do now."), path=FRENCH)
    wish = scene.propose()
    assert wish.account["messages"] == [FRENCH, RECEIVED]
    [change] = [each for each in wish.account["changes"] if "received" in each["place"]]
    assert change["kind"] == "text"
    scene.publish(wish)
    texts = definitions.templates_of(wish.sha256)
    assert "Thank you; there is nothing to do now." in texts[RECEIVED]
    # All else is what the version before had.
    before = definitions.templates_of(scene.round.definition_sha)
    assert {path for path in texts if texts[path] != before.get(path)} == {RECEIVED, FRENCH}


def test_a_message_that_does_more_is_neither_proposed_nor_published() -> None:
    scene = message_taken()
    scene.save(HEAD + "{{ number.__class__ }}", path=RECEIVED)
    with pytest.raises(publishing.HasErrors) as refusal:
        scene.propose(accepted=())
    assert RECEIVED in str(refusal.value)


def test_a_new_message_can_be_named_by_the_workflow() -> None:
    scene = message_taken("site_visit_soon")
    text = scene.text()
    assert "notify: received" in text
    scene.save(text.replace("notify: received", "notify: site_visit_soon", 1))
    with pytest.raises(publishing.HasErrors) as refusal:
        scene.propose(accepted=())
    # It exists, and only its French is missing.
    assert "site_visit_soon' is missing in 'fr'" in str(refusal.value)


@pytest.mark.parametrize("name", ["../x", "_layout", "security/reset", "", "X", "a" * 80])
def test_a_message_has_a_plain_name(name: str) -> None:
    scene = a_scene()
    with pytest.raises(refusals.BadMessageName), transaction():
        service.add_message(scene.draft.id, name, actor=make.acting(scene.first))
