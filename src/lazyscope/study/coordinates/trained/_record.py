"""What does a check of a training know in the end, and how does it say it?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from lazyscope._checks import check_choice
from lazyscope._plain import plain
from lazyscope.measure import ExponentEstimate
from lazyscope.study._protocol import stated
from lazyscope.study.coordinates._rate import RateTransfer, Step, rate_transfer, wider
from lazyscope.study.coordinates._record import SCHEME_NAMES, AbstractCheck, changes_words
from lazyscope.study.coordinates._settings import not_of_widths
from lazyscope.study.coordinates._verdict import KINDS, MARGIN, Change
from lazyscope.study.coordinates.page._format import TRAINED_FORMAT
from lazyscope.study.coordinates.trained._advice import to_lazy, to_mup
from lazyscope.study.coordinates.trained._exponents import (
    OF_ALL,
    OF_ARRAYS,
    OF_KINDS,
    OF_RATIOS,
    OF_SCORES,
    OF_SUMS,
    TrainedArray,
    TrainedExponents,
    TrainedMeasured,
)
from lazyscope.study.coordinates.trained._verdict import (
    APART,
    LAYERS,
    NEAR,
    Judged,
    Subject,
    judge_all,
    unmoved_kinds,
)

Movement = Literal["lazy", "order-one", "too fast", "undecided", "not moved"]
_WORDS = {
    "lazy": "less and less",
    "order-one": "at order one",
    "too fast": "more and more",
    "undecided": "in a way that the intervals leave open",
    "not moved": "not at all",
}


@final
@dataclass(frozen=True, repr=False)
class TrainedCheck(AbstractCheck):
    """Networks along an axis, trained as their user trains them, with exponents and what follows.

    Attributes:
        axis: what the sizes are of, ``width`` as a rule.
        widths: its values.
        seeds, steps, num_points: what was run.
        training: who trained, in words.
        loss_name: by which loss.
        arrays: every array that is trained.
        measured: every run.
        exponents: of it.
        heads_grow: whether data are multiplied with data over more and more units, as where the size of
            heads of attention grows.
        versions: of the packages.
        notes: what a reader has to know, one sentence each.
    """

    axis: str
    widths: tuple[int, ...]
    seeds: int
    steps: int
    num_points: int
    training: str
    loss_name: str
    arrays: tuple[TrainedArray, ...]
    measured: TrainedMeasured
    exponents: TrainedExponents
    heads_grow: bool
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Every known parametrisation for this optimiser; none along another axis than the width."""
        return judge_all(self._subject) if self.axis == "width" else ()

    @property
    def schemes(self) -> tuple[str, ...]:
        """Which of ntk, standard, mup are not contradicted."""
        return tuple(j.name for j in self.judged if j.answer in ("supported", "undecided"))

    @property
    def movements(self) -> tuple[Movement, ...]:
        """How every array moves as the axis grows, by the change that it makes in what it writes."""
        return tuple(_movement(array, _estimate_of(self, k)) for k, array in enumerate(self.arrays))

    @property
    def changes_to_mup(self) -> tuple[Change, ...]:
        """What to multiply by which power of the width so that every layer moves at order one."""
        return to_mup(self.judged, self._subject) if self.judged else ()

    @property
    def changes_to_lazy(self) -> tuple[Change, ...]:
        """What to multiply by which power so that every layer is lazy; of an identified one only."""
        return to_lazy(self.judged, self._subject) if self.judged else ()

    @property
    def next_widths(self) -> tuple[int, ...]:
        """Values of the axis that would narrow the open intervals enough; none where nothing is open."""
        left = [e for j in self.judged if j.answer == "undecided" for e in j.open]
        if not left:
            return ()
        half = max(e.found.interval[1] - e.found.interval[0] for e in left) / 2
        return wider(self.widths, half, APART / 2)

    @property
    def rate_transfer(self) -> RateTransfer:
        """Whether the learning rate serves every value of the axis, by what the first steps do."""
        exponents = self.exponents
        scores = exponents.score_change
        names = [f"the change of what goes into softmax {k}" for k in range(1, len(scores) + 1)]
        moved = {moved for moved in self.movements if moved != "not moved"}
        step = Step(
            "The learning rate",
            "what a step takes off the loss, as a share of it,",
            exponents.reach_of_all,
            exponents.kappa,
            (
                ("the change of the outputs", exponents.output_change),
                *zip(names, scores, strict=True),
            ),
            is_mup=any(j.name == "mup" and j.answer == "supported" for j in self.judged),
            is_lazy=moved == {"lazy"},
        )
        return rate_transfer(step, self.axis, self.widths)

    def verdict(self, expected: str | None = None) -> dict[str, Any]:
        """Whether the network has the expected parametrisation; without one, whether any is identified.

        Args:
            expected: ``mup``, ``standard`` or ``ntk``.

        Returns:
            ``answer``, ``sentence``, ``remarks``, ``supported``, as studies store it.

        Raises:
            InputError: another name, or a parametrisation of the width along another axis.
        """
        if expected is None:
            known = [j for j in self.judged if j.answer == "supported"]
            alone = len(known) == 1 and len(self.schemes) == 1
            settled = alone or (bool(self.judged) and not self.schemes) or not self.judged
            told = f"Which parametrisation it has is {'decided' if settled else 'open'}. "
            sentence = f"{told if self.judged else ''}{self.sentence}"
            return stated("supported" if settled else "undecided", sentence, self._remarks())
        check_choice("expect", expected, tuple(SCHEME_NAMES))
        if not self.judged:
            raise not_of_widths(expected, self.axis)
        judged = next(j for j in self.judged if j.name == expected)
        name = SCHEME_NAMES[expected]
        if judged.answer == "contradicted":
            return stated(
                "contradicted", f"It is not {name}: {self._because(judged)}", self._remarks()
            )
        others = [SCHEME_NAMES[s] for s in self.schemes if s != expected]
        if judged.answer == "supported" and not others:
            return stated("supported", f"{name} fits. {self.sentence}", self._remarks())
        if judged.answer == "unknown":
            sentence = f"No exponents of {name} are known for this optimiser. {self.sentence}"
            return stated("undecided", sentence, self._remarks())
        what = f"{', '.join(others)} fit as well" if others else _open_words(judged)
        more = f"Take the widths {', '.join(map(str, self.next_widths))}, or more seeds."
        more = more if self.next_widths else "Take larger widths, or more seeds."
        still = unmoved_kinds(self._subject)
        if still:
            steps = f"{self.steps} steps" if self.steps > 1 else "one step"
            what = f"in {steps} no gradient moved {_few([LAYERS[kind] for kind in still])}"
            more = "Take more steps."
        return stated("undecided", f"{name} may fit: {what}. {more}", self._remarks())

    @property
    def sentence(self) -> str:
        """The answer in one or two sentences."""
        moved = _movements(self)
        if not self.judged:
            return f"Along the axis {self.axis}, {moved}."
        known = [SCHEME_NAMES[s] for s in self.schemes]
        every = [SCHEME_NAMES[j.name] for j in self.judged if j.answer != "unknown"]
        one = [j for j in self.judged if j.answer in ("supported", "undecided")]
        rate = ""
        if len(one) == 1 and one[0].shift:
            rate = f" (with one factor m^{one[0].shift:g} on all learning rates)"
        said = (
            f"{known[0]} fits{rate}, the only one that is known for this optimiser"
            if len(known) == len(every) == 1
            else f"Of {', '.join(every)}, only {known[0]} fits{rate}"
            if len(known) == 1
            else f"{' and '.join(known)} fit, which were not told apart"
            if known
            else f"None of {', '.join(every)} fits"
            if len(every) > 1
            else f"{every[0]}, the only one that is known for this optimiser, does not fit"
        )
        return f"{said}; {moved}."

    def to_json(self) -> dict[str, Any]:
        """Everything, as values that JSON can hold."""
        exponents = self.exponents
        return plain(
            {
                "format": TRAINED_FORMAT,
                "axis": self.axis,
                "widths": self.widths,
                "seeds": self.seeds,
                "steps": self.steps,
                "num_points": self.num_points,
                "training": self.training,
                "loss": self.loss_name,
                "heads_grow": self.heads_grow,
                "notes": self.notes,
                "sentence": self.sentence,
                "rate_transfer": self.rate_transfer._asdict(),
                "schemes": self.schemes,
                "judged": [
                    {
                        "name": j.name,
                        "answer": j.answer,
                        "rate_exponent": j.shift,
                        "against": [
                            f"{e.about}: {_said(e.found)} for {e.wanted:g}" for e in j.against
                        ],
                        "open": [e.about for e in j.open],
                    }
                    for j in self.judged
                ],
                "arrays": [
                    {
                        **array._asdict(),
                        "movement": moved,
                        **{
                            f"{name}_exponent": _estimate(getattr(exponents, name)[k])
                            for name in (*OF_ARRAYS, *OF_RATIOS)
                        },
                    }
                    for k, (array, moved) in enumerate(
                        zip(self.arrays, self.movements, strict=True)
                    )
                ],
                **{
                    f"{name}_exponent": _estimate(getattr(exponents, name))
                    for name in (*OF_ALL, *OF_SUMS)
                },
                **{
                    f"{name}_exponents": [_estimate(each) for each in getattr(exponents, name)]
                    for name in (*OF_SCORES, *OF_KINDS)
                },
                "to_become_mup": [change._asdict() for change in self.changes_to_mup],
                "to_become_lazy": [change._asdict() for change in self.changes_to_lazy],
                "next_widths": self.next_widths,
                "diverged": self.diverged,
                "measured": self.measured._asdict(),
                "versions": dict(self.versions),
            }
        )

    @property
    def diverged(self) -> tuple[int, ...]:
        """How many runs of every width ended with a loss that is not finite."""
        lost = ~np.isfinite(self.measured.loss).all(axis=-1)
        return tuple(int(k) for k in lost.sum(axis=1))

    @property
    def _subject(self) -> Subject:
        return Subject(self.arrays, self.exponents, self.heads_grow)

    def _because(self, judged: Judged) -> str:
        worst = sorted(judged.against, key=lambda e: -abs(e.found.exponent - e.wanted))[:3]
        told = [
            f"{e.about} has the exponent {_said(e.found)} for {e.wanted + judged.shift * e.rate:g}"
            for e in worst
        ]
        more = len(judged.against) - len(worst)
        return "; ".join(told) + (f"; and {more} more." if more else ".")

    def _remarks(self) -> list[str]:
        return [changes_words("To become muP", self.changes_to_mup)] if self.changes_to_mup else []


