"""What would stored studies of the output scale and of condensation look like? Made-up numbers."""

import json

import numpy as np
import xarray as xr

from report.synthetic_map import synthetic_map


def synthetic_output_scale() -> dict:
    """A record in which two quantities collapse on alpha sqrt(m); one run did not converge."""
    scales, widths, seeds = 2.0 ** np.arange(-2, 5), np.array([16, 64, 256]), 2
    kappa = scales * np.sqrt(widths)[:, None]
    noise = 1 + 0.02 * np.random.default_rng(5).standard_normal((*kappa.shape, seeds))
    displacement = (noise / kappa[..., None]).tolist()
    displacement[0][0][0] = None
    collapse = {
        "level": 0.3,
        "predicted": 0.5,
        "power": 0.49,
        "interval": [0.41, 0.55],
        "verdict": "agrees",
        "note": "",
        "closest_power": 0.5,
        "thresholds": (3.0 / np.sqrt(widths)[:, None] * noise[:, 0]).tolist(),
        "powers": [0.0, 0.25, 0.5, 0.75],
        "spreads": [0.7, 0.3, 0.02, None],
        "spread_at_equal_scale": 0.7,
        "spread_at_predicted_power": 0.02,
        "spread_between_seeds": 0.03,
    }
    unknown = {**collapse, "power": None, "interval": [None, None], "verdict": "undecided"}
    return {
        "study": "output-scale",
        "format": 1,
        "title": "Do scaled outputs <leave> the lazy regime?",
        "lazyscope": "0.1.0",
        "created": "2026-11-24T12:00:00+00:00",
        "settings": {
            "scheme": "ntk",
            "depth": 1,
            "activation": "softplus",
            "data": "digits",
            "num_points": 32,
            "versions": {"lazyscope": "0.1.0", "jax": "0.10.2"},
            "command": "lazyscope study output-scale --output there",
        },
        "output_scale": scales.tolist(),
        "widths": widths.tolist(),
        "kappa": kappa.tolist(),
        "kappa_exponent": 0.5,
        "quantities": {
            "displacement": {"label": "largest displacement", "values": displacement},
            "kernel_change": {
                "label": "kernel change",
                "values": (noise / kappa[..., None]).tolist(),
            },
            "test_error": {"label": "test error", "values": (0.0 * noise).tolist()},
        },
        "collapse": {
            "displacement": collapse,
            "kernel_change": {**unknown, "thresholds": [[None, None]] * 3},
        },
        "lazy_slope": {
            "predicted": -1.0,
            "below": 0.1,
            "num_runs": 12,
            "slope": -0.998,
            "interval": [-1.01, -0.99],
            "note": "",
        },
        "outcomes": {"converged": 41, "diverged": 1},
        "verdict": {"supported": True, "sentence": "The displacement comes down with p = 0.49."},
    }


def synthetic_condensation(num_cells: int = 4) -> tuple[xr.Dataset, xr.Dataset]:
    """Runs with weights of three stages, and order parameters that step at the boundary."""
    runs, estimates = synthetic_map(
        num_cells=num_cells, widths=(10, 100, 1000), num_seeds=2, num_neurons=16, num_failed=1
    )
    early = {
        f"{name}_weights_early": runs[f"{name}_weights_initial"] * 1.5
        for name in ("input", "output")
    }
    runs = runs.assign(early).assign_attrs(early_stop=0.9)
    predicted = estimates["predicted"].values[:, :, 0]
    step = 1 / (1 + np.exp(-np.log([10, 100, 1000]) * predicted[:, :, None]))
    order = np.stack([0 * step, 0.9 * step, step], axis=2)[..., None] * np.ones(2)
    plane = ("gamma", "gamma_prime")
    estimates = estimates.drop_vars("order").assign(
        order_final=(plane, step[:, :, -1], {"long_name": "order parameter after training"}),
        order=((*plane, "stage", "width", "seed"), order),
        directions=((*plane, "stage", "width", "seed"), 10 * (1 - order)),
        distance=((*plane, "layer"), np.abs(estimates["predicted"].values)),
    )
    estimates = estimates.assign_coords(
        stage=["initial", "early", "final"], width=[10, 100, 1000], seed=[0, 1]
    )
    check = {
        "margin": 0.1,
        "condensed": 5,
        "lazy": 8,
        "above": 5,
        "below": 7,
        "early_above": 4,
        "early_below": 8,
        "rising": 5,
        "falling": 8,
        "lowest_condensed": 0.6,
        "highest_lazy": 0.25,
        "supported": True,
        "sentence": "Condensed cells stand out.",
    }
    return runs, estimates.assign_attrs(
        shown="order_final",
        num_directions=4,
        side_check=json.dumps(check),
        verdict=json.dumps({"supported": True, "sentence": check["sentence"]}),
    )
