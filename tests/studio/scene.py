"""What the studio's tests begin with: a round of the small grant, two managers, and a draft of the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.lifecycle import publishing
from fundflow.lifecycle.models import Publication
from fundflow.rounds.models import Round
from fundflow.studio import service
from fundflow.studio.models import Draft
from fundflow.workflow.problems import Problems
from tests import factories as make

MAIN = "small_grant.yaml"
COUNT = ("group: reviewers, count: 3}", "group: reviewers, count: 5}")


@dataclass(slots=True)
class Scene:
    """A round of version 1 with live applications, and the people who change its rules."""

    round: Round
    first: User
    second: User
    draft: Draft

    def now(self) -> Draft:
        """The draft as it is in the database now."""
        db.session.rollback()
        return db.session.get_one(Draft, self.draft.id, populate_existing=True)

    def text(self, path: str = MAIN) -> str:
        return str(self.now().files[path])

    def save(self, text: str, by: User | None = None, path: str = MAIN, over: str | None = None) -> Draft:
        """Save a file, over the text that stands there now unless another is named."""
        over = self.text(path) if over is None else over
        with transaction():
            return service.save(
                self.draft.id, path, text, revision=service.mark_of(over), actor=make.acting(by or self.first)
            )

    def change(self, *edits: tuple[str, str], by: User | None = None, path: str = MAIN) -> Draft:
        """Save the file with each of these texts replaced by the other."""
        text = self.text(path)
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        return self.save(text, by, path)

    def propose(self, by: User | None = None, *, key: str = "", **more: object) -> Publication:
        """Propose the draft as it stands, with every warning accepted."""
        given: Mapping[str, object] = {
            "digest": service.digest_of(self.now()),
            "reason": "The committee is larger now.",
            "accepted": self.warnings() if "accepted" not in more else (),
            "seen": {},
            **more,
        }
        actor = make.acting(by or self.first)
        with transaction():
            return service.propose(self.draft.id, actor=actor, key=key or f"test:{uuid4()}", **given)  # type: ignore[arg-type]

    def warnings(self) -> list[str]:
        """The marks of what the checker warns of now; none where the draft is no workflow."""
        draft = self.now()
        try:
            workflow = publishing.assembled(service.workflow_files(draft), draft.main, service.templates_of(draft))
        except Problems:
            return []
        return [
            publishing.mark_of(each)
            for each in publishing.findings(workflow, service.messages_of(draft))
            if each.is_warning and each.blocks
        ]

    def publish(self, wish: Publication, by: User | None = None, sha256: str | None = None) -> Publication:
        """Publish as the second person."""
        actor = make.acting(by or self.second)
        with transaction():
            return service.publish(wish.id, sha256=wish.sha256 if sha256 is None else sha256, actor=actor)


def a_scene(applications: int = 0) -> Scene:
    """A published round of the small grant, so many drafts of cities in it, and a draft of version 2."""
    round_ = make.a_round()
    for _each in range(applications):
        applicant = make.a_person()
        make.started(round_, make.a_city(focal_point=applicant), applicant)
    first = make.a_person("Ines Duarte", groups=[make.MANAGERS])
    second = make.a_person("Omar Bello", groups=[make.MANAGERS])
    return Scene(round_, first, second, begun(round_.definition_sha, first))


def begun(sha256: str, by: User) -> Draft:
    """A draft that this person began from a version."""
    actor = make.acting(by)
    with transaction():
        return service.begin(sha256, actor=actor, key=f"test:{uuid4()}")
