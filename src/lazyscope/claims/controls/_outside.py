"""Is a network outside the theorem's assumptions called so, by a check that the code makes?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lazyscope.claims._finding import Effort, Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import under_assumptions
from lazyscope.claims.controls._kernel import POINTS
from lazyscope.data import Dataset, load_dataset
from lazyscope.experiment import SingleRun, train_run
from lazyscope.measure import Estimate
from lazyscope.scaling import Scheme, named_scheme

_STOP = 1e-3
_WIDTHS = {"quick": 512, "full": 2048}


def outside_rows() -> Iterator[Row]:
    """What `outside_controls` claims; the bound is that of the run."""
    words = "the rate of one run is at least its bound, where every assumption of the theorem holds"
    rule = Rule("other", words=words)
    design = {
        "data": "digits",
        "num_points": POINTS,
        "target": "parity",
        "widths": [_WIDTHS["full"]],
    }
    design |= {"seeds": 1, "stop": _STOP}
    yield Row("bound-inside", None, rule, design)
    for name in ("rho", "saturated", "kink", "norm"):
        yield Row(f"outside-{name}", None, rule, design, "outside")


def outside_controls(effort: Effort) -> Iterator[Finding]:
    """The theorem's bound on the average rate for one network inside and four outside."""
    width = _WIDTHS[effort]
    data = load_dataset("digits", num_points=POINTS, num_test=0, target="parity")
    lazy = Scheme.from_exponents((0.5, 0.25), name="theta-lazy, rho 3/4")
    inside = SingleRun(data, lazy, width)
    yield _bound_row("bound-inside", "ReLU, rho = 3/4", inside, "agrees")
    mean_field = named_scheme("mean-field", depth=1, input_dim=data.x_train.shape[1])
    for name, words, run in (
        ("outside-rho", "mean field, rho = 0", replace(inside, scheme=mean_field)),
        (
            "outside-saturated",
            "tanh whose pre-activations grow like the width",
            replace(inside, activation="tanh", scheme=Scheme.from_exponents((1.5, -0.5))),
        ),
        ("outside-kink", "one input at the kink, x = 0", replace(inside, data=_with_zero(data))),
        ("outside-norm", "inputs of norm two", replace(inside, data=_stretched(data))),
    ):
        yield _bound_row(name, words, run, "outside")


def theorem_assumptions(record: Mapping[str, Any]) -> dict[str, bool]:
    """What the theorem's bound needs, and whether a trained run satisfies it.

    Args:
        record: what `train_run` returns.
    """
    rate = record["decay_rate"]
    exists = rate["bound"] is not None
    reason = str(rate["bound_reason"] or "").partition(". Received:")[0]
    return {
        f"theta-lazy, rho > 0 (the scheme is {record['regime']})": record["regime"] == "theta-lazy",
        f"limit kernels of the theorem: {reason[:1].lower() + reason[1:]}": exists,
        "limit kernels that are positive definite on the data": not exists or rate["bound"] > 0,
        f"a run that converged (it is {record['outcome']})": record["outcome"] == "converged",
    }


def _bound_row(name: str, words: str, run: SingleRun, expected: Verdict) -> Finding:
    record = train_run(run, stop=_STOP)
    rate = record["decay_rate"]
    measured, bound = rate["average"], rate["bound"]
    numbers: Verdict = "undecided"
    if bound is not None and measured is not None:
        numbers = Estimate(measured, measured, measured).at_least(bound)
    verdict, why = under_assumptions(numbers, theorem_assumptions(record))
    return Finding(
        name=name,
        claim=f"{words}: average decay rate of the loss ≥ the theorem's bound",
        prediction=bound,
        measured=Estimate(measured),
        verdict=verdict,
        basis=f"1 run, two layers, {run.activation}, {run.scheme.name}, width {run.width}, "
        f"{len(run.data.x_train)} digits with parity, flow to {_STOP:g} of the initial loss",
        expected=expected,
        note=why,
    )


def _with_zero(data: Dataset) -> Dataset:
    """The points, the first of them moved to the kink; the mean squared norm stays one."""
    x = np.array(data.x_train)
    x[0] = 0.0
    x *= np.sqrt(len(x) / (len(x) - 1))
    return replace(data, x_train=x)


def _stretched(data: Dataset) -> Dataset:
    return replace(data, x_train=2.0 * data.x_train)
