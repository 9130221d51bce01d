"""How often does the coordinate check judge a transformer as it should, done right and broken in six ways?

Every repetition draws networks and data anew. Beside the verdict stands what a slope fitted by least squares
to the classical quantity, the size of the outputs and of what softmaxes get, would say:
a slope above `SLOPE` is a fault.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.check_power_networks import FAULTS, Fault, Recipe, optimiser, tokens, transformer
from lazyscope.study import coordinate_check

WIDTHS = (32, 64, 128, 256)
SEEDS = 4
REPETITIONS = 5
FIRST = 10
"""Repetitions count from here: thresholds were chosen while looking at 0 and 1."""
STEPS = 1
"""Nothing here starts at zero, so all arrays are judged from their first step."""
SLOPE = 0.2
NAMED: dict[Fault, str] = {
    "multiplier": "multiplier of readout.weight",
    "rate": "learning rate of blocks",
    "readout": "initial weights",
    "embedding": "what the blocks are added to",
    "attention": "scale of attention",
    "decay": "weight decay of blocks",
}
"""How advice starts that names a fault."""


def run() -> dict[str, Any]:
    """Judge all recipes in every repetition."""
    torch.set_num_threads(1)
    began = time.process_time()
    recipes: dict[Fault, Recipe] = {fault: Recipe(fault) for fault in ("none", *FAULTS)}
    verdicts = [
        {"fault": fault, "repetition": repetition} | judged(repetition, recipe)
        for repetition in range(FIRST, FIRST + REPETITIONS)
        for fault, recipe in recipes.items()
    ]
    return {
        "widths": WIDTHS,
        "seeds": SEEDS,
        "steps": STEPS,
        "processor_seconds": round(time.process_time() - began, 1),
        "rows": [
            {"fault": fault} | counted([r for r in verdicts if r["fault"] == fault])
            for fault in recipes
        ],
        "verdicts": verdicts,
    }


def judged(repetition: int, recipe: Recipe) -> dict[str, Any]:
    """The verdict on one recipe in one repetition."""
    check = coordinate_check(
        lambda width, seed: transformer(width, seed + 100 * repetition, recipe),
        tokens(repetition),
        WIDTHS,
        SEEDS,
        steps=STEPS,
        train=lambda module: optimiser(module, recipe),
        loss="cross-entropy",
    )
    advice = [f"{each.what} times m^{each.exponent:g}" for each in check.changes_to_mup]
    wanted = NAMED.get(recipe.fault, "nothing")
    return {
        "answer": check.verdict("mup")["answer"],
        "named": any(each.startswith(wanted) for each in advice),
        "advice": advice,
        "slope": round(largest_slope(check.measured), 3),
    }


def counted(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many repetitions ended how."""
    answers = [row["answer"] for row in rows]
    return {
        "repetitions": len(rows),
        "contradicted": answers.count("contradicted"),
        "undecided": answers.count("undecided"),
        "supported": answers.count("supported"),
        "named": sum(row["named"] for row in rows),
        "slope says fault": sum(row["slope"] > SLOPE for row in rows),
    }


def largest_slope(measured: Any) -> float:
    """The steepest of the fitted slopes."""
    sizes = [np.hypot(measured.output, measured.output_change_end)]
    sizes += list(np.hypot(measured.scores, measured.score_change))
    logs = [np.log(each.mean(axis=1)) for each in sizes]
    return float(max(np.polyfit(np.log(WIDTHS), each, 1)[0] for each in logs))
