"""How well a workflow is tested: small changes made blindly to its file, and who notices each.

A change that the loader or the checker refuses is killed statically; one that lets an example fail is killed by the
examples; what neither notices survives, and nothing tests its line. Words are no rules and are not changed: labels,
help, sentences, and `confirm`, which only pages ask.
"""

from __future__ import annotations

from fundflow.workflow.mutants.operators import Mutant, mutants
from fundflow.workflow.mutants.scoring import Score, Subject, Verdict, score

__all__ = ["Mutant", "Score", "Subject", "Verdict", "mutants", "score"]
