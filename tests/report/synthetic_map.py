"""What would a stored phase diagram look like? Made-up runs and estimates on a small plane."""

import json

import numpy as np
import xarray as xr

WIDTHS = (300, 966, 3106, 10000)


def synthetic_map(
    *,
    num_cells: int = 11,
    widths: tuple[int, ...] = WIDTHS,
    num_seeds: int = 3,
    num_records: int = 64,
    num_neurons: int = 256,
    num_failed: int = 4,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Runs and estimates whose exponents fall on a plane with a kink; a few cells fail."""
    draw = np.random.default_rng(17)
    gamma = np.linspace(0.25, 1.75, num_cells)
    gamma_prime = np.linspace(-0.5, 1.0, num_cells)
    exponent = _exponents(gamma, gamma_prime)
    noise = 0.03 * draw.standard_normal((num_cells, num_cells, len(widths), num_seeds, 2))
    log_width = np.log(np.array(widths))[:, None, None]
    displacement = 1.3 * np.exp(exponent[:, :, None, None, :] * log_width + noise)
    outcome = np.full(displacement.shape[:-1], "converged", dtype="<U12")
    for place in draw.choice(num_cells**2, num_failed, replace=False):
        i, j = divmod(int(place), num_cells)
        outcome[i, j, -1, 0] = "diverged"
        displacement[i, j, -1, 0] = np.nan
    outcome[-1, 0] = "out-of-steps"
    displacement[-1, 0] = np.nan
    runs = _runs(draw, gamma, gamma_prime, widths, num_records, num_neurons, displacement, outcome)
    return runs, _estimates(draw, gamma, gamma_prime, np.array(widths), exponent)


def _exponents(gamma, gamma_prime):
    """Exponents of two layers: lazy on the left, one layer growing in the lower right corner."""
    g, h = np.meshgrid(gamma, gamma_prime, indexing="ij")
    first = np.where(g < 1, -np.minimum(1 - g, 0.5) - np.maximum(h, 0), (g - 1 - h) / 2)
    second = np.where(g < 1, -np.minimum(1 - g, 0.5) + np.minimum(h, 0), (g - 1 + h) / 2)
    return np.stack([first, second], axis=-1)


def _runs(draw, gamma, gamma_prime, widths, num_records, num_neurons, displacement, outcome):
    dims = ("gamma", "gamma_prime", "width", "seed")
    shape = outcome.shape
    time = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, num_records - 1)])
    time = time * np.exp(draw.standard_normal(shape))[..., None]
    loss = 0.4 * np.exp(-9 * time)
    length = draw.integers(num_records // 2, num_records, shape)
    loss[np.arange(num_records) >= length[..., None]] = np.nan
    weights = draw.standard_normal((*shape, num_neurons, 2))
    after = weights + displacement[..., 0][..., None, None] * np.array([0.3, 1.0])
    outputs = draw.standard_normal((*shape, num_neurons, 1))
    data = {
        "outcome": (dims, outcome),
        "seconds": (dims, 0.05 + 0.01 * draw.random(shape)),
        "steps": (dims, np.full(shape, 12.0)),
        "displacement_operator": ((*dims, "layer"), displacement),
        "curve_time": ((*dims, "record"), time),
        "curve_loss": ((*dims, "record"), loss),
        "input_weights_initial": ((*dims, "neuron", "feature"), weights),
        "input_weights_final": ((*dims, "neuron", "feature"), after),
        "output_weights_initial": ((*dims, "neuron", "output"), outputs),
        "output_weights_final": ((*dims, "neuron", "output"), outputs * 1.1),
    }
    coords = {
        "gamma": gamma,
        "gamma_prime": gamma_prime,
        "width": list(widths),
        "seed": np.arange(shape[-1]),
        "layer": [1, 2],
    }
    attrs = {
        "title": "two-layer",
        "settings": json.dumps({"data": "four-points", "activation": "relu", "stop": 1e-4}),
        "batches": json.dumps([{"lazyscope_version": "0.1.0", "jax_version": "0.10.2"}]),
        "design": json.dumps({"axes": {"width": list(widths)}}),
    }
    return xr.Dataset(data, coords, attrs)


def _estimates(draw, gamma, gamma_prime, widths, exponent):
    dims = ("gamma", "gamma_prime", "layer")
    measured = exponent + 0.03 * draw.standard_normal(exponent.shape)
    half = 0.04 + 0.05 * draw.random(exponent.shape)
    measured[-1, 0] = np.nan
    low, high = measured - half, measured + half
    sign = np.where(low > 0, "positive", np.where(high < 0, "negative", "undecided"))
    inside = (low <= exponent) & (exponent <= high)
    verdict = np.where(inside, "agrees", "disagrees")
    verdict[~np.isfinite(measured)] = "undecided"
    low[-1, 0], high[-1, 0] = -np.inf, np.inf
    fit_width = np.geomspace(widths[0], widths[-1], 24)
    fit = 1.3 * np.exp(exponent[..., None] * np.log(fit_width))
    fit[-1, 0] = np.nan
    boundaries = [
        {"name": "theory", "kind": "predicted", "x": [1.0, 1.0], "y": [0.0, 1.0]},
        {"name": "theory, corner", "kind": "predicted", "x": [1.0, 1.75], "y": [0.0, 0.75]},
        {"name": "measured", "kind": "measured", "x": [0.97, 1.02], "y": [0.0, 1.0]},
    ]
    return xr.Dataset(
        {
            "exponent": (dims, measured),
            "low": (dims, low),
            "high": (dims, high),
            "predicted": (dims, exponent),
            "sign": (dims, sign),
            "verdict": (dims, verdict),
            "fit": ((*dims, "fit_width"), fit),
            "order": (dims[:2], draw.random(exponent.shape[:2]), {"long_name": "condensation"}),
        },
        {"gamma": gamma, "gamma_prime": gamma_prime, "layer": [1, 2], "fit_width": fit_width},
        {
            "level": 0.95,
            "title": "Where does a two-layer network leave the lazy regime?",
            "boundaries": json.dumps(boundaries),
            "regions": json.dumps([{"name": "linear", "x": 0.5, "y": 0.5}]),
            "verdict": json.dumps({"sentence": "240 of 242 intervals hold.", "supported": True}),
        },
    )
