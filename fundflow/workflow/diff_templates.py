"""What differs in the texts of mails and documents that two versions were pinned with."""

from __future__ import annotations

from fundflow.workflow.differences import Differences, both, quoted
from fundflow.workflow.text import Text

MESSAGE = {
    "new": both("There is a text for the message {name}.", "Il y a un texte pour le message {name}."),
    "gone": both("The text of the message {name} is gone.", "Le texte du message {name} disparaît."),
    "other": both("The message {name} is worded differently.", "Le texte du message {name} a changé."),
}
LAYOUT = {**MESSAGE, "other": both("The frame of every message changed.", "Le cadre de tous les messages a changé.")}
DOCUMENT = {
    "new": both("There is a text for the document {name}.", "Il y a un texte pour le document {name}."),
    "gone": both("The text of the document {name} is gone.", "Le texte du document {name} disparaît."),
    "other": both(
        "The document {name} is worded or set differently.", "Le texte ou la forme du document {name} a changé."
    ),
}


def templates(found: Differences) -> None:
    """One change for each message and document whose texts differ, where both versions have theirs."""
    old, new = found.old.templates, found.new.templates
    if not old or not new:
        return
    before, after = {_name(path) for path in old}, {_name(path) for path in new}
    changed = {_name(path) for path in (*old, *new) if old.get(path) != new.get(path)}
    for kind, name in sorted(changed):
        says = DOCUMENT if kind == "agreements" else LAYOUT if name.startswith("_") else MESSAGE
        how = "other" if (kind, name) in before & after else "new" if (kind, name) in after else "gone"
        found.add("text", f"templates.{kind}.{name}", says[how], name=quoted(Text.same(name)))


def _name(path: str) -> tuple[str, str]:
    folder, _, file = path.partition("/")
    return folder, file.partition(".")[0]
