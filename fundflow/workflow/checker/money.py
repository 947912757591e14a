"""Money and children over all paths: paid only once committed, nothing left behind at an end, no child left open.

Each finding comes with a shortest path that shows it. Amounts are compared by proof: what is paid is all that was
committed where the conditions say so.
"""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.conditions import conditions, place_of
from fundflow.workflow.checker.context import Context
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.guards import Guards
from fundflow.workflow.checker.product import Product, Situation, Step
from fundflow.workflow.checker.questions import NEVER, Found, Work, told
from fundflow.workflow.definition import Child, Effect, Transition, Workflow
from fundflow.workflow.expressions import MONEY, Expression, WrongExpression, compile_expression, record
from fundflow.workflow.expressions.nodes import Binary, Call, Member, Name, Node, path_of, write
from fundflow.workflow.problems import listed


def money(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Every kind of child with the application, or the application alone."""
    amounts = Amounts(Guards(workflow, Work(context.work // 2, context.may_use_solver)))
    for child in workflow.children.values() or (None,):
        product = Product(workflow, child, amounts.is_all).explore()
        yield from _money(product)
        yield from _open(product)
        yield from _impossible(product)
        yield from _stuck(product)
        if not product.is_whole:
            what = f"its {child.id} and its money" if child else "its money"
            message = f"not decided: what becomes of an application with {what} in every situation; there are too many"
            yield Finding("FF116", "states", message)
    for child in workflow.children.values():
        yield from amounts.beyond(child)


_SAYS = {
    "commit": "the money may be committed already",
    "order": "the money may not be committed",
    "pay": "the money may not be committed",
    "fail": "no money may be ordered",
    "return": "no money may be paid",
    "refund": "no money may be paid",
}


def _money(product: Product) -> Iterator[Finding]:
    workflow, seen = product.workflow, set[tuple[str, str, str | None, str | None]]()
    for step in _every(product):
        transition = workflow.find(step.name)
        assert transition is not None  # noqa: S101 - a step is of a transition
        at, path = place_of(workflow, transition), (*product.path(step.before), step.name)
        is_child = workflow.child_of(step.name) is not None
        for code, number in step.wrong:
            if transition.do[number].ledger in ("return", "refund") and _looks_at_paid(transition):
                continue
            key = (code, step.name, None if is_child else step.before.state, None)
            if key not in seen:
                seen.add(key)
                where = f"happens in '{step.before.state}'" if is_child else f"leaves '{step.before.state}'"
                does = str(transition.do[number].ledger)
                says = f"ledger: {does} here, but {_SAYS[does]} when {step.name} {where}"
                yield Finding(code, f"{at}.do.{number}.ledger", says, path)
        kept = step.after.purse.kept if _ends(workflow, step.after) else None
        if kept is not None and ("FF176", step.name, step.before.state, kept) not in seen:
            seen.add(("FF176", step.name, step.before.state, kept))
            message = f"{step.name} ends the application from '{step.before.state}' with money {kept}"
            yield Finding("FF176", at, f"{message}; add {{ledger: release}} or {{ledger: close}}", path)


def _looks_at_paid(transition: Transition) -> bool:
    """A condition decides by what was paid: other kinds of children may have paid it, which this product cannot see."""
    return any(when.expression is not None and "ledger.paid" in when.expression.reads for when in transition.when)


def _every(product: Product) -> Iterator[Step]:
    """Every step of every situation, nearest to the beginning first."""
    for steps in product.steps.values():
        yield from steps


def _ends(workflow: Workflow, here: Situation) -> bool:
    return here.state is None or workflow.states[here.state].is_final


def _open(product: Product) -> Iterator[Finding]:
    """A child that is not at an end of its own when the application ends."""
    child, seen = product.child, set[str]()
    for step in _every(product) if child else ():
        assert child is not None  # noqa: S101 - nothing is gone through without one
        left = [each for each in step.after.children or () if not child.states[each].is_final]
        if left and _ends(product.workflow, step.after) and step.name not in seen:
            seen.add(step.name)
            transition = product.workflow.transitions[step.name]
            end = transition.end or step.after.state
            message = f"the application can end ({end}) while a {child.id} is still '{left[0]}'"
            yield Finding("FF190", f"transitions.{step.name}", message, (*product.path(step.before), step.name))


def _impossible(product: Product) -> Iterator[Finding]:
    """A child's transition that no situation allows, although its children exist."""
    child = product.child
    if child is None or not product.is_whole or not any(here.children for here in product.came_by):
        return
    stands = {state for here in product.came_by for state in here.children or ()}
    for transition in child.transitions.values():
        if transition.id not in product.happened and stands & set(transition.sources):
            message = f"{transition.id} can never happen in any reachable situation"
            yield Finding("FF191", place_of(product.workflow, transition), message)


def _stuck(product: Product) -> Iterator[Finding]:
    """A situation from which, with its children as they are, no end can be reached; the nearest of each state."""
    child, workflow = product.child, product.workflow
    if child is None or not product.is_whole:
        return
    back: dict[Situation, list[Situation]] = {}
    for step in _every(product):
        back.setdefault(step.after, []).append(step.before)
    reaching = [here for here in product.came_by if _ends(workflow, here)]
    saved = set(reaching)
    while reaching:
        for before in back.get(reaching.pop(), ()):
            if before not in saved:
                saved.add(before)
                reaching.append(before)
    whole = {here.state for here in saved}
    seen = set[str | None]()
    for here in product.came_by:
        if here not in saved and here.children and here.state in whole and here.state not in seen:
            seen.add(here.state)
            states = listed(here.children)
            message = f"an application can get stuck in '{here.state}' with {child.id} {states}: no end can be reached"
            yield Finding("FF115", f"states.{here.state}", message, product.path(here))


class Amounts:
    """Amounts of effects against each other and against what is committed."""

    def __init__(self, given: Guards) -> None:
        self.given, self.workflow = given, given.workflow
        self.known: dict[tuple[str, str], bool] = {}

    def is_all(self, step: Transition, effect: Effect, held: str) -> bool:
        """The amount of this effect is surely what is held: the same words, or the conditions make it so."""
        if effect.amount is None:
            return True
        amount = write(effect.amount.node)
        if amount == held or not held:
            return amount == held
        if (step.id, held) not in self.known:
            self.known[step.id, held] = self._is_equal(step, effect.amount, held)
        return self.known[step.id, held]

    def _is_equal(self, step: Transition, amount: Expression, held: str) -> bool:
        equal = self._compare(amount, "==", held)
        if equal is None:
            return False
        return all(
            self.given.ask([each.expression for each in conditions(self.workflow, step, source)], [equal], [], _NOBODY)
            == NEVER
            for source in step.sources
        )

    def _compare(self, amount: Expression, sign: str, with_: str) -> Expression | None:
        """Both as one expression, where it reads only amounts that are there."""
        types: dict[str, dict[str, object]] = {}
        for path in {*amount.reads, with_}:
            root, _, name = path.partition(".")
            if not name or "." in name:
                return None
            types.setdefault(root, {})[name] = MONEY
        try:
            environment = {root: record(fields) for root, fields in types.items()}  # type: ignore[arg-type]
            return compile_expression(f"({write(amount.node)}) {sign} {with_}", environment, self.workflow.currency)
        except WrongExpression:
            return None

    def beyond(self, child: Child) -> Iterator[Finding]:
        """A payment of a child, or its order, that may come to more than what is committed: FF177.

        A payment of what was ordered is judged where it is ordered.
        """
        ordered = {
            write(e.amount.node) for s in child.transitions.values() for e in s.do if e.ledger == "order" and e.amount
        }
        for step in child.transitions.values():
            for number, effect in enumerate(step.do):
                if effect.ledger not in ("order", "pay") or effect.amount is None:
                    continue
                if effect.ledger == "pay" and write(effect.amount.node) in ordered:
                    continue
                at = f"{place_of(self.workflow, step)}.do.{number}.ledger"
                left = "ledger.unordered" if effect.ledger == "order" else "ledger.undisbursed"
                within = self._compare(effect.amount, "<=", left)
                if within is None or self._adds_up(child, step, effect.amount):
                    continue
                for source in step.sources:
                    holds = [each.expression for each in conditions(self.workflow, step, source)]
                    found = self.given.ask(holds, [within], [], _NOBODY)
                    if isinstance(found, Found):
                        message = f"the payments of {child.id} can come to more than what is committed"
                        mend = f"compare with {left}, or let the form require the sum"
                        example = found.example()
                        yield Finding("FF177", at, f"{message}{told(example)}; {mend}", example=example)
                    elif found != NEVER:
                        message = f"not decided: whether the payments of {child.id} stay within what is committed"
                        yield Finding("FF116", at, message)

    def _adds_up(self, child: Child, step: Transition, amount: Expression) -> bool:
        """The rows that children are made of add up to what is committed, and each is paid as its row says.

        Of rows that may change afterwards this says nothing: what follows them is compared when it is paid.
        """
        effects = [effect for t in self.workflow.every_transition() for effect in t.do]
        if not child.field or any(effect.children == child.id and effect.renew is not None for effect in effects):
            return False
        table = self.workflow.forms[child.form].fields[child.field]
        column = next((name for name in child.columns if self._pays(step, amount, f"self.{name}")), None)
        commits = [e.amount for t in self.workflow.transitions.values() for e in t.do if e.ledger == "commit"]
        paths = {path_of(each.node) for each in commits if each is not None}
        if column is None or len(paths) != 1 or None in paths:
            return False
        [total] = paths
        if table.sum_column == column and f"application.{table.sum_equals}" == total:
            return True
        rows = f"application.{child.field}"
        return any(
            _bounds(each.expression.node, rows, column, str(total))
            for t in self.workflow.transitions.values()
            for source in t.sources
            if any(effect.makes == child.id for effect in t.do)
            for each in (*self.given.known.get(source, {}).values(), *conditions(self.workflow, t, source))
        )

    def _pays(self, step: Transition, amount: Expression, held: str) -> bool:
        return write(amount.node) == held or self._is_equal(step, amount, held)


def _bounds(node: Node, rows: str, column: str, total: str) -> bool:
    """``rows.map(r, r.column).sum() == total``, or at most it, either way round."""
    match node:
        case Binary(sign="&&", left=left, right=right):
            return _bounds(left, rows, column, total) or _bounds(right, rows, column, total)
        case Binary(sign="==" | "<=", left=left, right=right) if path_of(right) == total:
            return _is_sum(left, rows, column)
        case Binary(sign="==" | ">=", left=left, right=right) if path_of(left) == total:
            return _is_sum(right, rows, column)
    return False


def _is_sum(node: Node, rows: str, column: str) -> bool:
    match node:
        case Call(
            name="sum", of=Call(name="map", of=of, arguments=(Name(name=item), Member(of=Name(name=each), name=of_)))
        ):
            return of is not None and path_of(of) == rows and item == each and of_ == column
    return False


_NOBODY = ("", "")
"""Asked for itself: whoever asks says what it means."""

WIDER_RULES = (money,)
