"""What does a coordinate check know in the end, and how does it say it?"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

from jaxtyping import Float
from numpy import ndarray

from lazyscope._checks import check_choice
from lazyscope._estimate import Answer
from lazyscope._plain import plain
from lazyscope._result import AbstractResult
from lazyscope.measure import ExponentEstimate
from lazyscope.study._protocol import stated
from lazyscope.study.coordinates._layers import Layer
from lazyscope.study.coordinates._rate import RateTransfer, Step, rate_transfer
from lazyscope.study.coordinates._verdict import (
    SCHEMES,
    Change,
    Exponents,
    changes_to_lazy,
    changes_to_mup,
    consistent_schemes,
    layer_regime,
    predicted_displacement,
    regime,
)
from lazyscope.study.coordinates.page._format import FORMAT

SCHEME_NAMES = {"ntk": "NTK", "standard": "standard", "mup": "muP"}


class AbstractCheck(AbstractResult):
    """What every coordinate check answers."""

    __slots__ = ()

    @property
    @abstractmethod
    def sentence(self) -> str:
        """The answer in one or two sentences."""

    @property
    @abstractmethod
    def schemes(self) -> tuple[str, ...]:
        """Which of ntk, standard, mup are left."""

    @property
    @abstractmethod
    def rate_transfer(self) -> RateTransfer:
        """Whether one learning rate serves every width, and what shows it."""

    @abstractmethod
    def verdict(self, expected: str | None = None) -> dict[str, Any]:
        """``answer``, ``sentence``, ``remarks``, ``supported``, as studies store it."""

    def assert_is(self, expected: str, *, undecided: bool = False) -> None:
        """One line for a test: passes where the network has the expected parametrisation.

        Args:
            expected: ``mup``, ``standard`` or ``ntk``.
            undecided: let intervals that leave it open pass.

        Raises:
            AssertionError: it has not, or the intervals leave it open; the message says why and what to
                change.
        """
        found = self.verdict(expected)
        if found["answer"] == "supported" or (undecided and found["answer"] == "undecided"):
            return
        raise AssertionError(" ".join([found["sentence"], *found["remarks"]]))

    def quantities(self) -> dict[str, Any]:
        """The answer, and the fields."""
        said = {"sentence": self.sentence, "rate_transfer": self.rate_transfer.sentence}
        return {**said, "schemes": self.schemes, **super().quantities()}


def changes_words(title: str, changes: Sequence[Change]) -> str:
    """What to change, in a sentence."""
    parts = [f"{each.what} times m^{each.exponent:g}" for each in changes]
    return f"{title} (m: width): {'; '.join(parts)}."


class Measured(NamedTuple):
    """What was measured of every run.

    Attributes:
        kappa: sqrt(m) rms(w) sqrt(share) of the readout.
        speed: rate times share over kappa^2, of every layer: s_l / alpha_l^2 times a limit.
        displacement: |dw| / |w| of every layer after the steps: operator norm for hidden layers,
            Frobenius norm for others, where both have one exponent.
        output_change: |dh| / |h| of what the layer puts out.
        output: rms of the network's outputs at the start.
        kernel: mean diagonal of the layers' kernel weighed with the rates, at the start.
        loss_fraction: loss after the steps over loss before.
    """

    kappa: Float[ndarray, "W S"]
    speed: Float[ndarray, "layers W S"]
    displacement: Float[ndarray, "layers W S"]
    output_change: Float[ndarray, "layers W S"]
    output: Float[ndarray, "W S"]
    kernel: Float[ndarray, "W S"]
    loss_fraction: Float[ndarray, "W S"]


@final
@dataclass(frozen=True, repr=False)
class CoordinateCheck(AbstractCheck):
    """A network at several widths, with exponents and what follows from them.

    Attributes:
        widths, seeds, steps, num_points: what was run.
        layers: the layers, from the data to the output, the readout last.
        measured: every run.
        exponents: of kappa, of the weighed kernel (the largest stable learning rate has the opposite
            one), and of every layer's speed, displacement and change of output.
        versions: of the packages.
        notes: what a reader has to know, one sentence each, such as why no readout is named.
    """

    widths: tuple[int, ...]
    seeds: int
    steps: int
    num_points: int
    layers: tuple[Layer, ...]
    measured: Measured
    exponents: Exponents
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def readout(self) -> tuple[str, ...]:
        """Names of the layers that alone write the output; none where kappa is that of no layer."""
        return tuple(layer.name for layer in self.layers if layer.kind == "readout")

    @property
    def regime(self) -> str:
        """``theta-lazy``, ``critical``, ``partially-lazy``, ``condensed`` or ``undecided``, by kappa."""
        return regime(self.exponents, self.layers)

    @property
    def layer_regimes(self) -> tuple[str, ...]:
        """``lazy``, ``order-one``, ``condensed`` or ``undecided``, by the measured displacement."""
        return tuple(layer_regime(found) for found in self.exponents.displacement)

    @property
    def predicted_displacement(self) -> tuple[float, ...]:
        """Displacement exponents by the law, from the fitted kappa and speeds."""
        return predicted_displacement(self.exponents, self.layers)

    @property
    def schemes(self) -> tuple[str, ...]:
        """Which of ntk, standard, mup the fitted intervals allow."""
        return consistent_schemes(self.exponents, self.layers)

    @property
    def rate_transfer(self) -> RateTransfer:
        """Whether one learning rate of plain descent serves every width, by the kernel at the start."""
        step = Step(
            "A learning rate of plain descent",
            "the tangent kernel, one over which is the largest stable rate,",
            self.exponents.kernel,
            self.exponents.kappa,
            is_mup=self.schemes == ("mup",),
            is_lazy=set(self.layer_regimes) == {"lazy"},
        )
        return rate_transfer(step, "width", self.widths)

    def verdict(self, expected: str | None = None) -> dict[str, Any]:
        """Whether the network has the expected parametrisation; without one, whether its regime is decided.

        An expected one is supported where it alone is left of those that the check tells apart,
        contradicted where it is ruled out, and undecided where others fit as well, or where there is no
        readout.

        Args:
            expected: ``mup``, ``standard`` or ``ntk``.

        Returns:
            ``answer``, ``sentence``, ``remarks``, ``supported``, as studies store it.

        Raises:
            InputError: another name.
        """
        if expected is None:
            answer: Answer = "undecided" if self.regime == "undecided" else "supported"
            return stated(answer, f"Its regime is {self.regime}. {self.sentence}")
        check_choice("expect", expected, tuple(SCHEME_NAMES))
        name = SCHEME_NAMES[expected]
        if not self.readout:
            return stated("undecided", f"Whether it is {name} cannot be said. {self.sentence}")
        if expected not in self.schemes:
            change = self.changes_to_mup if expected == "mup" else ()
            remarks = [changes_words("To become muP", change)] if change else []
            return stated("contradicted", f"It is not {name}. {self.sentence}", remarks)
        answer = "supported" if self.schemes == (expected,) else "undecided"
        return stated(answer, f"{name} fits. {self.sentence}")

    @property
    def changes_to_mup(self) -> tuple[Change, ...]:
        """What to multiply by which power of the width so that every layer moves at order one."""
        return changes_to_mup(self.exponents, self.layers)

    @property
    def changes_to_lazy(self) -> tuple[Change, ...]:
        """What to multiply by which power of the width so that training becomes lazy."""
        return changes_to_lazy(self.exponents, self.layers)

    @property
    def sentence(self) -> str:
        """The answer in one or two sentences."""
        if not self.readout:
            return f"No layer alone writes the output, so no parametrisation is named: {_movement(self)}."
        kappa = self.exponents.kappa
        low, high = kappa.interval
        found = f"kappa has the exponent {kappa.exponent:.2f} [{low:.2f}, {high:.2f}]"
        return f"{_parametrisation(self.schemes)}: {found}; {_movement(self)}."

    def to_json(self) -> dict[str, Any]:
        """Everything, as values that JSON can hold."""
        exponents = self.exponents
        rows = zip(
            self.layers,
            exponents.speed,
            exponents.displacement,
            exponents.output_change,
            self.predicted_displacement,
            self.layer_regimes,
            strict=True,
        )
        return plain(
            {
                "format": FORMAT,
                "widths": self.widths,
                "seeds": self.seeds,
                "steps": self.steps,
                "num_points": self.num_points,
                "kappa_exponent": _estimate(exponents.kappa),
                "stable_rate_exponent": _negated(exponents.kernel),
                "regime": self.regime,
                "schemes": self.schemes,
                "readout": self.readout,
                "notes": self.notes,
                "sentence": self.sentence,
                "rate_transfer": self.rate_transfer._asdict(),
                "layers": [
                    {
                        "name": layer.name,
                        "kind": layer.kind,
                        "relative_speed_exponent": _estimate(speed),
                        "displacement_exponent": _estimate(moved),
                        "predicted_displacement_exponent": predicted,
                        "output_change_exponent": _estimate(changed),
                        "regime": named,
                    }
                    for layer, speed, moved, changed, predicted, named in rows
                ],
                "to_become_mup": [change._asdict() for change in self.changes_to_mup],
                "to_become_lazy": [change._asdict() for change in self.changes_to_lazy],
                "measured": self.measured._asdict(),
                "versions": dict(self.versions),
            }
        )


def _estimate(found: ExponentEstimate) -> dict[str, Any]:
    said = {"exponent": found.exponent, "interval": found.interval, "note": found.note}
    return said | found.evidence()


def _negated(found: ExponentEstimate) -> dict[str, Any]:
    low, high = found.interval
    return {"exponent": -found.exponent, "interval": (-high, -low), "note": found.note}


def _parametrisation(schemes: Sequence[str]) -> str:
    names = [SCHEME_NAMES[name] for name in schemes]
    every = [SCHEME_NAMES[name] for name in SCHEMES]
    if len(names) == 1:
        return f"Of {', '.join(every[:-1])} and {every[-1]}, only {names[0]} fits this network"
    if names:
        return (
            f"This network fits {', '.join(names[:-1])} and {names[-1]}, which were not told apart"
        )
    return f"This network fits none of {', '.join(every[:-1])} and {every[-1]}"


def _movement(check: CoordinateCheck) -> str:
    kinds: dict[str, list[str]] = {}
    for layer, name in zip(check.layers, check.layer_regimes, strict=True):
        if layer.kind == "fixed":
            continue
        kinds.setdefault(name, []).append(layer.name)
    words = {
        "lazy": "less and less as the width grows",
        "order-one": "at order one at every width",
        "condensed": "more and more as the width grows",
        "undecided": "in a way that the intervals leave open",
    }
    if len(kinds) == 1:
        return f"every layer moves {words[next(iter(kinds))]}"
    parts = [
        f"{' and '.join(names)} {'moves' if len(names) == 1 else 'move'} {words[kind]}"
        for kind, names in kinds.items()
    ]
    return "; ".join(parts)
