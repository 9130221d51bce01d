"""What does a coordinate check know in the end, and how does it say it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

from jaxtyping import Float
from numpy import ndarray

from lazyscope._plain import plain
from lazyscope._result import AbstractResult
from lazyscope.measure import ExponentEstimate
from lazyscope.study.coordinates._layers import Layer
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
class CoordinateCheck(AbstractResult):
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
