"""What does a module do with its parameters?"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from lazyscope._checks import InputError
from lazyscope.torch._question import (
    Question,
    call,
    check_separate,
    few_examples,
)
from lazyscope.torch._refusals import (
    batch_statistics,
    independent,
    overwritten,
    random_function,
)
from lazyscope.torch.uses._recorder import Recorder
from lazyscope.torch.uses._uses import Use


class Sketch(NamedTuple):
    """A module as seen on examples alone: its uses of parameters, and what was not recognised.

    Attributes:
        uses: recognised uses of all examples seen, in the order of the forward pass.
        positions: for each of them how many positions an example has there.
        reasons: for every parameter that falls back, why.
        fixed: lookups that are the same for all examples.
        num_outputs: outputs C.
        numbers: entries of all tensors of a forward pass on one example.
        largest: entries of the largest one.
        signals: entries of the backward signals of one output at all uses.
        precision: rounding of the coarsest real numbers that occur on the way.
        batch_statistics: whether a batch norm took mean and variance from what seem to be examples.
        alone: outputs of x1 and x2 as each example alone has them, where they are still to be compared
            with those in a batch.
    """

    uses: tuple[Use, ...]
    positions: tuple[int, ...]
    reasons: dict[int, tuple[str, ...]]
    fixed: frozenset[int]
    num_outputs: int
    numbers: int
    largest: int
    signals: int
    precision: float
    batch_statistics: bool
    alone: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None)

    @property
    def working_type(self) -> str:
        """The floating-point type with the rounding of the coarsest part."""
        names = ("float64", "float32", "float16")
        return next(
            (n for n in names if torch.finfo(getattr(torch, n)).eps == self.precision), "bfloat16"
        )


class Seen(NamedTuple):
    """A use without what it holds of the forward pass, and its positions in one example."""

    use: Use
    positions: int


def probe(question: Question) -> Sketch:
    """Call the module on a few examples, together and alone, and check that both agree."""
    pair = few_examples(question)
    batch = pair[[0, 1, 1]]
    joined, before = record(question, batch, frozenset())
    _check_repeatable(before, record(question, batch, frozenset())[1])
    try:
        check_separate(question, pair)
    except (InputError, ValueError):  # PyTorch's own, of statistics over a single example
        if joined.batch_statistics:
            raise batch_statistics() from None
        raise
    alone = [record(question, x[None], frozenset()) for x in pair]
    fixed = _same_for_all(joined, [one for one, _ in alone])
    if fixed:
        joined, _ = record(question, batch, fixed)
        alone = [record(question, x[None], fixed) for x in pair]
    first, out = alone[0]
    check_kept(joined)
    sketch = Sketch(
        (), (), {}, fixed, out.shape[1], 0, 0, 0, first.precision, joined.batch_statistics
    )
    for each, _ in alone:
        sketch = together(sketch, each)
    return sketch._replace(reasons=_all_reasons(sketch.reasons, joined.reasons))


def record(
    question: Question, x: torch.Tensor, fixed: frozenset[int]
) -> tuple[Recorder, torch.Tensor]:
    """One watched forward pass."""
    recorder = Recorder(question.parameters, fixed, len(x))
    try:
        with recorder:
            out = call(question.module, x)
    except InputError:
        if recorder.batch_statistics:
            raise batch_statistics() from None
        raise
    if not out.requires_grad:
        raise independent()
    recorder.close(out)
    return recorder, out


def together(sketch: Sketch, recorder: Recorder) -> Sketch:
    """A sketch with what one more example alone does; uses come in the order of the passes."""
    check_kept(recorder)
    known = [Seen(*pair) for pair in zip(sketch.uses, sketch.positions, strict=True)]
    place = 0
    taken: set[int] = set()
    for placed in recorder.placed:
        seen = as_seen(placed.use, 1)
        match = next(
            (k for k, other in enumerate(known) if id(other) not in taken and _same(other, seen)),
            None,
        )
        if match is None:
            known.insert(place, seen)
            taken.add(id(seen))
            place += 1
        else:
            other = known[match]
            known[match] = other._replace(positions=max(other.positions, seen.positions))
            taken.add(id(known[match]))
            place = match + 1
    edges = {(p.edge.node, p.edge.output_nr): p.size for p in recorder.placed}
    return sketch._replace(
        uses=tuple(seen.use for seen in known),
        positions=tuple(seen.positions for seen in known),
        reasons=_all_reasons(sketch.reasons, recorder.reasons),
        numbers=max(sketch.numbers, recorder.numbers),
        largest=max(sketch.largest, recorder.largest),
        signals=max(sketch.signals, sum(edges.values())),
        precision=max(sketch.precision, recorder.precision),
    )


def as_seen(use: Use, num_examples: int) -> Seen:
    """A use without its data."""
    if use.direct:
        positions = 1
    else:
        shape = use.data(use.carrier).shape
        lead = math.prod(shape if use.lookup else shape[:-2])
        positions = math.ceil(lead / num_examples)
    return Seen(use._replace(carrier=use.carrier.new_empty(0)), positions)


def same_entries(one: Use, two: Use) -> bool:
    """Whether two uses hold the same entries of one parameter, in the same order."""
    if one.view.parameter != two.view.parameter or one.view.shape != two.view.shape:
        return False
    first, second = one.view.entries, two.view.entries
    if first is None or second is None:
        return first is second
    return torch.equal(first, second)


def check_kept(recorder: Recorder) -> None:
    """Refuse data of a use that were overwritten, for which there is no derivative."""
    for use in (placed.use for placed in recorder.placed):
        if use.kind != "shift" and use.carrier._version != use.version:
            raise overwritten(use.kind)


def _same(one: Seen, two: Seen) -> bool:
    kinds = [(u.kind, u.sizes, u.order) for u in (one.use, two.use)]
    return kinds[0] == kinds[1] and same_entries(one.use, two.use)


def _check_repeatable(one: torch.Tensor, two: torch.Tensor) -> None:
    """Two calls must agree; otherwise there is randomness or state."""
    one, two = one.detach(), two.detach()
    if not torch.equal(one.nan_to_num(), two.nan_to_num()):
        gap = float((one - two).abs().max())
        raise random_function(f"outputs that change by {gap:.2g} from one call to the next")


def _same_for_all(joined: Recorder, alone: list[Recorder]) -> frozenset[int]:
    """Lookups whose row numbers do not depend on the examples, nor on how many there are."""
    count = min(len(r.lookups) for r in [joined, *alone])
    return frozenset(
        k
        for k in range(count)
        if all(torch.equal(joined.lookups[k], each.lookups[k]) for each in alone)
    )


def _all_reasons(
    one: dict[int, tuple[str, ...]], two: dict[int, list[str]]
) -> dict[int, tuple[str, ...]]:
    numbers = sorted({*one, *two})
    words: dict[int, Sequence[str]] = {k: (*one.get(k, ()), *two.get(k, ())) for k in numbers}
    return {k: tuple(dict.fromkeys(each)) for k, each in words.items()}
