"""How does one get a parametrisation by its name?"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lazyscope._checks import InputError, check_choice, check_count, check_text
from lazyscope._described import described
from lazyscope.scaling import _named
from lazyscope.scaling._optimiser import optimiser_of_layers
from lazyscope.scaling._scheme import Scheme

_BUILDERS: dict[str, Callable[..., Scheme]] = {
    "ntk": _named.ntk,
    "standard": _named.standard,
    "lecun": _named.lecun,
    "he": _named.he,
    "xavier": _named.xavier,
    "mean-field": _named.mean_field,
    "mup": _named.mup,
    "spectral": _named.spectral,
    "depth-mup": _named.depth_mup,
    "completep": _named.completep,
    "luo": _named.luo,
    "balanced": _named.balanced,
}
_RESIDUAL = ("depth-mup", "completep")
_TWO_LAYER = ("luo",)
_PRESCRIBING = ("mean-field", "mup", "spectral", *_RESIDUAL)
DEEPEST = 10**5
_SETTING = ("depth", "input_dim", "output_dim", "activation", "optimiser")


def scheme_names() -> tuple[str, ...]:
    """Names that `named_scheme` knows.

    Example:
        >>> "ntk" in scheme_names()
        True
    """
    return tuple(_BUILDERS)


def scheme_parameters(name: str) -> dict[str, float | None]:
    """Parameters of a named scheme with their defaults; None marks one that must be given.

    Example:
        >>> scheme_parameters("luo")
        {'gamma': None, 'gamma_prime': None}
    """
    builder = _BUILDERS[_known(name)]
    own = [p for p in inspect.signature(builder).parameters.values() if p.name not in _SETTING]
    return {p.name: None if p.default is p.empty else p.default for p in own}


def scheme_meaning(name: str) -> tuple[str, str]:
    """What a named scheme is, in a sentence, and the paper that it is from.

    Example:
        >>> scheme_meaning("luo")[1]
        'Luo, Xu, Ma & Zhang 2021 (JMLR 22(71), arXiv 2007.07497)'
    """
    known = _known(name)
    parameters: dict[str, Any] = {
        key: 1.0 for key, default in scheme_parameters(known).items() if default is None
    }
    depth = 1 if known in _TWO_LAYER else 2
    scheme = named_scheme(known, depth=depth, input_dim=1, **parameters)
    return scheme.description, scheme.source


def named_scheme(
    name: str,
    *,
    depth: int,
    input_dim: int | None = None,
    output_dim: int = 1,
    activation: str = "relu",
    optimiser: str | Sequence[str] = "sgd",
    **parameters: float,
) -> Scheme:
    """A parametrisation by name, with its paper in ``source``.

    The table of formulas and exponents is in ``docs/schemes.md``.

    Args:
        name: one of `scheme_names`; case does not matter, and ``_`` or a blank stands for ``-``.
        depth: number of hidden layers L, of which L - 1 are branches for depth-mup and completep.
        input_dim: fan-in d of the first layer. The constants of ntk, standard, lecun, he, xavier and
            spectral have it, so it must be given there; exponents do not depend on it.
        output_dim: outputs C; enters xavier and spectral only.
        activation: enters He only: its variance is 2 / fan_in for a rectifier,
            2 / ((1 + slope^2) fan_in) for a leaky one, 1 / fan_in for ``linear``; other activations
            get the rectifier's value, as is customary.
        optimiser: who trains, a name or one for each layer. The rates of mup, depth-mup, completep,
            spectral, mean-field and ntk follow from it; the others have one learning rate for all layers
            whoever trains.
        **parameters: free parameters of the scheme: ``gamma``, ``gamma_prime`` (luo),
            ``kappa_exponent``, ``kappa_constant`` (balanced), ``negative_slope`` (he), ``alpha``
            (completep), ``branch_constant`` (depth-mup, completep).

    Returns:
        The scheme; a value that holds at every width.

    Raises:
        InputError: unknown name, depth below 1, dimensions below 1, no input dimension where the
            scheme has one, unknown or missing parameters, a depth that the scheme is not defined
            for, optimisers that are unknown, of another number than layers or without a common law,
            or luo for another optimiser than descent.

    Example:
        >>> named_scheme("ntk", depth=2, input_dim=4).alpha(64)
        array([4., 1., 1.])
        >>> named_scheme("mup", depth=2, optimiser="adam").speed_exponents
        (0.0, -1.0, -1.0)
    """
    known_name = _known(name)
    builder = _BUILDERS[known_name]
    setting: dict[str, Any] = {
        "depth": _checked_depth(depth),
        "input_dim": None if input_dim is None else check_count("input_dim", input_dim),
        "output_dim": check_count("output_dim", output_dim),
        "activation": check_text("activation", activation),
    }
    setting["optimiser"] = optimiser_of_layers(optimiser, setting["depth"] + 1)
    _check_parameters(known_name, parameters)
    taken = inspect.signature(builder).parameters
    if input_dim is None and "input_dim" in taken:
        raise InputError(
            f"the scheme {known_name!r} needs the input dimension",
            received="no input_dim",
            cause="the scale of its first layer depends on how many numbers a point has",
            fix="give input_dim, for instance data.x_train.shape[1], which is 64 for digits",
        )
    known = {key: value for key, value in setting.items() if key in taken}
    scheme = builder(**known, **parameters)
    words = described(builder).partition("\n")[0]
    return replace(scheme, description=words, optimiser=setting["optimiser"])


def needs_input_dim(name: str) -> bool:
    """Whether constants of a named scheme depend on the input dimension; exponents never do.

    Example:
        >>> needs_input_dim("ntk"), needs_input_dim("mup")
        (True, False)
    """
    return "input_dim" in inspect.signature(_BUILDERS[_known(name)]).parameters


def prescribes_rates(name: str) -> bool:
    """Whether a named scheme says how fast each layer learns; the others have one learning rate.

    Example:
        >>> prescribes_rates("mup"), prescribes_rates("ntk")
        (True, False)
    """
    return _known(name) in _PRESCRIBING


def for_residual_networks(name: str) -> bool:
    """Whether a named scheme has exponents in the depth, for networks with residual branches alone.

    Example:
        >>> for_residual_networks("completep"), for_residual_networks("mup")
        (True, False)
    """
    return _known(name) in _RESIDUAL


def _checked_depth(depth: int) -> int:
    return check_count(
        "depth", depth, maximum=DEEPEST, fix="use depth 1 for one hidden layer, 2 for two"
    )


def _known(name: str) -> str:
    """The catalogue's spelling of `name`, or a refusal."""
    words = name if isinstance(name, str) else ""
    spelled = "-".join(words.lower().replace("_", " ").split())
    return spelled if spelled in _BUILDERS else check_choice("scheme", name, _BUILDERS)


def _check_parameters(name: str, parameters: dict[str, float]) -> None:
    """Refuse parameters that the scheme does not have, and missing ones that it needs."""
    own = scheme_parameters(name)
    missing = [key for key, default in own.items() if default is None and key not in parameters]
    unknown = [key for key in parameters if key not in own]
    if unknown or missing:
        accepted = ", ".join(own) or "no parameters"
        raise InputError(
            f"the scheme {name!r} takes {accepted}",
            received=", ".join(f"{k}={v!r}" for k, v in parameters.items()) or "no parameters",
            cause=f"{', '.join(missing)} missing" if missing else "a parameter of another scheme",
            fix=f"give {', '.join(missing)}" if missing else f"leave out {', '.join(unknown)}",
        )
