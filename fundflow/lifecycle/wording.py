"""Messages that were written in the browser: what they may contain, and what the checker is told of them.

A message is a template, and a template can do anything that its language allows; so of one that a person wrote only the
little is let through that the shipped messages use themselves: sentences, facts, three ways of writing them, and
conditions on whether a fact is there. Everything else is refused with its line, and no other template is taken at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from jinja2 import TemplateSyntaxError, nodes

from fundflow import mail
from fundflow.lifecycle import printing
from fundflow.workflow.checker import Printed
from fundflow.workflow.problems import Problem, did_you_mean

CODE = "FF182"
MESSAGE = re.compile(r"mail/(?P<name>[a-z]+(_[a-z]+)*)\.txt")
TRANSLATION = re.compile(r"mail/(?P<name>[a-z]+(_[a-z]+)*)\.(?P<language>[a-z]{2,3})\.json")
LARGEST = 20_000
"""Characters of one message; the longest shipped one has a tenth of it."""
FILTERS = frozenset({"money", "day", "moment"})
SPOKEN = frozenset({"gettext", "ngettext"})
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_PLAIN = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.And, nodes.Or, nodes.Not),
    nodes.Keyword,
)


def faults(path: str, text: str) -> list[Problem]:
    """Everything that keeps a text from being a message, or a translation of one."""
    if len(text) > LARGEST:
        return [Problem(path, 1, 1, CODE, f"a message has at most {LARGEST:,} characters")]
    if MESSAGE.fullmatch(path):
        return sorted(_message(path, text))
    if TRANSLATION.fullmatch(path):
        return sorted(_translation(path, text))
    return [Problem(path, 1, 1, CODE, "only messages can be written here, not the documents or the frame around them")]


def printed(name: str, texts: Mapping[str, str]) -> Printed:
    """What the checker is told of a message whose texts have no faults."""
    translations = {}
    for path, text in texts.items():
        found = TRANSLATION.fullmatch(path)
        if found is not None and found["name"] == name:
            translations[found["language"]] = frozenset(sentence for sentence, _, _ in json.loads(text))
    return printing.written(texts[f"mail/{name}.txt"], translations)


def _message(path: str, text: str) -> Iterator[Problem]:
    first = text.partition("\n")[0]
    if not re.fullmatch(r"Subject: \S.*", first):
        yield Problem(path, 1, 1, CODE, "a message begins with a line like Subject: …")
    if text.partition("\n")[2][:1] not in ("\n", ""):
        yield Problem(path, 2, 1, CODE, "leave the second line of a message empty")
    try:
        template, _sentences = mail.read(text)
        yield from _nodes(path, template)
    except TemplateSyntaxError as error:
        yield Problem(path, error.lineno, 1, CODE, f"this cannot be read as a message: {error.message}")
    except RecursionError:
        yield Problem(path, 1, 1, CODE, "this is nested too deeply")


def _nodes(path: str, node: nodes.Node) -> Iterator[Problem]:
    line = node.lineno or 1
    match node:
        case nodes.Name(name=name, ctx="load"):
            if name not in printing.GIVEN:
                close = did_you_mean(name, printing.GIVEN)
                yield Problem(path, line, 1, CODE, f"no message is given '{name}'{close}")
            return
        case nodes.Getattr(node=nodes.Name(name="input"), attr=attribute) if not attribute.startswith("_"):
            return
        case nodes.Test(name="defined", args=[], kwargs=[]):
            pass
        case nodes.Filter(name=name, args=[], kwargs=[]) if name in FILTERS and node.node is not None:
            pass
        case nodes.Call(node=nodes.Name(name=name), args=args, dyn_args=None, dyn_kwargs=None) if name in SPOKEN:
            for each in (*args, *node.kwargs):
                yield from _nodes(path, each)
            return
        case _ if type(node) in _PLAIN:
            pass
        case _:
            what = type(node).__name__.lower()
            says = f"a message has sentences, facts and conditions, and {', '.join(sorted(FILTERS))}; not this ({what})"
            yield Problem(path, line, 1, CODE, says)
            return
    for child in node.iter_child_nodes():
        yield from _nodes(path, child)


def _translation(path: str, text: str) -> Iterator[Problem]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        yield Problem(path, line, 1, CODE, "this is not valid JSON; check the quotes and commas around here")
        return
    shape = 'a translation is a list of ["sentence", null, "translated sentence"]'
    if not isinstance(found, list):
        yield Problem(path, 1, 1, CODE, shape)
        return
    for entry in found:
        match entry:
            case [str(sentence), None | int(), str(said)] if not isinstance(entry[1], bool):
                line = _line_of(text, said)
                more = set(_PLACEHOLDER.findall(said)) - set(_PLACEHOLDER.findall(sentence))
                if more:
                    says = f"the sentence has no %({min(more)})s"
                    yield Problem(path, line, 1, CODE, f"{says}: “{sentence[:60]}”")
                if "%" in _PLACEHOLDER.sub("", said).replace("%%", ""):
                    yield Problem(path, line, 1, CODE, f"write %% for a percent sign: “{said[:60]}”")
            case _:
                yield Problem(path, 1, 1, CODE, shape)
                return


def _line_of(text: str, said: str) -> int:
    at = text.find(json.dumps(said, ensure_ascii=False))
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