def _estimate_of(check: TrainedCheck, k: int) -> ExponentEstimate:
    """What says how an array moves: its own change; of readouts and zeros what it takes off the loss.

    Arrays that come and go along the axis, as blocks do, count by what they take off it together: each may
    move less and less and all of them at order one.
    """
    array, exponents = check.arrays[k], check.exponents
    many = "*" in array.name
    by_reach = array.kind in ("readout", "output") or array.zero or not array.matrix or many
    own = exponents.own[k]
    return exponents.reach[k] if by_reach or not all(map(math.isfinite, own.interval)) else own


def _movement(array: TrainedArray, found: ExponentEstimate) -> Movement:
    if not array.moved_at:
        return "not moved"
    low, high = found.interval
    near = abs(found.exponent) < NEAR and low <= MARGIN and high >= -MARGIN
    if near and low > -APART and high < APART:
        return "order-one"
    return "lazy" if high < 0 else "too fast" if low > 0 else "undecided"


def _movements(check: TrainedCheck) -> str:
    kinds: dict[str, list[str]] = {}
    if check.axis == "width":
        exponents = check.exponents
        for k, kind in enumerate(KINDS):
            known = [a for a in check.arrays if a.kind == kind]
            own = [a for a in known if a.matrix and not a.zero and kind != "readout"]
            found = (exponents.own_of_kind if own else exponents.reach_of_kind)[k]
            if known:
                kinds.setdefault(_movement(known[0], found), []).append(LAYERS[kind])
    if (
        not kinds
    ):  # another axis, or adapters, tables at both ends and vectors, which are none of these layers
        each = [*zip(check.arrays, check.movements, strict=True)]
        grown = [pair for pair in each if pair[0].kind != "fixed"]
        for array, name in [pair for pair in grown if pair[0].matrix] or grown or each:
            kinds.setdefault(name, []).append(array.called)
    several = (LAYERS["input"], LAYERS["hidden"])
    parts = [
        f"{_few(names)} {'move' if len(names) > 1 or names[0] in several else 'moves'} {_WORDS[kind]}"
        for kind, names in kinds.items()
    ]
    return "; ".join(parts) if len(parts) > 1 else f"all layers move {_WORDS[next(iter(kinds))]}"


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _open_words(judged: Judged) -> str:
    if not judged.open:
        return "no array that it says something of was measured"
    return f"the interval of {judged.open[0].about} is {_said(judged.open[0].found)}"


def _said(found: ExponentEstimate) -> str:
    low, high = found.interval
    return f"{found.exponent:.2f} [{low:.2f}, {high:.2f}]"


def _estimate(found: ExponentEstimate) -> dict[str, Any]:
    return {"exponent": found.exponent, "interval": found.interval, "note": found.note}
