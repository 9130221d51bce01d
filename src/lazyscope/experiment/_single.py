"""What is one run: which network, drawn from which scheme, on which data?"""

from dataclasses import dataclass
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError, check_count, check_positive
from lazyscope._entry import check_fields
from lazyscope._jax import random_key
from lazyscope.data import Dataset
from lazyscope.experiment._experiment import Experiment, dense_experiment
from lazyscope.flow import Problem, check_numbers
from lazyscope.model import Dense, physical_memory
from lazyscope.scaling import Scheme, regime_report

_LARGEST_SEED = 2**32 - 1
_NEGLIGIBLE = 1e-14


@final
@dataclass(frozen=True)
class SingleRun:
    """One dense network on one data set, before it is drawn.

    Args:
        data: training and test points.
        scheme: scale and speed of every layer; its depth is the network's.
        width: units m of every hidden layer.
        activation: nonlinearity, see `lazyscope.model.activation_names`.
        use_bias: whether layers have a bias, starting at zero.
        output_scale: factor in front of the network; it multiplies kappa.
        centred: train f - f_0, so that the residual starts as the targets.
        seed: of the initial weights.

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

    def __post_init__(self) -> None:
        check_fields(self)
        check_positive("output scale", self.output_scale)
        seed = check_count("seed", self.seed, minimum=0)
        if seed > _LARGEST_SEED:
            raise InputError(
                f"seed must be at most {_LARGEST_SEED}",
                received=repr(self.seed),
                cause="a time stamp or a hash used as a seed",
                fix="use a small number such as 0",
            )
        self.scheme.kappa(self.model.width)

    @property
    def model(self) -> Dense:
        """The network; making it checks that its parameters fit into memory."""
        return Dense(
            self.data.x_train.shape[1],
            self.data.y_train.shape[1],
            self.width,
            self.scheme.depth,
            self.activation,
            use_bias=self.use_bias,
            output_scale=float(self.output_scale),
        )

    def experiment(self) -> Experiment:
        """The network drawn and put before its data, inside a scope of double precision.

        Raises:
            InputError: a kernel that memory cannot hold, numbers that are not finite, or targets
                that the network meets before training.
        """
        model = self.model
        _check_kernel_memory(model, len(self.data.x_train), len(self.data.x_test))
        with jax.enable_x64(True):
            params = model.init(random_key(int(self.seed)), self.scheme)
            experiment = dense_experiment(
                model,
                params,
                self.data,
                self.scheme.speed(model.width),
                centred=self.centred,
            )
            check_numbers(experiment.problem)
            _check_start(experiment.problem)
        return experiment

    def record(self) -> dict[str, Any]:
        """What is run, ready for JSON: network, data, and what the scheme says at this width.

        ``kappa`` and ``alpha`` are the scheme's; ``output_kappa`` includes the output scale. The
        exponents and regimes are None for a scheme that was given by numbers at one width.
        """
        model = self.model
        return {
            **_scheme_record(self.scheme, model.width),
            "output_kappa": float(self.output_scale) * self.scheme.kappa(model.width),
            "network": {
                "input_dim": model.input_dim,
                "output_dim": model.output_dim,
                "width": model.width,
                "depth": model.depth,
                "activation": model.activation_name,
                "bias": self.use_bias,
                "output_scale": float(self.output_scale),
                "centred": self.centred,
                "num_parameters": model.num_parameters,
                "seed": int(self.seed),
            },
            "data": self.data.summary(),
        }


def _scheme_record(scheme: Scheme, width: int) -> dict[str, Any]:
    try:
        return regime_report(scheme, width)
    except InputError:
        unknown = (
            "kappa_exponent",
            "scale_exponents",
            "speed_exponents",
            "displacement_exponents",
            "layer_regimes",
            "regime",
        )
        return {
            "name": scheme.name,
            "source": scheme.source,
            "depth": scheme.depth,
            "width": width,
            "kappa": scheme.kappa(width),
            "alpha": scheme.alpha(width).tolist(),
            **dict.fromkeys(unknown),
        }


def _check_kernel_memory(model: Dense, num_points: int, num_test: int) -> None:
    """Refuse a tangent kernel, its eigenvectors and the kernel to the test points beyond memory."""
    rows = num_points * model.output_dim
    needed = 8 * rows * (4 * rows + (model.depth + 2) * num_test * model.output_dim)
    if needed > physical_memory():
        raise InputError(
            "the tangent kernel on the points must fit into memory",
            received=(
                f"{num_points} training and {num_test} test points with {model.output_dim} outputs, "
                f"which takes {needed / 2**30:,.1f} GiB; this machine has "
                f"{physical_memory() / 2**30:,.1f} GiB"
            ),
            cause="a whole data set where a sample was meant",
            fix="ask for fewer points, or use a target with one output such as 'parity'",
        )


def _check_start(problem: Problem) -> None:
    """Refuse a network whose loss overflows, or that meets its targets before it is trained."""
    residual = problem.residual(problem.params)
    if not np.isfinite(float(problem.loss(residual))):
        raise InputError(
            "the loss of the initial network must be finite",
            received="outputs whose squares overflow double precision",
            cause="scales far beyond any network",
            fix="use a smaller width, smaller exponents or a smaller output scale",
        )
    if float(jnp.max(jnp.abs(residual))) <= _NEGLIGIBLE * float(jnp.max(jnp.abs(problem.y))):
        raise InputError(
            "training needs a residual to remove",
            received="outputs that equal the targets at the start",
            cause="targets that are all zero, or targets that this very network made",
            fix="give other targets, or another seed",
        )
