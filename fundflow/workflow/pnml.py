"""A workflow's net as PNML (ISO/IEC 15909-2), its final marking and silent steps as ProM and pm4py read them."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from fundflow.workflow.net import SINK, SOURCE, Net

GRAMMAR = "http://www.pnml.org/version-2009/grammar/pnml"
PTNET = "http://www.pnml.org/version-2009/grammar/ptnet"


def written(net: Net) -> str:
    """The document; the same net always gives the same one."""
    return "\n".join(_lines(net)) + "\n"


def _lines(net: Net) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<pnml xmlns="{GRAMMAR}">'
    yield f'  <net id={quoteattr(f"net-{net.id}")} type="{PTNET}">'
    yield f"    <name><text>{escape(net.title)}</text></name>"
    yield '    <page id="page">'
    for name, label in net.places.items():
        marking = "<initialMarking><text>1</text></initialMarking>" if name == SOURCE else ""
        yield f'      <place id="p-{name}"><name><text>{escape(label)}</text></name>{marking}</place>'
    for number, step in enumerate(net.steps):
        silent = '<toolspecific tool="ProM" version="6.4" activity="$invisible$"/>' if step.is_silent else ""
        yield f'      <transition id="t-{number}"><name><text>{escape(step.label)}</text></name>{silent}</transition>'
    for number, step in enumerate(net.steps):
        one = "<inscription><text>1</text></inscription>"
        yield f'      <arc id="a-{number}-in" source="p-{step.source}" target="t-{number}">{one}</arc>'
        yield f'      <arc id="a-{number}-out" source="t-{number}" target="p-{step.target}">{one}</arc>'
    yield "    </page>"
    yield f'    <finalmarkings><marking><place idref="p-{SINK}"><text>1</text></place></marking></finalmarkings>'
    yield "  </net>"
    yield "</pnml>"
