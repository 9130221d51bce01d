"""What do the exponents of a training say about a parametrisation, and what would change it?

A parametrisation is a list of exponents that measured ones should have. An interval contradicts one where
it lies outside of what is expected by more than `MARGIN`, which finite widths alone can make, and by more
than a quarter of its own length, since the widest of a dozen intervals may miss by so much (few seeds,
widths close to each other). It supports it where it lies within half a power of it, the distance of
familiar parametrisations.

Layers of a kind show their exponent u_l twice: what they write changes like m^(u_l + (p - 1) rho), and what
their step takes off the loss like m^(u_l + p rho), which are rho apart, and kappa shows rho. So where the
interval of kappa leaves no neighbour, either of the two settles the kind; the middle of the other has to be
near all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from lazyscope.measure import ExponentEstimate
from lazyscope.study.coordinates._verdict import KINDS, SCHEMES, clear_side
from lazyscope.study.coordinates.trained._exponents import TrainedArray, TrainedExponents
from lazyscope.study.coordinates.trained._parametrisations import (
    Expected,
    expected_exponents,
)

APART = 0.75
NEAR = 0.35
_OF_HEADS = -0.5
"""Of random queries and keys over their number of units, as 1/d leaves it."""
LAYERS = {"input": "input layers", "hidden": "hidden layers", "readout": "the readout"}
_MOVING = ("sgd", "adam", "muon")
Side = Literal["both", "above"]


class Evidence(NamedTuple):
    """One exponent beside what a parametrisation says of it.

    Attributes:
        about: what it is the exponent of, in words.
        fault: what is wrong where it is contradicted, in a word.
        array: number of the array, -1 for none.
        found: as it was measured.
        wanted: the exponent of the parametrisation.
        side: ``above`` where only a larger one would contradict it.
        rate: whether it grows with the learning rate, so that a common factor moves it.
        shows: the exponent that is open until an interval excludes its neighbours: ``rho``, or that of
            layers of a kind; empty for single arrays, of which the middle is enough, since those of a
            kind decide together.
    """

    about: str
    fault: str
    array: int
    found: ExponentEstimate
    wanted: float
    side: Side = "both"
    rate: bool = False
    shows: str = ""

    def contradicts(self, shift: float = 0.0) -> bool:
        """Whether its interval lies outside of what is wanted."""
        side = clear_side(self.found, self.wanted + shift)
        return side > 0 or (self.side == "both" and side < 0)

    def near(self, shift: float = 0.0) -> bool:
        """Whether its middle is where it should be rather than at a neighbour."""
        gap = self.found.exponent - self.wanted - shift
        return gap < NEAR and (self.side == "above" or gap > -NEAR)

    def settles(self, shift: float = 0.0) -> bool:
        """Whether its interval leaves no room for a neighbour."""
        low, high = self.found.interval
        wanted = self.wanted + shift
        return high < wanted + APART and (self.side == "above" or low > wanted - APART)


class Subject(NamedTuple):
    """What is judged.

    Attributes:
        arrays: that are trained.
        exponents: of them.
        heads_grow: whether data are multiplied with data over more and more units.
    """

    arrays: tuple[TrainedArray, ...]
    exponents: TrainedExponents
    heads_grow: bool

    @property
    def readouts(self) -> list[int]:
        """Numbers of the arrays that alone write the output."""
        return [k for k, each in enumerate(self.arrays) if each.kind == "readout"]

    @property
    def zero_readout(self) -> bool:
        """Whether there is a readout, which starts at zero."""
        return bool(self.readouts) and all(self.arrays[k].zero for k in self.readouts)


def evidence_of(name: str, subject: Subject) -> tuple[Evidence, ...] | None:
    """Everything that was measured and that a parametrisation says something of; None where it cannot.

    Of muP it says something under any optimiser; of others the table knows gradient descent, steps of
    signs, and orthogonal ones.
    """
    expected = _expected(name, subject)
    if expected is None:
        return None
    found = [
        *_of_kinds(expected, subject),
        *_of_arrays(expected, subject, only_first=name != "mup"),
    ]
    if expected.rho is not None and subject.readouts:
        kappa, last = subject.exponents.kappa, subject.readouts[0]
        found.append(Evidence("kappa", "start", last, kappa, expected.rho, shows="rho"))
    if name == "mup":
        found += _of_mup(subject)
    return tuple(each for each in found if _known(each.found))


def _expected(name: str, subject: Subject) -> Expected | None:
    zero = subject.zero_readout
    if name == "mup":
        return expected_exponents("mup", ("sgd",) * len(KINDS), zero_readout=zero)
    by_kind: Mapping[str, set[str]] = {
        kind: {each.optimiser for each in subject.arrays if each.kind == kind and each.matrix}
        for kind in KINDS
    }
    if any(len(each) > 1 for each in by_kind.values()) or not subject.readouts:
        return None
    names = [next(iter(by_kind[kind]), None) for kind in KINDS]
    known = [each for each in names if each is not None]
    if not set(known) <= set(_MOVING) or ("sgd" in known and set(known) != {"sgd"}):
        return None
    return expected_exponents(name, [each or known[-1] for each in names], zero_readout=zero)


def _of_kinds(expected: Expected, subject: Subject) -> Iterator[Evidence]:
    """Layers of a kind together, which decide; what contradicts is said by its arrays as well."""
    exponents = subject.exponents
    late = {
        kind: any(a.kind == kind and a.gated and a.optimiser == "sgd" for a in subject.arrays)
        for kind in KINDS
    }
    for k, kind in enumerate(KINDS):
        if kind in expected.own:
            about = f"the change that {LAYERS[kind]} make in what they write"
            side: Side = "above" if late[kind] else "both"
            own = exponents.own_of_kind[k]
            yield Evidence(about, "kind", -1, own, expected.own[kind], side, rate=True, shows=kind)
        about = f"what a step of {LAYERS[kind]} takes off the loss"
        reach = exponents.reach_of_kind[k]
        yield Evidence(about, "kind", -1, reach, expected.reach[kind], rate=True, shows=kind)


def _of_arrays(expected: Expected, subject: Subject, *, only_first: bool) -> Iterator[Evidence]:
    arrays, exponents = subject.arrays, subject.exponents
    first = min((each.moved_at for each in arrays if each.moved_at), default=1)
    first += subject.zero_readout
    for k, each in enumerate(arrays):
        late = only_first and each.moved_at > first
        if not each.moved_at or each.kind not in KINDS:
            continue
        if each.kind in expected.own and not each.zero:
            side: Side = "above" if each.gated and each.optimiser == "sgd" else "both"
            about = f"the change that {each.called} makes in what it writes"
            found = exponents.own[k]
            yield Evidence(about, "rate", k, found, expected.own[each.kind], side, rate=True)
        if not late:
            about = f"what a step of {each.called} takes off the loss"
            side = "above" if each.gated else "both"
            found = exponents.reach[k]
            yield Evidence(about, "reach", k, found, expected.reach[each.kind], side, rate=True)


def _of_mup(subject: Subject) -> Iterator[Evidence]:
    """What muP says beyond its layers: outputs, attention, decay."""
    exponents = subject.exponents
    change = exponents.output_change
    yield Evidence("the change of the outputs", "output", -1, change, 0.0, "above")
    if not subject.readouts:
        yield Evidence("the outputs at the start", "output", -1, exponents.output, 0.0, "above")
    start = _OF_HEADS if subject.heads_grow else 0.0
    for k, (scores, moved) in enumerate(zip(exponents.scores, exponents.score_change, strict=True)):
        place = f"softmax {k + 1}" if len(exponents.scores) > 1 else "the softmax"
        about = f"what goes into {place} at the start"
        yield Evidence(about, "scores", -1, scores, start, "above")
        about = f"the change of what goes into {place}"
        yield Evidence(about, "scores", -1, moved, 0.0, "above")
    for k, each in enumerate(subject.arrays):
        if each.kind in KINDS and each.matrix:
            about = f"the weight decay of {each.called} in one step"
            yield Evidence(about, "decay", k, exponents.decay[k], 0.0)


def _known(found: ExponentEstimate) -> bool:
    return all(abs(end) < 1e6 for end in found.interval)


class Judged(NamedTuple):
    """How one parametrisation stands.

    Attributes:
        name: of it.
        answer: ``supported``, ``contradicted``, ``undecided``; or ``unknown`` for this optimiser.
        shift: exponent of a factor common to all learning rates; zero for muP.
        against: what contradicts it.
        open: what leaves room for a neighbour.
    """

    name: str
    answer: Literal["supported", "contradicted", "undecided", "unknown"]
    shift: float
    against: tuple[Evidence, ...]
    open: tuple[Evidence, ...]


def judge(name: str, subject: Subject) -> Judged:
    """One parametrisation, at its best common factor of learning rates; of muP at one."""
    evidence = evidence_of(name, subject)
    if evidence is None:
        return Judged(name, "unknown", 0.0, (), ())
    shift = 0.0 if name == "mup" or subject.zero_readout else common_factor(evidence)
    against = tuple(e for e in evidence if e.contradicts(shift * e.rate))
    left = _open(evidence, shift)
    complete = not unmoved_kinds(subject) and any(e.rate for e in evidence)
    answer = "contradicted" if against else "supported" if complete and not left else "undecided"
    return Judged(name, answer, shift, against, left)


def unmoved_kinds(subject: Subject) -> list[str]:
    """Kinds of layers that are trained and that no gradient has moved yet."""
    moved = {each.kind for each in subject.arrays if each.moved_at}
    return [
        kind
        for kind in KINDS
        if kind not in moved and any(a.kind == kind and a.matrix for a in subject.arrays)
    ]


def _open(evidence: Sequence[Evidence], shift: float) -> tuple[Evidence, ...]:
    """What leaves room for a neighbour, and is not settled by what shows the same exponent."""
    settled = {
        e.shows for e in evidence if e.shows and e.side == "both" and e.settles(shift * e.rate)
    }
    known = settled if "rho" in settled else set[str]()

    def is_open(e: Evidence) -> bool:
        left = bool(e.shows) and not e.settles(shift * e.rate) and e.shows not in known
        return left or not e.near(shift * e.rate)

    return tuple(e for e in evidence if is_open(e))


def common_factor(evidence: Sequence[Evidence]) -> float:
    """The one power that brings most of what grows with the learning rate to where it should be."""
    gaps = [e.found.exponent - e.wanted for e in evidence if e.rate and e.side == "both"]
    if not gaps:
        return 0.0
    quarters = [round(4 * gap) / 4 for gap in gaps]
    return max(sorted(set(quarters), key=abs), key=quarters.count)


def judge_all(subject: Subject) -> tuple[Judged, ...]:
    """All parametrisations that are told apart."""
    return tuple(judge(name, subject) for name in SCHEMES)
