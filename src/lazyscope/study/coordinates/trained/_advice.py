"""What has to change so that a network becomes muP, or lazy, under the optimiser that trains it?"""

from collections.abc import Iterator, Sequence
from typing import Any

from lazyscope.measure import ExponentEstimate
from lazyscope.scaling import Scheme, named_scheme
from lazyscope.scaling import changes_to_lazy as scheme_to_lazy
from lazyscope.scaling import changes_to_mup as scheme_to_mup
from lazyscope.study.coordinates._verdict import KINDS, MARGIN, Change, exact
from lazyscope.study.coordinates.trained._verdict import Evidence, Judged, Subject

_OF_FAN_IN = -0.5
"""Of a bias that is drawn like the weights of a hidden layer, 1/sqrt(fan-in), as PyTorch does."""


def to_mup(judged: Sequence[Judged], subject: Subject) -> tuple[Change, ...]:
    """What to multiply by which power, so that every layer moves at order one; none where it does.

    Of a parametrisation that is identified its own exponents, exactly; else what contradicts muP, array by
    array, where its interval contains one multiple of 1/2 or of 1/4.
    """
    by_name = {each.name: each for each in judged}
    if by_name["mup"].answer != "contradicted":
        return ()
    scheme = identified(judged, subject)
    if scheme is not None:
        found = scheme_to_mup(scheme)
        shift = next(j.shift for j in judged if j.name == scheme.name)
        rates = [x - shift for x in found.speed_exponents]
        return tuple(_named(found.scale_exponents, rates, subject))
    return tuple(_against(by_name["mup"].against, subject))


def to_lazy(judged: Sequence[Judged], subject: Subject) -> tuple[Change, ...]:
    """The same for laziness in every layer; none where no parametrisation is identified."""
    scheme = identified(judged, subject)
    if scheme is None:
        return ()
    shift = next(j.shift for j in judged if j.name == scheme.name)
    found = scheme_to_lazy(scheme)
    rates = [x - shift for x in found.speed_exponents]
    return tuple(_named(found.scale_exponents, rates, subject))


def identified(judged: Sequence[Judged], subject: Subject) -> Scheme | None:
    """The one parametrisation that is left, at the optimisers of its layers."""
    left = [each for each in judged if each.answer in ("supported", "undecided")]
    if len(left) != 1 or left[0].answer != "supported":
        return None
    layers = _layers(subject)
    names: list[Any] = [
        next((a.optimiser for a in subject.arrays if a.kind == kind and a.matrix), None)
        for kind in layers
    ]
    known = [each for each in names if each in ("sgd", "adam", "muon")]
    if not known or ("sgd" in known and set(known) != {"sgd"}):
        return None
    optimisers = [each if each in known else known[-1] for each in names]
    return named_scheme(left[0].name, depth=len(layers) - 1, input_dim=1, optimiser=optimisers)


def _layers(subject: Subject) -> tuple[str, ...]:
    """Kinds of layers that there are: no rate of hidden ones counts where there are none."""
    hidden = any(each.kind == "hidden" for each in subject.arrays)
    return tuple(kind for kind in KINDS if hidden or kind != "hidden")


def _named(scales: Sequence[float], rates: Sequence[float], subject: Subject) -> Iterator[Change]:
    for kind, scale, rate in zip(_layers(subject), scales, rates, strict=True):
        for each in subject.arrays:
            if each.kind != kind or not each.moved_at:
                continue
            if abs(scale) > 1e-9 and each.matrix and not each.zero:
                yield Change(f"initial weights of {each.called}", scale)
            if abs(rate) > 1e-9:
                yield Change(f"learning rate of {each.called}", rate)


def _against(against: Sequence[Evidence], subject: Subject) -> Iterator[Change]:
    """Factors for what contradicts muP. A readout that is too large comes first, since it moves others."""
    faults = {(each.fault, each.array): each.found for each in against}
    kinds = {each.fault for each in against}
    last = subject.readouts
    if "start" in kinds:
        yield from _of_readout(subject)
    for k, each in enumerate(subject.arrays):
        if ("rate", k) in faults:
            whole = subject.exponents.own_of_kind[KINDS.index(each.kind)]
            yield from _factor(f"learning rate of {each.called}", faults["rate", k], whole)
        elif k in last and "start" not in kinds and ("reach", k) in faults:
            found = faults["reach", k]
            yield from _factor(f"learning rate of {each.called}", found, found)
        if ("decay", k) in faults:
            found = faults["decay", k]
            yield from _factor(f"weight decay of {each.called}", found, found)
    if "scores" in kinds and "rate" not in kinds:
        yield Change("scale of attention", -0.5)
    slow = any(each.fault == "reach" and each.array not in last for each in against)
    if slow and not kinds & {"start", "rate"}:
        power = exact(subject.exponents.reach_of_kind[KINDS.index("hidden")])
        if power is not None and power < 0:
            yield Change("what the blocks are added to (embedding, residual stream)", power)


def _of_readout(subject: Subject) -> Iterator[Change]:
    """What kappa says of the readout; its step sees a multiplier too, but not the initial weights."""
    power = exact(subject.exponents.kappa)
    if power is None or power == 0:
        return
    falling = [
        each.called
        for each, size in zip(subject.arrays, subject.exponents.size, strict=True)
        if not each.matrix and each.kind == "input" and exact(size) == _OF_FAN_IN
    ]
    if power < 0 and falling:  # what the readout reads is smaller, not the readout
        yield from (Change(f"initial values of {name}", -_OF_FAN_IN) for name in falling)
        return
    first = subject.readouts[0]
    p = 2 if subject.arrays[first].optimiser == "sgd" else 1
    low, high = subject.exponents.reach[first].interval
    multiplied, drawn = (low - MARGIN <= x <= high + MARGIN for x in (p * power, 0.0))
    what = "multiplier" if multiplied and not drawn else "initial weights"
    what = "initial weights, or multiplier," if multiplied and drawn else what
    names = " and ".join(subject.arrays[k].called for k in subject.readouts)
    yield Change(f"{what} of {names}", -power)


def _factor(what: str, found: ExponentEstimate, whole: ExponentEstimate) -> Iterator[Change]:
    """The power of its kind where its own interval allows that, else its own."""
    low, high = found.interval
    power = exact(whole)
    if power is None or not low - MARGIN <= power <= high + MARGIN:
        power = exact(found)
    if power is not None and power != 0:
        yield Change(what, -power)
