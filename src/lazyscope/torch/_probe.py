"""What does a module do with its parameters, and where do the examples lie at each place?"""

from typing import NamedTuple

import torch

from lazyscope.torch._layout import Layout, find_layout
from lazyscope.torch._question import (
    Question,
    call,
    check_separate,
    few_examples,
)
from lazyscope.torch._recorder import Recorder
from lazyscope.torch._refusals import independent, overwritten, random_function
from lazyscope.torch._uses import Use


class Sketch(NamedTuple):
    """A module as seen on a few examples: its uses with their layouts, and what was not recognised.

    Attributes:
        uses: recognised uses in the order of the forward pass.
        positions: for each of them how many positions an example has there.
        layouts: where the examples lie; None for uses of parameters that fall back.
        reasons: for every parameter that falls back, why.
        fixed: lookups that are the same for all examples.
        num_outputs: outputs C.
        numbers: entries of all tensors of a forward pass on one example.
        largest: entries of the largest one.
        signals: entries of the backward signals of one output at all uses.
    """

    uses: tuple[Use, ...]
    positions: tuple[int, ...]
    layouts: tuple[Layout | None, ...]
    reasons: dict[int, tuple[str, ...]]
    fixed: frozenset[int]
    num_outputs: int
    numbers: int
    largest: int
    signals: int


def probe(question: Question) -> Sketch:
    """Call the module on a few examples, together and alone, and check that both agree."""
    pair = few_examples(question)
    batch = pair[[0, 1, 1]]
    together, before = record(question, batch, frozenset())
    _check_repeatable(before, record(question, batch, frozenset())[1])
    check_separate(question, pair)
    alone = [record(question, x[None], frozenset()) for x in pair]
    fixed = _same_for_all(together, [one for one, _ in alone])
    if fixed:
        together, _ = record(question, batch, fixed)
        alone = [record(question, x[None], fixed) for x in pair]
    first, out = alone[0]
    return _sketch(together, [alone[k][0] for k in (0, 1, 1)], fixed, first, out.shape[1])


def record(
    question: Question, x: torch.Tensor, fixed: frozenset[int]
) -> tuple[Recorder, torch.Tensor]:
    """One watched forward pass."""
    recorder = Recorder(question.parameters, fixed)
    with recorder:
        out = call(question.module, x)
    if not out.requires_grad:
        raise independent()
    recorder.close(out)
    return recorder, out


def _check_repeatable(one: torch.Tensor, two: torch.Tensor) -> None:
    """Two calls must agree; otherwise there is randomness or state."""
    one, two = one.detach(), two.detach()
    if not torch.equal(one.nan_to_num(), two.nan_to_num()):
        gap = float((one - two).abs().max())
        raise random_function(f"outputs that change by {gap:.2g} from one call to the next")


def _same_for_all(together: Recorder, alone: list[Recorder]) -> frozenset[int]:
    """Lookups whose row numbers do not depend on the examples, nor on how many there are."""
    count = min(len(r.lookups) for r in [together, *alone])
    return frozenset(
        k
        for k in range(count)
        if all(torch.equal(together.lookups[k], each.lookups[k]) for each in alone)
    )


def _sketch(
    together: Recorder, alone: list[Recorder], fixed: frozenset[int], one: Recorder, outputs: int
) -> Sketch:
    uses = [placed.use for placed in one.placed]
    reasons = {k: list(words) for k, words in together.reasons.items()}
    for each in alone:
        for k, words in each.reasons.items():
            reasons.setdefault(k, []).extend(w for w in words if w not in reasons.get(k, []))
    layouts: list[Layout | None] = [None] * len(uses)
    runs = [[placed.use for placed in r.placed] for r in (together, *alone)]
    steady = all([kind_of(u) for u in run] == [kind_of(u) for u in uses] for run in runs)
    if not steady:
        for run in runs:
            for use in run:
                reasons.setdefault(use.view.parameter, []).append("another way for other examples")
    for k, use in enumerate(uses if steady else ()):
        layouts[k], reason = _locate([run[k] for run in runs])
        if reason:
            reasons.setdefault(use.view.parameter, []).append(reason)
    return Sketch(
        tuple(use._replace(carrier=use.carrier.new_empty(0)) for use in uses),
        tuple(_positions(use) for use in uses),
        tuple(layouts),
        {k: tuple(dict.fromkeys(words)) for k, words in reasons.items()},
        fixed,
        outputs,
        one.numbers,
        one.largest,
        sum({(p.edge.node, p.edge.output_nr): p.size for p in one.placed}.values()),
    )


def kind_of(use: Use) -> tuple[int, str, tuple[int, ...]]:
    """What must be the same whatever the examples."""
    return use.view.parameter, use.kind, use.sizes


def _locate(uses: list[Use]) -> tuple[Layout | None, str]:
    """Layout of a use from its carriers in a batch and alone, or a reason why it has none."""
    together, *alone = uses
    if together.kind != "shift" and any(u.carrier._version != u.version for u in uses):
        raise overwritten(together.kind)
    layout = find_layout(together.carrier, [u.carrier for u in alone], together.num_axes)
    if layout is None:
        return None, f"{together.kind} of data in which the examples are not told apart"
    if together.direct:
        shape = together.sizes
        axis = layout.axis + together.offset - (together.num_axes + together.offset)
        if -axis <= len(shape) and shape[axis] != 1:
            return None, f"{together.kind} that differs between examples"
    return layout, ""


def _positions(use: Use) -> int:
    """Positions of one example, from a pass on one example."""
    if use.direct:
        return 1
    shape = use.data(use.carrier).shape
    lead = shape if use.lookup else shape[:-2]
    return int(torch.Size(lead).numel())
