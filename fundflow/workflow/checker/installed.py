"""What an installation has: effects, facts and kinds of role that somebody provides, messages and documents."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.context import Context, Installation, Printed
from fundflow.workflow.checker.filled import Answerable
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.decide import reads
from fundflow.workflow.definition import SYSTEM, Transition, Workflow
from fundflow.workflow.problems import did_you_mean, listed


def provided(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Everything that the workflow names is provided by somebody."""
    here = context.installation
    if here is None:
        return
    for name, role in workflow.roles.items():
        if role.kind != SYSTEM and here.role_kinds is not None and role.kind not in here.role_kinds:
            yield Finding("FF206", f"roles.{name}", f"nobody provides roles of the kind '{role.kind}' here")
    for step in workflow.every_transition():
        for number, effect in enumerate(step.do):
            if here.effects is not None and effect.kind not in here.effects:
                at = f"{path_of(workflow, step)}.do.{number}"
                yield Finding("FF206", at, f"nobody carries out the effect '{effect.kind}' here")
        for root in sorted(reads(workflow, step.id)):
            if here.facts is not None and root.partition(".")[0] not in here.facts:
                yield Finding("FF206", path_of(workflow, step), f"nobody provides the fact '{root}' here")
    for name, timer in workflow.timers.items():
        for root in sorted(timer.at.roots) if timer.at is not None else ():
            if here.facts is not None and root.partition(".")[0] not in here.facts:
                yield Finding("FF206", f"timers.{name}.at", f"nobody provides the fact '{root}' here")


def path_of(workflow: Workflow, step: Transition) -> str:
    """Where a transition stands in the file."""
    kind, dot, name = step.id.partition(".")
    return f"children.{kind}.transitions.{name}" if dot and kind in workflow.children else f"transitions.{step.id}"


def printed(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Every message and document that is named exists, in every language, and prints only what it is given."""
    here = context.installation
    if here is None or here.messages is None or here.documents is None:
        return
    for step in workflow.every_transition():
        for number, effect in enumerate(step.do):
            at = f"{path_of(workflow, step)}.do.{number}"
            if effect.notify:
                yield from _exists(workflow, here, "message", effect.notify, at)
                if effect.notify in here.messages:
                    asked = frozenset(step.input)
                    yield from _given(workflow, here.messages[effect.notify], effect.notify, at, asked)
                    yield from _visible(workflow, here.messages[effect.notify], effect.notify, at, step, effect.to)
            if effect.document:
                yield from _exists(workflow, here, "document", effect.document, at)
    for name, timer in workflow.timers.items():
        told = [("remind_with", timer.remind_with), ("overdue_with", timer.overdue_with)]
        told.append(("escalate.with", timer.escalate.template if timer.escalate else None))
        for setting, template in told:
            if template:
                at = f"timers.{name}.{setting}"
                yield from _exists(workflow, here, "message", template, at)
                if template in here.messages:
                    yield from _given(workflow, here.messages[template], template, at, frozenset())
    for name, state in workflow.states.items():
        if state.signatures is not None:
            at = f"states.{name}.signatures.document"
            yield from _exists(workflow, here, "document", state.signatures.document, at)


def _exists(workflow: Workflow, here: Installation, what: str, name: str, at: str) -> Iterator[Finding]:
    known = (here.messages if what == "message" else here.documents) or {}
    if name not in known:
        yield Finding("FF180", at, f"there is no {what} '{name}' here{did_you_mean(name, known)}")
        return
    for language in workflow.languages:
        if language not in known[name].languages:
            missing = known[name].untranslated.get(language, ())
            which = f": “{missing[0]}”" if missing else ""
            yield Finding("FF181", at, f"the {what} '{name}' is missing in '{language}'{which}")


def _given(workflow: Workflow, message: Printed, name: str, at: str, asked: frozenset[str]) -> Iterator[Finding]:
    for path in sorted(message.reads):
        root, _, field = path.partition(".")
        if root not in message.given:
            close = did_you_mean(root, message.given)
            yield Finding("FF182", at, f"the message '{name}' prints {{{path}}}, which no message is given{close}")
        elif root == "input" and field and field not in asked:
            close = did_you_mean(field, asked)
            message_ = f"the message '{name}' prints {{{path}}}, but '{field}' is asked of nobody here{close}"
            yield Finding("FF182", at, message_)


def _visible(
    workflow: Workflow, message: Printed, name: str, at: str, step: Transition, roles: tuple[str, ...]
) -> Iterator[Finding]:
    """An answer that a message prints is one that its reader may read, where the application then stands."""
    for field in sorted((message.prints & Answerable(workflow).form_of.keys()) - {"title"}):
        forms = {form for form, each in workflow.answer_forms.items() if field in each.fields}
        for role in roles:
            for source in step.sources:
                place = step.destination(source) or source
                state = workflow.states.get(place)
                if state is None:
                    continue  # a child moves, and its application may stand in several places
                if not forms & {*state.view.get(role, ()), *state.edit.get(role, ())}:
                    sentence = (
                        f"the message '{name}' prints {{{field}}}, which '{role}' may not see in '{place}': give them"
                        f" a view of {listed(sorted(forms))}, or another message"
                    )
                    yield Finding("FF182", at, sentence)


def papers(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """A document is made when what it prints can be there: not before, and not never."""
    here = context.installation
    if here is None or here.documents is None:
        return
    known = Answerable(workflow)
    for name, step in workflow.transitions.items():
        done: set[str] = set()
        for number, effect in enumerate(step.do):
            if effect.set:
                done.add(effect.set)
            document = here.documents.get(effect.document or "")
            if document is None:
                continue
            at = f"transitions.{name}.do.{number}"
            yield from _asked(step, effect.document or "", document, at)
            for field in sorted(document.needs | (document.prints & known.form_of.keys())):
                if field in done or all(known.by(field, source) for source in step.sources):
                    continue
                later = [each.set for each in step.do[number:]]
                if field in later or (known.ever(field) and _only_later(workflow, known, field, step)):
                    message = f"'{effect.document}' prints application.{field}, which is set only later"
                    yield Finding("FF173", at, f"{message}; make the document after that")
                else:
                    message = f"'{effect.document}' prints application.{field}, which nobody can have filled in by then"
                    yield Finding("FF125", at, message)


def _asked(step: Transition, name: str, document: Printed, at: str) -> Iterator[Finding]:
    """What a document takes from whoever asks for it is asked."""
    for kind in sorted(document.asks - {each.type for each in step.input.values()}):
        message = f"'{name}' prints a {kind} that '{step.id}' asks of nobody: add input: {{…: {kind}}}"
        yield Finding("FF125", at, message)


def _only_later(workflow: Workflow, known: Answerable, field: str, step: Transition) -> bool:
    """Some state that this step leads to, at once or later, is one where the field has a value."""
    targets = [target for source in step.sources if (target := step.destination(source))]
    return any(known.by(field, state) for target in targets for state in known.after(target))


WIDER_RULES = (provided, printed, papers)
