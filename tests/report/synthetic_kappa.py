"""What would a stored kappa study look like? Made-up numbers with the right shape and spread."""

import math
from typing import Any

import numpy as np

SHAPES = {
    "balanced": ("every layer at the same scale", 0.9, (1.0, 1.0, 1.0)),
    "ntk-like": ("the first layer carries all of kappa", 1.4, (0.25, 1.0, 1.0)),
    "small-readout": ("a readout below one, the others above", 1.1, (0.3, 0.3, 1.0)),
    "small-input": ("an input layer below one, the others above", 1.2, (1.0, 0.3, 0.3)),
    "random": ("drawn at random from the simplex", 0.8, (0.5, 1.0, 0.7)),
}


def synthetic_result(
    *,
    shapes: dict[str, Any] | None = None,
    widths: tuple[int, ...] = (128, 256, 512),
    kappas: tuple[float, ...] = (1, 2, 4, 8, 16, 32),
    seeds: tuple[int, ...] = (0, 1, 2),
    num_failed: int = 3,
    num_test: int = 64,
) -> dict[str, Any]:
    """A result of format 1 whose displacement is c(shape) / kappa with 8 % scatter."""
    shapes = SHAPES if shapes is None else shapes
    draw = np.random.default_rng(20240404)
    runs, curves, outputs = [], [], []
    target = np.sign(draw.standard_normal(num_test))
    for shape, (_, constant, split) in shapes.items():
        for width in widths:
            for kappa in kappas:
                for seed in seeds:
                    run = _run(draw, shape, width, kappa, seed, constant, np.array(split))
                    runs.append(run)
                    curves.append(_curve(draw, run))
                    if seed == seeds[0] and width == widths[-1]:
                        outputs.append(_outputs(draw, run, target))
    for index in np.linspace(0, len(runs) - 1, num_failed + 2, dtype=int)[1:-1]:
        _fail(runs[index], curves[index], "diverged" if index % 2 else "out-of-steps")
    return {
        "study": "kappa",
        "format": 1,
        "lazyscope": "0.1.0",
        "created": "2026-11-24T10:40:12+00:00",
        "settings": _settings(shapes, widths, kappas, seeds, num_test),
        "runs": runs,
        "curves": curves,
        "test_outputs": outputs,
        "fits": _fits(draw, shapes, len(runs) // max(len(shapes), 1)),
        "collapse": [
            {"shape": s, "kappa": float(k), "width_spread": abs(0.08 + 0.04 * draw.normal())}
            for s in shapes
            for k in kappas
        ],
        "schemes": [_scheme(s, text, len(split)) for s, (text, _, split) in shapes.items()],
        "verdict": {
            "sentence": (
                "On 64 images of digits the largest relative displacement falls like "
                "kappa^-0.99 (95 % interval -1.03 to -0.95 over five shapes), against the "
                "predicted kappa^-1: theta-lazy training is supported in 5 of 5 shapes."
            ),
            "supported": True,
        },
        "timing": {"compile_seconds": 21.4, "run_seconds": 38.2, "total_seconds": 61.0},
    }


def _run(draw, shape, width, kappa, seed, constant, split) -> dict[str, Any]:
    size = constant / kappa * math.exp(0.08 * draw.normal() - 0.02 * math.log2(width / 128))
    layers = size * split * np.exp(0.05 * draw.normal(size=split.size))
    forecast = layers * np.exp(0.05 * draw.normal(size=split.size) + 0.25 * size)
    rate = 0.011 * kappa**2 * math.exp(0.1 * draw.normal())
    gap = 0.6 * size * math.exp(0.15 * draw.normal())
    alpha = np.exp(np.log(kappa) * split / split.sum())
    return {
        "shape": shape,
        "width": width,
        "kappa": float(kappa),
        "seed": seed,
        "alpha": alpha.tolist(),
        "speed": [1.0] * split.size,
        "outcome": "converged",
        "steps": int(6 + 60 * size),
        "time": float(7.6 / rate),
        "loss_initial": 0.5,
        "loss_final": 5e-5,
        "displacement": {"operator": (1.2 * layers).tolist(), "frobenius": layers.tolist()},
        "forecast": {"frobenius": forecast.tolist()},
        "largest_displacement": float((1.2 * layers).max()),
        "kernel_change": float(min(1.5, 0.9 * size * math.exp(0.1 * draw.normal()))),
        "linearisation_gap": {"train": 0.7 * gap, "test": gap},
        "decay_rate": {
            "measured": rate,
            "bound": rate * (0.55 + 0.05 * draw.normal()),
            "kernel": rate * math.exp(-0.4 * size * draw.uniform(0.5, 1.5)),
        },
        "lambda_min": rate * 29.0,
        "lambda_max": rate * 2900.0,
        "test_error": {"network": 0.21 + 0.03 * draw.normal(), "kernel": 0.22},
        "wall_seconds": 0.14,
    }


def _curve(draw, run) -> dict[str, Any]:
    end = run["time"]
    time = np.concatenate([[0.0], np.geomspace(end * 1e-4, end, 40)])
    rate = run["decay_rate"]["measured"]
    fast = 0.8 * np.exp(-40 * rate * time) + 0.2 * np.exp(-rate * time)
    wobble = np.exp(0.3 / run["kappa"] * np.linspace(0, 1, time.size) * draw.normal())
    return {
        **{name: run[name] for name in ("shape", "width", "kappa", "seed")},
        "time": time.tolist(),
        "loss": (0.5 * fast * wobble).tolist(),
        "bound": (0.5 * np.exp(-run["decay_rate"]["bound"] * time)).tolist(),
        "linearised": (0.5 * fast).tolist(),
    }


def _outputs(draw, run, target) -> dict[str, Any]:
    kernel = 0.75 * target + 0.35 * draw.standard_normal(target.size)
    noise = draw.standard_normal(target.size) * run["linearisation_gap"]["test"]
    return {
        **{name: run[name] for name in ("shape", "width", "kappa", "seed")},
        "network": (kernel + noise).tolist(),
        "kernel": kernel.tolist(),
        "target": target.tolist(),
    }


def _fail(run, curve, outcome) -> None:
    """Turn one run into a failed one: no end, so no measured numbers."""
    run["outcome"] = outcome
    run["displacement"] = {"operator": [None] * 3, "frobenius": [None] * 3}
    for name in ("largest_displacement", "kernel_change", "loss_final"):
        run[name] = None
    run["linearisation_gap"] = {"train": None, "test": None}
    run["decay_rate"] = {**run["decay_rate"], "measured": None}
    run["test_error"] = {**run["test_error"], "network": None}
    curve["loss"][-10:] = [None] * 10


def _fits(draw, shapes, num_runs) -> list[dict[str, Any]]:
    rows = []
    for shape in shapes:
        slope = -1 + 0.02 * draw.normal()
        rows.append(
            {
                "shape": shape,
                "slope": slope,
                "interval": [slope - 0.04, slope + 0.04],
                "level": 0.95,
                "predicted": -1.0,
                "verdict": "agrees",
                "num_runs": num_runs,
                "kappa_range": [4.0, 32.0],
                "uncorrected_slope": slope + 0.01,
                "note": "",
            }
        )
    if rows:
        rows[-1] |= {"slope": -0.8, "interval": [-1.05, -0.55], "verdict": "undecided"}
    return rows


def _scheme(shape, description, num_layers) -> dict[str, Any]:
    return {
        "shape": shape,
        "description": description,
        "alpha": f"kappa^(1/{num_layers}) in every layer",
        "scale_exponents": [0.5 / num_layers] * num_layers,
        "displacement_exponents": [-0.5] * num_layers,
        "layer_regimes": ["lazy"] * num_layers,
        "regime": "theta-lazy",
        "source": "Li, Luo & Zhou 2024",
    }


def _settings(shapes, widths, kappas, seeds, num_test) -> dict[str, Any]:
    return {
        "data": "digits",
        "description": ["8 x 8 images of handwritten digits", "each input brought to norm one"],
        "num_points": 64,
        "num_test": num_test,
        "num_outputs": 1,
        "target": "parity",
        "activation": "relu",
        "depth": 2,
        "widths": list(widths),
        "kappas": [float(k) for k in kappas],
        "seeds": list(seeds),
        "shapes": list(shapes),
        "stop": 1e-4,
        "centred": True,
        "method": "exponential flow",
        "tolerance": 0.03,
        "versions": {"jax": "0.10.2", "numpy": "2.3.4", "python": "3.13.1"},
    }
