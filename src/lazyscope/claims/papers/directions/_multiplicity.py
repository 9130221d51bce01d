"""On how many directions do input weights gather where the activation has a double zero?

While weights and outputs are small ``u tanh u`` is u^2, and unit k obeys ``w' = 2 a Q w``, ``a' = w Q w``
with one matrix ``Q = sum_i y_i x_i x_i^T / n`` for all units. Its direction turns towards the eigenvector
of the largest eigenvalue where a > 0 and of the smallest where a < 0, each with either sign: four
directions with one input and a bias, where ``w' = a v`` of tanh has two. Growth feeds on its own size: at
equal scales it is a blow-up in finite time, and the unit that is first leaves the others where they were.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from lazyscope.claims._finding import Finding
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.papers.directions._training import SIZE, Trained, numbered, slopes, train
from lazyscope.data import Dataset
from lazyscope.measure import condensation, mean_estimate

SETS, WIDTH, POINTS = 16, 1024, 8
LARGE_OUTPUT = (3e-5, 0.1)
"""Standard deviations of input and output weights: the second hardly move while the first grow."""
EQUAL = (1e-5, 1e-5)
WIDTHS = (64, 256, 1024, 4096)
STOP = 0.9
_CAP = np.pi / 18
_RULES = {
    "four-directions": Rule.number(resolution=0.5, accuracy=0.2),
    "which-four": Rule.at_least(0.9),
    "few-units": Rule.number(),
}
"""0.2 is what unequal masses do to a number of four, twice what they do to two."""
_PREDICTED = {"four-directions": 4.0, "which-four": None, "few-units": 0.0}
_NOISE = {
    "four-directions": {"model": "mean", "sd": 0.2},
    "which-four": {"model": "mean", "sd": 0.01, "exact": 0.95, "away": 0.5},
    "few-units": {"model": "mean", "sd": 0.02},
}


def multiplicity_rows() -> Iterator[Row]:
    """What `multiplicity_findings` claims."""
    source = "a pilot of six other sets and networks (seeds 9000 to 9005)"
    for name, rule in _RULES.items():
        unequal = name != "few-units"
        design = {
            "activation": "xtanh",
            "points": f"{POINTS} of one input in [-1, 1] and a bias, targets quadratic, Q without trace",
            "targets": SIZE,
            "stop": STOP,
            "weights": LARGE_OUTPUT if unequal else EQUAL,
            "width": WIDTH if unequal else WIDTHS,
            "seeds": SETS,
        }
        noise = _NOISE[name] | {"source": source}
        yield Row(name, _PREDICTED[name], rule, design, noise=noise)


def multiplicity_findings(seeds: range) -> Iterator[Finding]:
    """Two rows of how directions are filled, one of how many units fill them."""
    wide = [_trained(WIDTH, LARGE_OUTPUT, seed) for seed in seeds]
    equal = [[_trained(width, EQUAL, seed) for width in WIDTHS] for seed in seeds]
    counts = np.array([[units_that_carry(each) for each in row] for row in equal])
    values = {
        "four-directions": np.array([_directions(each) for each in wide]),
        "which-four": np.array(
            [predicted_share(each, seed) for each, seed in zip(wide, seeds, strict=True)]
        ),
        "few-units": slopes(WIDTHS, counts),
    }
    claims = {
        "four-directions": "x tanh x, one input and a bias, large output weights: the effective number of "
        "directions of the input weights when the loss begins to fall is twice the multiplicity: 4",
        "which-four": "there, the mass within 10 degrees of plus or minus the eigenvector of the largest "
        "eigenvalue of sum y x x^T with a > 0, or of the smallest with a < 0: at least 0.9",
        "few-units": "x tanh x, both layers alike: the number of units that carry what is learned when the "
        "loss begins to fall does not grow with the width: m^0 (all units alike: m^1)",
    }
    notes = {
        "four-directions": f"Number of units at work: {_told(wide)}.",
        "which-four": "Random weights have a share of 0.11.",
        "few-units": "Means by width: "
        + ", ".join(f"{mean:.2f}" for mean in np.exp(np.nanmean(np.log(counts), axis=0)))
        + ".",
    }
    for name, found in values.items():
        basis = (
            f"{POINTS} points of one input with a bias, targets quadratic, {len(seeds)} sets with a network "
            f"each, {WIDTH if name != 'few-units' else ', '.join(map(str, WIDTHS))} units, centred, flow to "
            f"{STOP:g} of the initial loss"
        )
        yield judged(name, claims[name], found, _RULES[name], _PREDICTED[name], basis, notes[name])


def judged(
    name: str,
    claim: str,
    values: Float[np.ndarray, " sets"],
    rule: Rule,
    prediction: float | None,
    basis: str,
    note: str = "",
) -> Finding:
    """The row of one value a set; undecided where a run did not come down."""
    if not np.isfinite(values).all():
        failed = f"{int((~np.isfinite(values)).sum())} of {len(values)} did not converge."
        return Finding(name, claim, prediction, None, "undecided", basis, note=failed)
    found = mean_estimate(values)
    verdict = rule.judge(found, prediction) or "undecided"
    note = f"{note} Interval over sets.".strip()
    return Finding(name, claim, prediction, found, verdict, basis, note=note)


def one_input(seed: int) -> Dataset:
    """Points (x, 1) with targets that are quadratic in x and make Q a matrix without trace.

    Q then has two eigenvalues of one size and either sign.
    """
    rng = np.random.default_rng([seed, POINTS])
    x = rng.uniform(-1.0, 1.0, POINTS)
    y = np.vander(x, 3) @ rng.standard_normal(3)
    norm = x**2 + 1.0
    y -= norm * (norm @ y) / (norm @ norm)
    y *= SIZE / np.sqrt(np.mean(y**2))
    return numbered(np.stack([x, np.ones(POINTS)], axis=1), y, "one input")


def _trained(width: int, stds: tuple[float, float], seed: int) -> Trained:
    alpha = tuple(std * width**0.5 for std in stds)
    given = one_input(seed)
    return train(given, alpha, width=width, activation="xtanh", seed=seed, stop=STOP)


def _directions(found: Trained) -> float:
    if not found.converged:
        return float("nan")
    told = condensation(found.after, found.output, num_directions=4, num_null=8)
    return told.effective_directions.value


def predicted_share(found: Trained, seed: int) -> float:
    """Part of the mass ``|a| |w|`` within ten degrees of where theory has it, with the sign of a."""
    if not found.converged:
        return float("nan")
    data = one_input(seed)
    matrix = (data.x_train.T * data.y_train[:, 0]) @ data.x_train
    lowest, highest = np.linalg.eigh(matrix)[1].T
    size = np.linalg.norm(found.after, axis=1)
    mass = np.abs(found.output) * size
    toward = np.where(found.output[:, None] > 0, highest, lowest)
    cosine = np.abs((found.after * toward).sum(axis=1)) / size
    return float(mass[cosine >= np.cos(_CAP)].sum() / mass.sum())


def units_that_carry(found: Trained) -> float:
    """1 / (probability that two units, drawn by what they add to the outputs, are one); NaN if failed."""
    if not found.converged:
        return float("nan")
    mass = np.abs(found.output) * np.linalg.norm(found.after, axis=1) ** 2
    return float(mass.sum() ** 2 / (mass**2).sum())


def _told(found: list[Trained]) -> str:
    counts = [units_that_carry(each) for each in found]
    return f"{np.nanmin(counts):.0f} to {np.nanmax(counts):.0f} of {WIDTH}"
