"""What does a kappa study run, by default and at most?"""

from dataclasses import dataclass, fields
from typing import Any, final, get_args

from lazyscope._checks import (
    FLOW,
    InputError,
    check_choice,
    check_count,
    check_fraction,
    check_known_law,
    check_positive,
)
from lazyscope._deprecated import accept_renamed, warn_renamed
from lazyscope._entry import check_fields
from lazyscope.data import Dataset, TargetKind
from lazyscope.experiment import (
    DEFAULT_SHARE,
    FINE_RECORDS,
    Value,
    default_settings,
    run_data,
    scaled_network,
    spread,
)
from lazyscope.model import (
    AbstractNetwork,
    activation,
    activation_names,
    architecture,
    network_names,
)
from lazyscope.scaling import Scheme
from lazyscope.study.kappa._defaults import AT_READOUT, DEFAULTS, HOMOGENEOUS
from lazyscope.study.kappa._verdict import MIN_GROUPS, NUM_KAPPAS
from lazyscope.sweep import SweepDesign

RECORD = (
    "displacement",
    "loss_curve",
    "kernel",
    "linearisation",
    "forecast",
    "linearised_curve",
    "outputs",
)
RECORD_OF_STEPS = ("displacement", "loss_curve", "kernel", "test_error", "forecast_steps")
"""Where an optimiser trains, of whose linearised network only the end is known."""

DISPLACEMENT_ACCURACY = 0.2
"""Relative error of displacements over the solver's tolerance."""


