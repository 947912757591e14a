"""Replays an event log on a net; run by a Python that has pm4py, which is no part of fundflow: MODEL.pnml LOG [CHILD].

LOG is a .xes file, or a .ocel.json that is flattened to the objects of the kind CHILD (application if not given).
"""

# mypy: ignore-errors
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import pm4py  # noqa: E402

model, log, *kind = sys.argv[1:]
net, begin, end = pm4py.read_pnml(model)
if log.endswith(".xes"):
    events = pm4py.read_xes(log)
else:
    events = pm4py.ocel_flattening(pm4py.read_ocel2_json(log), kind[0] if kind else "application")
tokens = pm4py.fitness_token_based_replay(events, net, begin, end)
aligned = pm4py.fitness_alignments(events, net, begin, end)
is_sound, _ = pm4py.check_soundness(net, begin, end, print_diagnostics=False)
found = {
    "sound": bool(is_sound),
    "traces": int(events["case:concept:name"].nunique()),
    "tokens": tokens["log_fitness"],
    "aligned": aligned["log_fitness"],
}
print(f"RESULT {json.dumps(found)}")
