"""Who may open the studio and who may write in it: drafts and versions concern every round, so they are nobody's else.

Whoever manages or directs single rounds chooses among published versions for those, on the pages of their rounds.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from fundflow.accounts.policy import ADMINISTRATORS, DIRECTORS, MANAGERS, in_group
from fundflow.lifecycle.actor import Actor
from fundflow.rounds import policy as rounds
from fundflow.web.gate import Rule


def may_write(actor: Actor) -> bool:
    """A fund manager of every round or an administrator, in their own right: whoever stands in for one may not."""
    return rounds.scopes(actor, MANAGERS, ADMINISTRATORS, own=True) is None


writers = Rule(may_write, _l("a fund manager of every round"), "fund-managers of every round, administrators")
choosers = in_group(MANAGERS, DIRECTORS)
