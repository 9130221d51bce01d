"""How often does the coordinate check judge a transformer as it should, done right and broken in six ways?

Networks are drawn and trained `DRAWS` times at every width, a share of them on each of `DATA` data sets,
and kept. A repetition picks a data set and at every width `SEEDS` of its draws, as if no others were
there, and judges them. Beside the verdict stands what a slope fitted by least squares to the classical
quantities says, the mean size of outputs and of what softmaxes get: a slope above `SLOPE` is a fault.

Draws are kept in results/check_power_draws.npz as they are made: a run that was stopped goes on there, and
`python -m benchmarks check_power` with all of them only judges. With the name of a sample and recipes,
`python -m benchmarks.check_power fresh none rate`, it does so recipe by recipe. The sample `fresh` has other
networks on other data sets, which no threshold and no rule was chosen on; `half` breaks them by half of the
power of every fault. These draws are not kept.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.__main__ import RESULTS, machine
from benchmarks.check_power_networks import FAULTS, Fault, Recipe, optimiser, tokens, transformer
from lazyscope.study import coordinate_check
from lazyscope.study.coordinates.trained._exponents import TrainedMeasured, exponents_of
from lazyscope.study.coordinates.trained._verdict import Subject, evidence_of

WIDTHS = (32, 64, 128, 256)
SEEDS = 4
DRAWS = 40
DATA = 4
REPETITIONS = 100
FIRST = 10
"""Data sets and seeds count from here: thresholds were chosen while looking at 0 and 1."""
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
UNUSED = ("size", "step", "displacement", "own_end", "reach_end")
"""What no verdict rests on, which is not fitted here."""
KEPT = RESULTS / "check_power_draws.npz"


class Sample(NamedTuple):
    """Which networks are drawn.

    Attributes:
        first: data sets and seeds count from here.
        strength: of the faults.
        kept: whether draws are kept.
    """

    first: int
    strength: float = 1.0
    kept: bool = False


STORED = Sample(FIRST, kept=True)
SAMPLES = {"stored": STORED, "fresh": Sample(50), "half": Sample(90, strength=0.5)}


def run(faults: Sequence[Fault] = ("none", *FAULTS), sample: Sample = STORED) -> dict[str, Any]:
    """Draw what is missing, then judge these recipes in every repetition."""
    torch.set_num_threads(1)
    draws = dict(np.load(KEPT)) if sample.kept and KEPT.exists() else {}
    recipes: dict[Fault, Recipe] = {fault: Recipe(fault, sample.strength) for fault in faults}
    verdicts, seconds = [], []
    for fault, recipe in recipes.items():
        template = None
        for data in range(DATA):
            if f"{fault} {data} own" in draws and template is not None:
                continue
            many = DRAWS // DATA if f"{fault} {data} own" not in draws else 2
            began = time.process_time()
            template = checked(recipe, sample.first + data, many)
            if many == DRAWS // DATA:
                seconds.append(time.process_time() - began)
                draws |= {
                    f"{fault} {data} {name}": np.asarray(values, np.float32)
                    for name, values in template.measured._asdict().items()
                }
                if sample.kept:
                    np.savez_compressed(KEPT, **draws)
        verdicts += [
            {"fault": fault, "repetition": k} | judged(template, draws, recipe, (sample.first, k))
            for k in range(REPETITIONS)
        ]
    return {
        "widths": WIDTHS,
        "seeds": SEEDS,
        "steps": STEPS,
        "draws": DRAWS,
        "data_sets": DATA,
        "strength": sample.strength,
        "processor_seconds_of_draws": [round(each, 2) for each in seconds],
        "rows": [
            {"fault": fault} | counted([r for r in verdicts if r["fault"] == fault])
            for fault in recipes
        ],
        "asked": "faults contradicted or named in 95 %; a right one contradicted in 5 %, undecided in 10 %",
        "verdicts": verdicts,
    }


def checked(recipe: Recipe, data: int, seeds: int) -> Any:
    """The check of a recipe on a data set, with so many networks of every width."""
    return coordinate_check(
        lambda width, seed: transformer(width, seed + 100 * data, recipe),
        tokens(data),
        WIDTHS,
        seeds,
        steps=STEPS,
        train=lambda module: optimiser(module, recipe),
        loss="cross-entropy",
    )


def judged(
    template: Any, draws: dict[str, np.ndarray], recipe: Recipe, seed: tuple[int, int]
) -> dict[str, Any]:
    """The verdict on one recipe from some of its draws."""
    rng = np.random.default_rng(seed)
    data = int(rng.integers(DATA))
    chosen = np.stack([rng.choice(DRAWS // DATA, SEEDS, replace=False) for _ in WIDTHS])
    rows = np.arange(len(WIDTHS))[:, None]
    found = {}
    for name in TrainedMeasured._fields:
        values = draws[f"{recipe.fault} {data} {name}"].astype(float)
        found[name] = values[rows, chosen] if name == "loss" else values[..., rows, chosen]
    measured = TrainedMeasured(**found)
    fitted = measured._replace(
        **{name: np.full_like(getattr(measured, name), np.nan) for name in UNUSED}
    )
    check = dataclasses.replace(
        template,
        seeds=SEEDS,
        measured=measured,
        exponents=exponents_of(fitted, WIDTHS, template.arrays),
    )
    advice = [f"{each.what} times m^{each.exponent:g}" for each in check.changes_to_mup]
    wanted = NAMED.get(recipe.fault, "nothing")
    answer = check.verdict("mup")["answer"]
    every = evidence_of("mup", Subject(check.arrays, check.exponents, check.heads_grow))
    alone = answer == "supported" and all(e.settles() for e in every or () if e.shows)
    return {
        "data": data,
        "answer": answer,
        "alone": alone,
        "named": any(each.startswith(wanted) for each in advice),
        "advised": len(advice),
        "slope": round(largest_slope(measured), 3),
    }


def counted(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many repetitions ended how."""
    answers = [row["answer"] for row in rows]
    return {
        "repetitions": len(rows),
        "contradicted": answers.count("contradicted"),
        "undecided": answers.count("undecided"),
        "supported": answers.count("supported"),
        "supported, were each interval to settle it alone": sum(row["alone"] for row in rows),
        "named": sum(row["named"] for row in rows),
        "slope says fault": sum(row["slope"] > SLOPE for row in rows),
    }


def largest_slope(measured: Any) -> float:
    """The steepest of the fitted slopes."""
    sizes = [np.hypot(measured.output, measured.output_change_end)]
    sizes += list(np.hypot(measured.scores, measured.score_change))
    logs = [np.log(each.mean(axis=1)) for each in sizes]
    return float(max(np.polyfit(np.log(WIDTHS), each, 1)[0] for each in logs))


def main(sample: str, *faults: Fault) -> int:
    """Some recipes, kept beside those that are there: python -m benchmarks.check_power SAMPLE FAULT .."""
    path = RESULTS / ("check_power.json" if sample == "stored" else f"check_power_{sample}.json")
    for fault in faults or ("none", *FAULTS):
        made = run((fault,), SAMPLES[sample])
        print(made["rows"], flush=True)
        old = json.loads(path.read_text()) if path.exists() else {}
        for name in ("rows", "verdicts"):
            made[name] = [r for r in old.get(name, ()) if r["fault"] != fault] + made[name]
        report = {"benchmark": "check_power", "sample": sample, "machine": machine(), **made}
        path.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # pyright: ignore[reportArgumentType]