@final
@dataclass(frozen=True)
class KappaSettings:
    """What the study of kappa runs; the defaults are those of dense networks, see `kappa_settings`.

    Attributes:
        model: architecture: dense, convolution, residual, residual-convolution, layer-norm or attention.
        data: source of the points; see `lazyscope.data.load_dataset`.
        num_points: training points.
        num_test: test points.
        target: kind of target: classes, parity or value; parity has one output.
        spreads: ways to spread kappa over the layers; unless given, those of which the law speaks for this
            activation.
        kappas: initial scales, four or more; a slope is fitted to the largest four. Unless given, forecasts
            choose them so that these four are lazy.
        widths: widths of the hidden layers, channels or embedding dimension.
        seeds: seeds of every run; widths times seeds must be 3 or more.
        depth: hidden layers, convolutions, or blocks of attention.
        activation: nonlinearity.
        stop: fraction of the initial loss at which training ends.
        tolerance: tolerance of the exponential flow.
        centred: train f - f_0; so the residual starts as the targets at every kappa. Without it
            displacements level off at 1/sqrt(m) where kappa exceeds sqrt(m).
        max_steps: steps tried at most in a run.
        data_seed: seed that chooses the points.
        method: what trains: flow, or an optimiser, at one rate for all layers, in steps that move outputs by
            at most 0.02 of their gap; of dense networks. Not adamw, of whose decay the law does not speak.
    """

    model: str = "dense"
    data: str = "digits"
    num_points: int = 32
    num_test: int = 200
    target: str = "parity"
    spreads: tuple[str, ...] = HOMOGENEOUS
    kappas: tuple[float, ...] | None = None
    widths: tuple[int, ...] = (64, 128, 256)
    seeds: int = 3
    depth: int = 2
    activation: str = "relu"
    stop: float = 1e-4
    tolerance: float = 0.05
    centred: bool = True
    max_steps: int = 5000
    data_seed: int = 0
    method: str = FLOW

    def __post_init__(self) -> None:
        check_fields(self)
        check_choice("model", self.model, network_names())
        check_choice("target", self.target, get_args(TargetKind))
        check_count("num_points", self.num_points)
        check_count("max_steps", self.max_steps)
        for name in self.spreads:
            spread(name)
        check_choice("activation", self.activation, activation_names())
        check_known_law(self.method)
        if self.method != FLOW and self.model != "dense":
            raise InputError(
                "an optimiser trains the dense networks of this study",
                received=f"method {self.method} with the model {self.model}",
                cause="an architecture for which the size of an update is not derived",
                fix="leave out method, or take the model dense",
            )
        for width in self.widths:
            check_count("width", width)
        for kappa in self.kappas or ():
            check_positive("kappa", kappa)
        check_count("seeds", self.seeds)
        check_count("depth", self.depth)
        check_fraction("stop fraction", self.stop)
        check_positive("tolerance", self.tolerance)
        architecture(self.model).check_depth(self.depth)
        for what, values in (
            ("kappa", self.kappas),
            ("width", self.widths),
            ("spread", self.spreads),
        ):
            if values is not None and (len(set(values)) != len(values) or not values):
                raise InputError(
                    f"every {what} must be given once, and at least one of them",
                    received=list(values),
                    cause="an empty list, or a value that was typed twice",
                    fix=f"list each {what} once",
                )
        self._check_decidable()

    def _check_decidable(self) -> None:
        """Refuse so few runs that no slope could be judged, before any of them is made."""
        if self.kappas is not None and len(self.kappas) < NUM_KAPPAS:
            raise InputError(
                f"a slope needs at least {NUM_KAPPAS} values of kappa",
                received=list(self.kappas),
                cause="a short list for a quick look, whose verdict could only be undecided",
                fix=f"give {NUM_KAPPAS} or more, the largest so large that training is lazy",
            )
        if len(self.widths) * self.seeds < MIN_GROUPS:
            raise InputError(
                f"an interval needs at least {MIN_GROUPS} pairs of width and seed",
                received=f"{len(self.widths)} widths with {self.seeds} seeds each",
                cause="a single width or seed for a quick look, which says nothing about scatter",
                fix=f"use {-(-MIN_GROUPS // len(self.widths))} seeds or more, or more widths",
            )

    @property
    def ladder(self) -> tuple[float, ...]:
        """The kappas; where none were given they are to be chosen first, see `with_kappas`."""
        if self.kappas is None:
            raise InputError(
                "the runs of a kappa study are those of given kappas",
                received="settings without kappas",
                cause="kappas that forecasts choose when the study begins",
                fix="take the settings from the result of the study, or give kappas",
            )
        return self.kappas

    def design(self) -> SweepDesign:
        """The runs: every spread at every kappa, width and seed."""
        return SweepDesign(
            name=f"kappa-{self.model}",
            axes={
                "spread": self.spreads,
                "kappa": self.ladder,
                "width": self.widths,
                "seed": range(self.seeds),
            },
            fixed=self._fixed(),
            record=RECORD if self.method == FLOW else RECORD_OF_STEPS,
        )

    @property
    def accuracy(self) -> float:
        """Relative error of a displacement: one per cent at the default tolerance, two by steps."""
        return DISPLACEMENT_ACCURACY * self.tolerance if self.method == FLOW else DEFAULT_SHARE

    def points(self) -> Dataset:
        """Training and test points of every run."""
        return run_data({**default_settings(), **self._fixed()})

    def run_settings(self, name: str, kappa: float, width: int, seed: int) -> dict[str, Value]:
        """The settings of one run."""
        own = {"spread": name, "kappa": kappa, "width": width, "seed": seed}
        return {**default_settings(), **self._fixed(), **own}

    def network(
        self, data: Dataset, name: str, kappa: float, width: int
    ) -> tuple[AbstractNetwork, Scheme]:
        """The network of a run, with the scales that its spread gives it at this kappa."""
        return scaled_network(self.run_settings(name, kappa, width, 0), data)

    def _fixed(self) -> dict[str, Value]:
        axes = (
            "spreads",
            "kappas",
            "widths",
            "seeds",
            *(["method"] if self.method == FLOW else ()),
        )
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in axes}
        return {**given, "num_records": FINE_RECORDS}


accept_renamed(KappaSettings, "shapes", "spreads")


def kappa_settings(model: str = "dense", **given: Any) -> KappaSettings:
    """The settings of a kappa study: what is given, and for the rest what suits network and activation.

    Args:
        model: architecture, one of `network_names`.
        **given: any other field of `KappaSettings`.

    Example:
        >>> kappa_settings("convolution", seeds=1).widths
        (16, 32, 64)
    """
    check_choice("model", model, network_names())
    if "shapes" in given and "spreads" not in given:
        warn_renamed("KappaSettings.shapes", "spreads")
        given["spreads"] = given.pop("shapes")
    usual = dict(DEFAULTS.get(model, {}))
    name = check_choice("activation", given.get("activation", "relu"), activation_names())
    if not activation(name).homogeneous:
        usual["spreads"] = AT_READOUT
    return KappaSettings(model=model, **{**usual, **given})
