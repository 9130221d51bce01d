"""What does a study of the theorem run, by default and at most?"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias, final, get_args

from lazyscope._checks import InputError, check_choice, check_count, check_fraction, check_positive
from lazyscope._entry import check_fields
from lazyscope.data import Dataset, TargetKind
from lazyscope.experiment import (
    FINE_RECORDS,
    Value,
    default_settings,
    run_data,
    scaled_network,
    spread,
    spread_names,
)
from lazyscope.measure import MIN_THRESHOLD_WIDTHS
from lazyscope.model import AbstractNetwork, activation_names, architecture
from lazyscope.scaling import (
    Scheme,
    for_residual_networks,
    named_scheme,
    network_regime,
    scheme_names,
    scheme_parameters,
)
from lazyscope.sweep import SweepDesign

RECORD = ("displacement", "loss_curve", "rates")

Kind: TypeAlias = Literal["scheme", "spread"]

_MIN_WIDTHS, _MIN_SEEDS, _MIN_KAPPAS = 3, 2, 4


class TheoremCell(NamedTuple):
    """One run: a named scheme at its own kappa, or a spread of a given one."""

    kind: Kind
    name: str
    kappa: float | None
    width: int
    seed: int


@final
@dataclass(frozen=True)
class TheoremSettings:
    """What the study of the theorem runs; the defaults are those of dense networks, see `theorem_settings`.

    Attributes:
        model: architecture whose limit is known: dense, convolution, residual or residual-convolution.
        data: source of the points; see `lazyscope.data.load_dataset`.
        num_points: training points.
        target: kind of target: classes, parity or value; parity has one output.
        schemes: named parametrisations, each at its own kappa.
        widths: widths of the runs of `schemes`.
        spreads: ways to spread kappa over the layers; see `lazyscope.experiment.spread`.
        kappas: initial scales of the spreads, four or more. They are trained centred (f minus its
            start), so that kappa alone varies: otherwise a network at large kappa first has to remove
            its own output, of size kappa/sqrt(m). The named schemes are trained as they are.
        threshold_widths: widths of the runs of `spreads`, at least 3: with fewer, nobody could tell
            whether a threshold settles.
        seeds: seeds of every run.
        kernel_seeds: networks drawn per width, without training, to see K(0) approach its limit.
        depth: hidden layers, or convolutions.
        activation: nonlinearity.
        stop: fraction of the initial loss that counts as zero.
        kept: share of a rate that counts as keeping it; 1/2 as in proofs of such theorems.
        tolerated: share of failing runs that a threshold still calls success. Runs of three seeds
            resolve a fifth; for less, raise `seeds` too.
        tolerance: tolerance of the exponential flow; times are within a few per cent at the default.
        max_steps: steps tried at most in a run.
        data_seed: seed that chooses the points.
    """

    model: str = "dense"
    data: str = "digits"
    num_points: int = 32
    target: str | None = "parity"
    schemes: tuple[str, ...] = ("ntk", "standard", "he", "balanced", "mup", "mean-field")
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024)
    spreads: tuple[str, ...] = field(default_factory=spread_names)
    kappas: tuple[float, ...] = (0.01, *(2.0**power for power in range(11)))
    threshold_widths: tuple[int, ...] = (64, 128, 256, 512)
    seeds: int = 3
    kernel_seeds: int = 12
    depth: int = 2
    activation: str = "relu"
    stop: float = 1e-4
    kept: float = 0.5
    tolerated: float = 0.2
    tolerance: float = 0.05
    max_steps: int = 5000
    data_seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
        check_choice("model", self.model, WITH_LIMIT)
        if self.target is not None:
            check_choice("target", self.target, get_args(TargetKind))
        check_count("num_points", self.num_points)
        for name in self.spreads:
            spread(name)
        for name in self.schemes:
            _check_complete(name)
        check_choice("activation", self.activation, activation_names())
        check_count("depth", self.depth)
        check_count(
            "seeds", self.seeds, minimum=_MIN_SEEDS, fix="use 3 or more: they are the error"
        )
        check_count("kernel seeds", self.kernel_seeds, minimum=6)
        check_count("max_steps", self.max_steps)
        check_fraction("stop fraction", self.stop)
        check_fraction("kept share", self.kept)
        check_fraction("tolerated share", self.tolerated)
        check_positive("tolerance", self.tolerance)
        for kappa in self.kappas:
            check_positive("kappa", kappa)
        _check_list("width", self.widths, _MIN_WIDTHS)
        _check_list("threshold width", self.threshold_widths, MIN_THRESHOLD_WIDTHS)
        _check_list("kappa", self.kappas, _MIN_KAPPAS)
        _check_list("spread", self.spreads, 1)
        _check_list("scheme", self.schemes, 1)
        for width in (*self.widths, *self.threshold_widths):
            check_count("width", width)
        if not self.lazy_schemes():
            raise _no_lazy(self.schemes)

    def lazy_schemes(self) -> tuple[str, ...]:
        """Those of the named schemes that are theta-lazy, which the theorem is about."""
        return tuple(name for name in self.schemes if self.exponents(name)[1] == "theta-lazy")

    def exponents(self, name: str) -> tuple[float, str]:
        """The exponent rho of kappa of a named scheme in these networks, and their regime.

        A residual branch that vanishes with the width leaves the signal that goes around it: such a scale
        counts as one of order one.
        """
        scheme = named_scheme(name, depth=self.depth, input_dim=1, activation=self.activation)
        first, *inside, last = scheme.scale_exponents
        if architecture(self.model).has_branches:
            inside = [max(each, 0.0) for each in inside]
        scales = first, *inside, last
        return math.fsum(scales), str(network_regime(scales, scheme.speed_exponents))

    def cells(self) -> Iterator[TheoremCell]:
        """Every run, widest first."""
        seeds = range(self.seeds)
        for width in sorted({*self.widths, *self.threshold_widths}, reverse=True):
            if width in self.widths:
                for name, seed in product(self.schemes, seeds):
                    yield TheoremCell("scheme", name, None, width, seed)
            if width in self.threshold_widths:
                for name, kappa, seed in product(self.spreads, self.kappas, seeds):
                    yield TheoremCell("spread", name, kappa, width, seed)

    def designs(self) -> dict[str, SweepDesign]:
        """The runs: of named schemes at their own kappa, and of spreads of given ones."""
        named = {"scheme": self.schemes, "width": self.widths}
        spread_out = {
            "spread": self.spreads,
            "kappa": self.kappas,
            "width": self.threshold_widths,
        }
        return {
            "schemes": self._design("schemes", named, centred=False),
            "spreads": self._design("spreads", spread_out, centred=True),
        }

    def _design(self, name: str, axes: dict[str, Any], *, centred: bool) -> SweepDesign:
        seeds = {"seed": range(self.seeds)}
        fixed = {**self._fixed(), "centred": centred}
        return SweepDesign(
            name=f"theorem-{name}", axes={**axes, **seeds}, fixed=fixed, record=RECORD
        )

    def points(self) -> Dataset:
        """The points of every run."""
        return run_data({**default_settings(), **self._fixed()})

    def _fixed(self) -> dict[str, Value]:
        named = (
            "model",
            "data",
            "num_points",
            "depth",
            "activation",
            "stop",
            "tolerance",
            "max_steps",
        )
        given = {name: getattr(self, name) for name in (*named, "data_seed")}
        if self.target is not None:
            given["target"] = self.target
        return {**given, "num_records": FINE_RECORDS}

    def network(self, data: Dataset, cell: TheoremCell) -> tuple[AbstractNetwork, Scheme]:
        """The network of a run on these points, with its scales and speeds."""
        own: dict[str, Value] = {"width": cell.width, "seed": cell.seed}
        if cell.kappa is None:
            own["scheme"] = cell.name
        else:
            own |= {"spread": cell.name, "kappa": cell.kappa}
        return scaled_network({**default_settings(), **self._fixed(), **own}, data)


WITH_LIMIT = ("dense", "convolution", "residual", "residual-convolution")
"""Architectures that have a composition, hence normalised limit kernels."""

_OTHERS: Mapping[str, Mapping[str, Any]] = {
    "convolution": {
        "num_points": 24,
        "widths": (16, 32, 64, 128),
        "threshold_widths": (16, 32, 64),
        "kappas": (0.01, 1.0, 4.0, 16.0, 64.0, 256.0),
        "spreads": ("balanced", "small-input", "small-hidden"),
    },
    "residual": {"num_points": 24, "depth": 4, "widths": (64, 128, 256, 512)},
}
_OTHERS = {**_OTHERS, "residual-convolution": {**_OTHERS["convolution"], "depth": 3}}


def theorem_settings(model: str = "dense", **given: Any) -> TheoremSettings:
    """The settings of a study of the theorem: what is given, and for the rest what suits the network.

    Args:
        model: architecture, see `TheoremSettings`.
        **given: any other field of `TheoremSettings`.

    Example:
        >>> theorem_settings("convolution").widths
        (16, 32, 64, 128)
    """
    check_choice("model", model, WITH_LIMIT)
    return TheoremSettings(model=model, **{**_OTHERS.get(model, {}), **given})


def _check_complete(name: str) -> None:
    """Refuse a scheme that does not exist or that has no meaning without parameters."""
    check_choice("scheme", name, scheme_names())
    if for_residual_networks(name):
        raise InputError(
            "a study of the theorem takes schemes whose exponents are in the width alone",
            received=f"the scheme {name}",
            cause="a scheme whose branches follow the depth",
            fix="choose a scheme such as ntk or mup",
        )
    missing = [key for key, default in scheme_parameters(name).items() if default is None]
    if missing:
        raise InputError(
            "a study of the theorem takes schemes without free parameters",
            received=f"{name!r}, which needs {', '.join(missing)}",
            cause="a family of schemes in place of one",
            fix="choose spreads and kappas instead: every scheme without speeds is one of them",
        )


def _no_lazy(schemes: tuple[str, ...]) -> InputError:
    return InputError(
        "a study of the theorem needs a scheme that is theta-lazy, since the theorem speaks of these alone",
        received=", ".join(schemes),
        cause="schemes in which layers move by more and more of their size as the width grows, or by a "
        "fixed share of it",
        fix="add 'ntk', or another one that `lazyscope regime` calls theta-lazy",
    )


def _check_list(what: str, values: tuple, minimum: int) -> None:
    if len(set(values)) != len(values) or len(values) < minimum:
        raise InputError(
            f"there must be at least {minimum} values of {what}, each given once",
            received=list(values),
            cause="a list that is too short for an interval, or a value typed twice",
            fix=f"give {minimum} or more",
        )
