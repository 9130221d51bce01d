"""Does every layer move at order one at every width in muP, and in no other parametrisation?"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from lazyscope._jax import random_key
from lazyscope.claims._finding import Claim, Effort, Finding, Verdict
from lazyscope.claims._one_run import one_run
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims._verdict import HALF_STEP, SLOPE_ACCURACY
from lazyscope.data import Dataset, load_dataset
from lazyscope.flow import DEFAULT_MAX_STEPS, one_lapack_thread
from lazyscope.measure import ExponentEstimate, estimate_exponents
from lazyscope.model import Dense
from lazyscope.observe import Described
from lazyscope.scaling import PowerLaw, Scheme, displacement_exponents, named_scheme
from lazyscope.study import CoordinateCheck, coordinate_check

_DEPTH = 2
_LAYERS = ("input", "hidden", "readout")
_WIDTHS = {"quick": (64, 256, 1024), "full": (64, 256, 1024, 2048)}
_SEEDS = {"quick": 3, "full": 3}
_NUM_POINTS = {"quick": 12, "full": 24}
_STOP = 0.1
_TOLERANCE = 0.1
_NAMES = {"mup": "muP", "standard": "standard", "ntk": "NTK"}


def check_coordinates(effort: Effort) -> tuple[Finding, ...]:
    """The three parametrisations side by side, on digits."""
    return check_coordinates_on(effort, "digits")


def check_coordinates_on(effort: Effort, data: str) -> tuple[Finding, ...]:
    """The same on other data."""
    points = load_dataset(data, num_points=_NUM_POINTS[effort], num_test=0, target="parity")
    rows: list[Finding] = []
    with one_lapack_thread():
        for name in _NAMES:
            scheme = scheme_with_gain(name)
            rows.append(_check_finding(name, _checked(scheme, points, effort), effort))
            if name != "ntk" or effort == "full":
                rows += _training_findings(name, scheme, points, effort)
    return tuple(rows)


def scheme_with_gain(name: str) -> Scheme:
    """A named scheme with weight variance 2 and inputs of norm sqrt(d), as seen on inputs of norm one.

    The gain makes activations of ReLU layers keep their size, and kappa is above one at every width: a
    kappa that is small at the widths of the experiment hides what happens as it grows.
    """
    plain = named_scheme(name, depth=_DEPTH, input_dim=1)  # only its exponents are used
    scales = tuple(PowerLaw(2**0.5, a) for a in plain.scale_exponents)
    speeds = tuple(PowerLaw(1.0, s) for s in plain.speed_exponents)
    return Scheme(f"{name}, weight variance 2", scales, speeds, plain.source)


def _checked(scheme: Scheme, points: Dataset, effort: Effort) -> CoordinateCheck:
    """The coordinate check, which is told nothing but the network and its learning rates."""

    def build(width: int, seed: int) -> Described:
        model = Dense(points.x_train.shape[1], points.y_train.shape[1], width, _DEPTH)
        params = model.init(random_key(seed), scheme)
        rates = {str(k): float(speed) for k, speed in enumerate(scheme.speed(width))}
        return Described(model.apply, params, None, rates)

    return coordinate_check(build, points, _WIDTHS[effort], _SEEDS[effort])


def _check_finding(name: str, check: CoordinateCheck, effort: Effort) -> Finding:
    fits = check.schemes == (name,)
    kappa = check.exponents.kappa
    told: Verdict = "agrees" if fits else "undecided" if name in check.schemes else "disagrees"
    return Finding(
        name=f"coordinates-check-{name}",
        claim=f"a coordinate check of the {_NAMES[name]} network fits {_NAMES[name]} and no other",
        prediction=_scheme_rho(name),
        measured=kappa.estimate,
        verdict=told,
        basis=f"{_basis(effort)}, 16 steps of descent",
        note=check.sentence,
        details={"schemes": list(check.schemes), "layer_regimes": list(check.layer_regimes)},
    )


def _scheme_rho(name: str) -> float:
    return named_scheme(name, depth=_DEPTH, input_dim=1).kappa_exponent


def _training_findings(name: str, scheme: Scheme, points: Dataset, effort: Effort) -> list[Finding]:
    """Displacement of every layer after training, against the width."""
    widths = _WIDTHS[effort]
    runs = [[_moved(scheme, points, m, s) for s in range(_SEEDS[effort])] for m in widths]
    values = np.moveaxis(np.array(runs), -1, 0)
    found = estimate_exponents(np.asarray(widths), values, accuracy=_TOLERANCE / 5)
    predicted = displacement_exponents(scheme.scale_exponents, scheme.speed_exponents)
    basis = f"{_basis(effort)}, gradient flow to {_STOP:g} of the loss"
    return [
        _layer_finding(name, layer, found.cell(layer), predicted[layer], values[layer], basis)
        for layer in range(_DEPTH + 1)
    ]


def _layer_finding(
    name: str,
    layer: int,
    found: ExponentEstimate,
    predicted: float,
    values: Float[np.ndarray, "W S"],
    basis: str,
) -> Finding:
    if name == "mup":
        claim = f"|dW| / |W| of the {_LAYERS[layer]} layer in muP ~ m^0"
        verdict = found.estimate.agreement(0.0, resolution=HALF_STEP, accuracy=SLOPE_ACCURACY)
        note = ""
    else:
        claim = f"|dW| / |W| of the {_LAYERS[layer]} layer in {_NAMES[name]} falls with the width"
        verdict = found.estimate.at_most(0.0, accuracy=SLOPE_ACCURACY)
        note = f"the displacement law predicts the exponent {predicted:g} in the limit"
    return Finding(
        name=f"coordinates-training-{name}-{_LAYERS[layer]}",
        claim=claim,
        prediction=predicted,
        measured=found.estimate,
        verdict=verdict,
        basis=basis,
        note=" ".join(part for part in (note, found.note) if part),
        details={"displacement": values.tolist()},
    )


def _moved(scheme: Scheme, points: Dataset, width: int, seed: int) -> Float[np.ndarray, " layers"]:
    """Relative displacements after training: operator norm of the hidden layer, Frobenius of others.

    In layers with one growing side both have the same exponent, and Frobenius norms of the start do not
    fluctuate. NaN for a run that did not reach its loss.
    """
    told = {"width": width, "depth": _DEPTH, "seed": seed, "stop": _STOP, "tolerance": _TOLERANCE}
    told["max_steps"] = DEFAULT_MAX_STEPS
    run = one_run(told, points, scheme, record=("displacement",))
    sizes = run["displacement_frobenius"].copy()
    sizes[1:-1] = run["displacement_operator"][1:-1]
    return sizes if run.outcome.ok else np.full(_DEPTH + 1, np.nan)


def _basis(effort: Effort) -> str:
    widths = _WIDTHS[effort]
    return (
        f"two hidden ReLU layers, digits, n = {_NUM_POINTS[effort]}, parity, widths {widths[0]} to "
        f"{widths[-1]}, {_SEEDS[effort]} seeds"
    )


def _registered() -> Iterator[Row]:
    design = {
        "data": "digits",
        "num_points": _NUM_POINTS["full"],
        "target": "parity",
        "depth": _DEPTH,
        "activation": "relu",
        "weight_variance": 2.0,
        "widths": _WIDTHS["full"],
        "seeds": _SEEDS["full"],
        "estimator": "exponent",
        "accuracy": _TOLERANCE / 5,
    }
    for name in _NAMES:
        words = f"the check fits {name} and no other scheme"
        check = design | {"scheme": name, "steps": 16}
        yield Row(f"coordinates-check-{name}", _scheme_rho(name), Rule("other", words=words), check)
        scheme = scheme_with_gain(name)
        predicted = displacement_exponents(scheme.scale_exponents, scheme.speed_exponents)
        trained = design | {"scheme": name, "stop": _STOP}
        rule = Rule.at_most(0.0, accuracy=SLOPE_ACCURACY)
        if name == "mup":
            rule = Rule.number(resolution=HALF_STEP, accuracy=SLOPE_ACCURACY)
        for layer, exponent in zip(_LAYERS, predicted, strict=True):
            yield Row(f"coordinates-training-{name}-{layer}", float(exponent), rule, trained)


COORDINATES = Claim(
    name="coordinates",
    source="Yang & Hu 2021 (arXiv 2011.14522)",
    statement=(
        "In muP every layer changes at order one relative to its size at every width; in the standard and "
        "the NTK parametrisation the changes vanish as the width grows."
    ),
    check=check_coordinates,
    rows=tuple(_registered()),
)
