"""What an application collects while it stands in a state: results of tasks, and signatures of its parties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.db import db
from fundflow.lifecycle.models import Application, Signature, TaskResult
from fundflow.workflow.definition import Workflow

DONE = "done"
"""What a task without values comes to."""


def task_results(application_id: UUID) -> Sequence[TaskResult]:
    """The results so far."""
    return db.session.scalars(
        sa.select(TaskResult)
        .where(TaskResult.application_id == application_id)
        .execution_options(populate_existing=True)
    ).all()


def results(application_id: UUID, workflow: Workflow) -> dict[str, Any]:
    """What each task came to: one of its values or None, or for a task without values whether it is done."""
    found = {row.task: row.value for row in task_results(application_id)}
    return {name: found.get(name) if task.values else found.get(name) == DONE for name, task in workflow.tasks.items()}


def signatures(application: Application) -> Sequence[Signature]:
    """The signatures given in the state where the application stands."""
    return db.session.scalars(
        sa.select(Signature)
        .where(Signature.application_id == application.id, Signature.state == application.state)
        .order_by(Signature.event_seq)
        .execution_options(populate_existing=True)
    ).all()


def all_signatures(application_id: UUID) -> Sequence[Signature]:
    """The signatures of every state, as they stand now."""
    return db.session.scalars(
        sa.select(Signature)
        .where(Signature.application_id == application_id)
        .order_by(Signature.event_seq)
        .execution_options(populate_existing=True)
    ).all()


def signed(application: Application) -> dict[str, bool]:
    """The parties that have signed, each true; whoever has not is absent."""
    return {row.party: True for row in signatures(application)}
