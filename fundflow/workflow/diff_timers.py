"""What differs in the timers of two versions: what is due when, who is told, and what follows."""

from __future__ import annotations

from fundflow.workflow.definition import Escalation, Timer
from fundflow.workflow.differences import Differences, both, setting

TIMER = {
    "label": setting("text", "The name of “{name}”", "Le nom de « {name} »"),
    "states": setting("policy", "Where “{name}” runs", "Les étapes où court « {name} »", "states"),
    "at": setting("policy", "The moment at which “{name}” is due", "Le moment de « {name} »"),
    "after": setting("policy", "The time until “{name}” is due", "Le délai de « {name} »"),
    "grace": setting("policy", "The grace of “{name}”", "La tolérance de « {name} »"),
    "end_of_day": setting(
        "policy", "Whether “{name}” is due at the end of the day", "« {name} » vaut-il jusqu’à la fin du jour"
    ),
    "remind": setting("policy", "When people are reminded of “{name}”", "Quand « {name} » est rappelé"),
    "remind_with": setting("policy", "The message that reminds of “{name}”", "Le message qui rappelle « {name} »"),
    "overdue_with": setting("policy", "The message when “{name}” is late", "Le message de retard de « {name} »"),
    "to": setting("policy", "Who is told of “{name}”", "Qui est prévenu de « {name} »", "roles"),
    "then": setting("policy", "What happens when “{name}” has passed", "Ce qui suit « {name} »", "transition"),
    "repeat": setting("policy", "How often the late notice of “{name}” is repeated", "La répétition de « {name} »"),
    "if_blocked": setting(
        "policy", "Who is told when “{name}” is blocked", "Qui est prévenu si « {name} » est bloqué", "roles"
    ),
    "is_sla": setting(
        "policy",
        "Whether “{name}” stands still while the application is elsewhere",
        "« {name} » s’arrête-t-il quand la candidature est ailleurs",
    ),
}
ESCALATION = {
    "after": setting("policy", "The time until “{name}” is passed on", "Le délai d’alerte de « {name} »"),
    "to": setting("policy", "Whom “{name}” is passed on to", "Qui est alerté de « {name} »", "roles"),
    "template": setting("policy", "The message that passes “{name}” on", "Le message d’alerte de « {name} »"),
}
COMPARED = {Timer: {*TIMER, "escalate"}, Escalation: {*ESCALATION}}


def timers(found: Differences) -> None:
    """Every difference of the timers."""
    old, new = found.old.timers, found.new.timers
    for name in found.parts(
        "policy",
        "timers",
        old,
        new,
        added=both("There is a new deadline, {name}.", "Une nouvelle échéance : {name}."),
        removed=both("The deadline {name} is gone.", "L’échéance {name} disparaît."),
        order=both("The deadlines", "Les échéances"),
    ):
        place, was, now = f"timers.{name}", old[name], new[name]
        found.settings(TIMER, place, was, now, name=was.label)
        if was.escalate is not None and now.escalate is not None:
            found.settings(ESCALATION, f"{place}.escalate", was.escalate, now.escalate, name=was.label)
        elif was.escalate is not now.escalate:
            found.value(ESCALATION["to"], f"{place}.escalate", _to(was), _to(now), name=was.label)


def _to(timer: Timer) -> tuple[str, ...] | None:
    return timer.escalate.to if timer.escalate is not None else None
