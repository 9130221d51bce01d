"""Which scheme do the settings of a run mean?"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, optimiser_of
from lazyscope._entry import checked
from lazyscope.data import Dataset
from lazyscope.experiment._settings import Value, canonical, default_settings, layer_of
from lazyscope.experiment._spread import Spread, spread
from lazyscope.experiment._virtual import width_of
from lazyscope.model import AbstractNetwork, Attention, Dense, architecture
from lazyscope.scaling import PowerLaw, Scheme, for_residual_networks, named_scheme

PARAMETRISATION = (
    "depth",
    "scheme",
    "gamma",
    "gamma_prime",
    "rho",
    "kappa",
    "spread",
    "scale_exponents",
    "speed_exponents",
)
"""Settings that, with the per-layer exponents, decide the scheme of a run."""


def is_parametrisation(name: str) -> bool:
    """Whether the setting `name` takes part in the choice of the scheme."""
    return name in PARAMETRISATION or layer_of(name) is not None


def run_scheme(settings: Mapping[str, Value], *, input_dim: int = 1, output_dim: int = 1) -> Scheme:
    """The scheme that `settings` describe.

    With ``spread``, the scales of the layers are those of this way to spread ``kappa`` (or m to the power
    ``rho``), and all speeds are one. Without it, the base is exactly one of: ``scheme`` (a name),
    ``gamma`` with ``gamma_prime`` (one hidden layer), ``scale_exponents``, or ``scale_exponent_1`` to
    ``scale_exponent_{L+1}``. On top of a base, ``scale_exponent_l`` and ``speed_exponent_l`` replace the
    exponent of one layer, and ``rho`` or ``kappa`` sets the initial scale through the output layer, which
    leaves the hidden layers' pre-activations alone. Where ``method`` is an optimiser, the speeds are its
    rates.

    Raises:
        InputError: no base or two of them, a number of exponents that does not fit the depth, or
            two settings that fix the same layer.

    Example:
        >>> run_scheme({"depth": 1, "gamma": 0.5, "gamma_prime": 0.0}).scale_exponents
        (0.25, 0.25)
    """
    depth = int(settings["depth"])  # type: ignore[arg-type]
    if "spread" in settings:
        chosen, kappa = spread_of_kappa(settings)
        if settings.get("virtual_width") is not None:
            return chosen.over_widths(kappa, depth)
        return chosen.scheme(kappa, int(settings["width"]), depth)  # type: ignore[arg-type]
    scales = _per_layer(settings, "scale_exponent", depth)
    speeds = _per_layer(settings, "speed_exponent", depth)
    base = _base(settings, depth, scales, input_dim, output_dim)
    if "speed_exponents" in settings:
        listed = _listed(settings, "speed_exponents", depth)
        base = replace(base, speeds=tuple(PowerLaw(1.0, p) for p in listed))
    base = replace(
        base,
        scales=tuple(_with_exponent(law, scales.get(i)) for i, law in enumerate(base.scales, 1)),
        speeds=tuple(_with_exponent(law, speeds.get(i)) for i, law in enumerate(base.speeds, 1)),
    )
    base = replace(base, optimiser=optimiser_of(str(settings.get("method"))))
    return _with_initial_scale(base, settings, scales)


def spread_of_kappa(settings: Mapping[str, Value]) -> tuple[Spread, float]:
    """The way in which these settings spread kappa over the layers, and kappa.

    Raises:
        InputError: no kappa or two of them, or other settings that fix scales or speeds.
    """
    chosen = spread(str(settings["spread"]))
    rivals = [n for n in settings if is_parametrisation(n) and n not in _BESIDE_SPREAD]
    given = [name for name in ("kappa", "rho") if settings.get(name) is not None]
    if len(given) != 1 or rivals:
        raise _contradiction(
            "a spread needs one of kappa and rho, and nothing else that fixes scales",
            ", ".join([*given, *rivals]) or "neither",
            "two descriptions of the same layers" if given else "a forgotten kappa",
            "give spread with kappa alone, or leave out spread",
        )
    if given == ["rho"]:
        return chosen, float(width_of(settings)) ** float(settings["rho"])  # type: ignore[arg-type]
    return chosen, float(settings["kappa"])  # type: ignore[arg-type]


def check_model(settings: Mapping[str, Value]) -> None:
    """Refuse settings that have no meaning for the architecture of a run.

    Raises:
        InputError: a model that does not exist, a depth that it does not have, or, for one that is not
            dense, anything but ``spread`` or a scheme by name to say its scales, a bias, or an output scale;
            a scheme for a network whose layers have no such exponents, or one for residual networks for a
            network without branches.
    """
    name, scheme = str(settings.get("model", "dense")), settings.get("scheme")
    kind = architecture(name)
    kind.check_depth(int(settings["depth"]))  # type: ignore[arg-type]
    deep = scheme is not None and for_residual_networks(str(scheme))
    if deep and not kind.has_branches:
        raise InputError(
            "exponents in the depth are those of networks with residual branches",
            received=f"scheme {scheme} for model {name}",
            cause="a scheme whose branches the network does not have",
            fix="give model = 'residual' or 'residual-convolution', or a scheme such as mup",
        )
    if name == "dense":
        return
    named = scheme is not None and (kind.homogeneous or kind.has_branches)
    beside = ("depth", "scheme") if named else _BESIDE_SPREAD
    given = [n for n in settings if is_parametrisation(n) and n not in beside]
    given += ["use_bias"] if settings.get("use_bias") else []
    given += ["output_scale"] if settings.get("output_scale", 1.0) != 1.0 else []
    if given or not (named or "spread" in settings):
        raise InputError(
            f"the scales of networks of model {name} are given by a spread and kappa"
            f"{' or a scheme by name' if kind.homogeneous or kind.has_branches else ''}, and they have "
            "neither bias nor output scale",
            received=", ".join(given) or "no spread",
            cause="exponents of single layers are those of dense networks",
            fix="give spread = 'balanced' with kappa, or model = 'dense'",
        )


def network_of(settings: Mapping[str, Value], input_dim: int, output_dim: int) -> AbstractNetwork:
    """The network that settings without gaps describe, for points and targets of these dimensions.

    Raises:
        InputError: what the architecture refuses.
    """
    chosen = architecture(str(settings.get("model", "dense")))
    size: Any = (input_dim, output_dim, *(settings[n] for n in ("width", "depth", "activation")))
    if chosen.build is not Dense:
        return chosen.build(*size)
    bias, scale = settings["use_bias"], settings["output_scale"]
    return Dense(*size, use_bias=bool(bias), output_scale=scale)  # type: ignore[arg-type]


def scaled_network(
    settings: Mapping[str, Value], data: Dataset, scheme: Scheme | None = None
) -> tuple[AbstractNetwork, Scheme]:
    """The network of a run with its scheme, which is the one that the settings mean unless given.

    Of a network that is not dense, the scales are those that reach kappa, which need not be the product
    of all; attention gets scores that start at size one.
    """
    dims = {"input_dim": data.x_train.shape[1], "output_dim": data.y_train.shape[1]}
    network = network_of(settings, **dims)
    if scheme is not None:
        network = with_branches_of(scheme, network)
        return with_scores_of_size_one(network, scheme.alpha(network.width)), scheme
    told = {name: value for name, value in settings.items() if value is not None}
    check_model(told)
    if isinstance(network, Dense) or "scheme" in told:
        scheme = run_scheme(told, **dims)
        return with_branches_of(scheme, network), scheme
    chosen, kappa = spread_of_kappa(told)
    alpha = chosen.alpha_of(network, kappa)
    name, source = f"{chosen.name}, kappa {kappa:g}", "spread of kappa"
    scheme = Scheme.at_width(network.width, alpha=alpha.tolist(), name=name, source=source)
    return with_scores_of_size_one(network, scheme.alpha(network.width)), scheme


def with_branches_of(scheme: Scheme, network: AbstractNetwork) -> AbstractNetwork:
    """The network with the branch multiplier of a scheme that has one; as it is for other schemes."""
    if scheme.branches is None:
        return network
    return network.with_branch_multiplier(scheme.branches.multiplier_at(scheme.depth))


def with_scores_of_size_one(
    network: AbstractNetwork, alpha: Float[np.ndarray, " layers"]
) -> AbstractNetwork:
    """Attention whose scores start at size one whatever the scales; other networks as they are."""
    if not isinstance(network, Attention):
        return network
    shape, outputs, width, heads = (
        network.input_shape,
        network.output_dim,
        network.width,
        network.num_heads,
    )
    unscaled = Attention(
        shape, outputs, width, heads, network.activation_name, score_scale=1.0
    ).score_size(alpha)
    return Attention(
        shape,
        outputs,
        width,
        heads,
        network.activation_name,
        score_scale=jnp.asarray(1.0 / unscaled),
    )


@checked()
def network_scheme(
    data: Dataset,
    *,
    spread: str,
    kappa: float,
    width: int,
    depth: int,
    architecture: str = "dense",
    activation: str = "relu",
) -> Scheme:
    """Scales at one width with which a network of any architecture starts at kappa, for `SingleRun`.

    Args:
        data: tells features and outputs.
        spread: way to spread kappa over the layers, see `spread_names`.
        kappa: initial scale.
        width: of the network.
        depth: hidden layers, convolutions or blocks.
        architecture: see `lazyscope.model.network_names`.
        activation: nonlinearity.

    Raises:
        InputError: names that do not exist, numbers out of range, or data that do not fit the network.

    Example:
        >>> from lazyscope.data import four_points
        >>> network_scheme(four_points(), spread="balanced", kappa=9.0, width=8, depth=1).alpha(8).round(9)
        array([3., 3.])
    """
    told: dict[str, Value] = {"model": architecture, "spread": spread, "kappa": kappa}
    told |= {"width": width, "depth": depth, "activation": activation}
    settings = {**default_settings(), **{n: canonical(n, v) for n, v in told.items()}}
    check_model({**settings})
    return scaled_network(settings, data)[1]


_BESIDE_SPREAD = ("depth", "spread", "kappa", "rho")


def _base(
    settings: Mapping[str, Value],
    depth: int,
    scales: Mapping[int, float],
    input_dim: int,
    output_dim: int,
) -> Scheme:
    given = [
        name for name in ("scheme", "gamma", "gamma_prime", "scale_exponents") if name in settings
    ]
    if given in (["gamma"], ["gamma_prime"]):
        other = "gamma_prime" if given == ["gamma"] else "gamma"
        raise _contradiction(
            "gamma and gamma_prime must come together",
            given[0],
            f"a forgotten {other}",
            f"add {other}",
        )
    if given == ["scheme"]:
        return named_scheme(
            str(settings["scheme"]),
            optimiser=optimiser_of(str(settings.get("method"))),
            depth=depth,
            input_dim=input_dim,
            output_dim=output_dim,
            activation=str(settings.get("activation", "relu")),
        )
    if given == ["gamma", "gamma_prime"]:
        gamma, gamma_prime = float(settings["gamma"]), float(settings["gamma_prime"])  # type: ignore[arg-type]
        who = optimiser_of(str(settings.get("method")))
        return named_scheme("luo", depth=depth, optimiser=who, gamma=gamma, gamma_prime=gamma_prime)
    if given == ["scale_exponents"]:
        return Scheme.from_exponents(_listed(settings, "scale_exponents", depth))
    if not given and len(scales) == depth + 1:
        return Scheme.from_exponents([scales[layer] for layer in range(1, depth + 2)])
    raise _contradiction(
        "a run must have exactly one parametrisation",
        ", ".join([*given, *(f"scale_exponent_{layer}" for layer in scales)]) or "none",
        "two descriptions of the same layers" if given else "a layer without a scale",
        "give one of scheme, gamma with gamma_prime, scale_exponents, or the exponents of all "
        f"{depth + 1} layers",
    )


def _with_initial_scale(
    base: Scheme, settings: Mapping[str, Value], scales: Mapping[int, float]
) -> Scheme:
    """`base` with its output layer moved so that kappa is as ``rho`` or ``kappa`` says."""
    asked = [name for name in ("rho", "kappa") if name in settings]
    if not asked:
        return base
    rivals = [name for name in ("gamma", "gamma_prime") if name in settings]
    if base.depth + 1 in scales:
        rivals.append(f"scale_exponent_{base.depth + 1}")
    if len(asked) == 2 or rivals:
        raise _contradiction(
            "the initial scale must be set in one way",
            ", ".join([*asked, *rivals]),
            "two settings that fix the output layer",
            "keep one of them",
        )
    laws = [law for law in base.scales if isinstance(law, PowerLaw)]
    if len(laws) < len(base.scales):
        raise _contradiction(
            f"{asked[0]} needs a base whose scales are powers of the width",
            f"the scheme {base.name!r}",
            "a scheme with other laws",
            "use another scheme, such as lecun, or give scale exponents",
        )
    others = math.fsum(law.exponent for law in laws[:-1])
    if asked == ["rho"]:
        output = PowerLaw(laws[-1].constant, float(settings["rho"]) - others)  # type: ignore[arg-type]
    else:
        constant = float(settings["kappa"]) / math.prod(law.constant for law in laws[:-1])  # type: ignore[arg-type]
        output = PowerLaw(constant, -others)
    return replace(base, scales=(*base.scales[:-1], output))


def _per_layer(settings: Mapping[str, Value], stem: str, depth: int) -> dict[int, float]:
    """Exponents of single layers, by layer."""
    found = {}
    for name, value in settings.items():
        place = layer_of(name)
        if place is None or place[0] != stem:
            continue
        if place[1] > depth + 1:
            raise _contradiction(
                f"a network of depth {depth} has layers 1 to {depth + 1}",
                name,
                "an exponent for a deeper network",
                f"remove {name}, or change depth",
            )
        found[place[1]] = float(value)  # type: ignore[arg-type]
    return found


def _listed(settings: Mapping[str, Value], name: str, depth: int) -> tuple[float, ...]:
    listed = settings[name]
    assert isinstance(listed, tuple)
    if len(listed) != depth + 1:
        raise _contradiction(
            f"{name} must have one entry per layer, {depth + 1} for depth {depth}",
            f"{len(listed)} entries, {list(listed)}",
            "a list for another depth",
            "change the list or the depth; for several depths, use a scheme by name",
        )
    return listed


def _with_exponent(law, exponent: float | None):
    if exponent is None:
        return law
    return PowerLaw(law.constant if isinstance(law, PowerLaw) else 1.0, exponent)


def _contradiction(rule: str, received: str, cause: str, fix: str) -> InputError:
    return InputError(rule, received=received, cause=cause, fix=fix)
