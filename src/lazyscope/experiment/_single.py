"""What is one run: which network, drawn from which scheme, on which data?"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np

from lazyscope._checks import InputError, check_positive
from lazyscope._entry import check_fields
from lazyscope._jax import own_settings
from lazyscope._result import AbstractShown
from lazyscope.data import Dataset
from lazyscope.experiment._experiment import Experiment
from lazyscope.experiment._parametrisation import check_model, network_of, with_branches_of
from lazyscope.experiment._settings import FINE_RECORDS, Value, canonical, default_settings
from lazyscope.experiment._virtual import drawn_scheme, width_of
from lazyscope.experiment.run._program import draw, run_inputs
from lazyscope.model import AbstractNetwork, Dense, architecture, physical_memory
from lazyscope.scaling import Scheme, growth_power, regime_report

_NEGLIGIBLE = 1e-14


@final
@dataclass(frozen=True, repr=False)
class SingleRun(AbstractShown):
    """One network on one data set, before it is drawn.

    Args:
        data: training and test points; arrays (x, y) or (x, y, x_test, y_test) become one by
            `Dataset.from_arrays`.
        scheme: scale and speed of every drawn layer; its depth is that of a dense network.
        width: units m of every hidden layer, channels, or embedding dimension.
        activation: nonlinearity, see `lazyscope.model.activation_names`.
        use_bias: whether layers have a bias, starting at zero.
        output_scale: factor in front of the network; it multiplies kappa.
        centred: train f - f_0, so that the residual starts as the targets.
        seed: of the initial weights.
        virtual_width: width M at which the scheme is read and that the run stands for, any number from 1 to
            1e30, also below `width`; the network of `width` units gets the same scales and speeds, and the
            outputs that it starts with count as much as those of width M do. None is `width` itself.
            For dense networks, with biases where the activation is homogeneous.
        architecture: kind of the network, see `network_names`; scales of networks that are not dense
            come from `network_scheme`, or for residual ones from a scheme with branches, whose multiplier
            they get, and they have neither bias nor output scale.

    Raises:
        InputError: a size, name or scale that cannot be, or a network that memory cannot hold.

    Example:
        >>> from lazyscope.data import four_points
        >>> from lazyscope.scaling import named_scheme
        >>> run = SingleRun(four_points(), named_scheme("lecun", depth=1, input_dim=2), width=64)
        >>> run.model.num_parameters
        192
    """

    data: Dataset
    scheme: Scheme
    width: int
    activation: str = "relu"
    use_bias: bool = False
    output_scale: float = 1.0
    centred: bool = False
    seed: int = 0
    architecture: str = "dense"
    virtual_width: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        check_positive("output scale", self.output_scale)
        canonical("seed", self.seed)
        check_model({**self.settings(), "spread": "given by numbers"})
        layers = len(self.model.shapes)
        if layers != len(self.scheme.scales):
            raise InputError(
                f"a network of {layers} drawn layers needs a scheme of as many scales",
                received=f"{len(self.scheme.scales)} scales",
                cause="a scheme for another architecture or depth",
                fix="make the scheme with network_scheme for this architecture",
            )
        self.drawn_scheme.kappa(self.model.width)

    def quantities(self) -> dict[str, Any]:
        """What is run, by field, without the arrays."""
        data = f"{len(self.data.x_train)} points of {self.data.name}"
        own = {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        return {"data": data, "scheme": self.scheme.name, **own}

    @property
    def drawn_scheme(self) -> Scheme:
        """The numbers that the drawn network gets: those of `scheme` at the width the run stands for."""
        return drawn_scheme(self.settings(), self.scheme)

    @property
    def depth(self) -> int:
        """Hidden layers, convolutions or blocks of the network."""
        most = architecture(self.architecture).most_depth
        return self.scheme.depth if most is None else min(most, self.scheme.depth)

    @property
    def model(self) -> AbstractNetwork:
        """The network; making it checks that its parameters fit into memory."""
        dims = self.data.x_train.shape[1], self.data.y_train.shape[1]
        return with_branches_of(self.scheme, network_of(self.settings(), *dims))

    @property
    def _has_exponents(self) -> bool:
        """Whether the exponents of the scheme are those of this network.

        They are where kappa is the product of all scales, and in a residual network whose branches keep
        their share of the stream as the width grows.
        """
        kind = architecture(self.architecture)
        if kind.homogeneous or not kind.has_branches:
            return kind.homogeneous
        try:
            return all(law.exponent == 0 for law in self.scheme.scales[1:-1])
        except InputError:  # numbers at one width
            return False

    def settings(self, **training: Value) -> dict[str, Value]:
        """What is run, in the words of sweep files, with settings of its training."""
        own = ("width", "depth", "activation", "use_bias", "output_scale", "centred", "seed")
        named = {name: getattr(self, name) for name in own}
        common: dict[str, Value] = {"model": self.architecture, "num_records": FINE_RECORDS}
        if self.virtual_width is not None:
            common["virtual_width"] = canonical("virtual_width", self.virtual_width)
        return {**default_settings(), **named, **common, **training}

    def experiment(self) -> Experiment:
        """The network drawn and put before its data, in double precision.

        Raises:
            InputError: a kernel that memory cannot hold, or numbers that are not finite.
        """
        self.check()
        with own_settings():
            inputs = run_inputs(self.settings(), self.data, self.scheme)
            return draw({**inputs, "seed": self.seed})

    def check(self) -> None:
        """Refuse what no run can be made of.

        Raises:
            InputError: a kernel that memory cannot hold, or numbers that are not finite.
        """
        _check_kernel_memory(self.model, len(self.data.x_train), len(self.data.x_test))
        for what, values in (("points", self.data.x_train), ("targets", self.data.y_train)):
            bad = int((~np.isfinite(values)).sum())
            if bad:
                raise InputError(
                    f"{what} must be finite",
                    received=f"{bad} numbers that are NaN or infinite",
                    cause="missing values in the data",
                    fix="remove or fill the missing values",
                )

    def record(self) -> dict[str, Any]:
        """What is run, ready for JSON: network, data, and what the scheme says at this width.

        ``kappa`` and ``alpha`` are the scheme's at the width that the run stands for; ``output_kappa``
        includes the output scale. The exponents and regimes are None for a scheme that was given by
        numbers at one width, and for a network in which they are not those of a row of layers.
        """
        model = self.model
        own = _scheme_record(self.scheme, width_of(self.settings()), known=self._has_exponents)
        if not isinstance(model, Dense):
            alpha = self.scheme.alpha(model.width)
            own["kappa"] = float(model.kappa(alpha))
            own["alpha"] = model.group_alpha(alpha).tolist()
        return {
            **own,
            "output_kappa": float(self.output_scale) * own["kappa"],
            "network": {
                "model": self.architecture,
                "input_dim": self.data.x_train.shape[1],
                "output_dim": self.data.y_train.shape[1],
                "width": model.width,
                "virtual_width": self.virtual_width,
                "depth": self.depth,
                "branch_multiplier": model.branch_multiplier,
                "activation": self.activation,
                "bias": self.use_bias,
                "output_scale": float(self.output_scale),
                "centred": self.centred,
                "num_parameters": model.num_parameters,
                "groups": list(model.group_names),
                "seed": int(self.seed),
            },
            "data": self.data.summary(),
        }


def _scheme_record(scheme: Scheme, width: float, *, known: bool) -> dict[str, Any]:
    alpha = np.array([law.at_virtual(width) for law in scheme.scales])
    numbers = {"width": width, "kappa": float(np.prod(alpha)), "alpha": alpha.tolist()}
    try:
        report = regime_report(scheme) if known else None
    except InputError:
        report = None
    if report is None:
        unknown = (
            "kappa_exponent",
            "scale_exponents",
            "speed_exponents",
            "relative_speed_exponents",
            "displacement_exponents",
            "layer_regimes",
            "regime",
            "rate_exponent",
            "learns_features_in",
            "to_mup",
            "to_lazy",
            "to_mup_by_multipliers",
            "to_lazy_by_multipliers",
            "weight_decay_exponents",
            "epsilon_exponents",
            "over_depth",
        )
        return {
            "name": scheme.name,
            "source": scheme.source,
            "depth": scheme.depth,
            "growth_power": growth_power(scheme.optimiser),
            **numbers,
            **dict.fromkeys(unknown),
        }
    return {**report, **numbers}


def _check_kernel_memory(model: AbstractNetwork, num_points: int, num_test: int) -> None:
    """Refuse a tangent kernel, its eigenvectors and the kernel to the test points beyond memory."""
    outputs = model.shapes[-1][0]
    rows = num_points * outputs
    needed = 8 * rows * (4 * rows + (len(model.shapes) + 1) * num_test * outputs)
    if needed > physical_memory():
        raise InputError(
            "the tangent kernel on the points must fit into memory",
            received=(
                f"{num_points} training and {num_test} test points with {outputs} outputs, "
                f"which takes {needed / 2**30:,.1f} GiB; this machine has "
                f"{physical_memory() / 2**30:,.1f} GiB"
            ),
            cause="a whole data set where a sample was meant",
            fix="ask for fewer points, or use a target with one output such as 'parity'",
        )


def check_start(seen: Mapping[str, Any]) -> None:
    """Refuse a network whose loss overflows, or that meets its targets before it is trained.

    Args:
        seen: what its start says, ``loss_initial``, ``residual_size`` and ``target_size``.
    """
    if not np.isfinite(float(seen["loss_initial"])):
        raise InputError(
            "the loss of the initial network must be finite",
            received="outputs whose squares overflow double precision",
            cause="scales far beyond any network",
            fix="use a smaller width, smaller exponents or a smaller output scale",
        )
    if float(seen["residual_size"]) <= _NEGLIGIBLE * float(seen["target_size"]):
        raise InputError(
            "training needs a residual to remove",
            received="outputs that equal the targets at the start",
            cause="targets that are all zero, or targets that this very network made",
            fix="give other targets, or another seed",
        )
