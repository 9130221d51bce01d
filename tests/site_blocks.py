"""Blocks of README and docs: what comes before them, and which are left to `make nightly`."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```(\w*)[ ]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: its place on the page from one, language, the file that it is, and text."""

    number: int
    language: str
    title: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, addressed from the root of the project."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(number, found[1], _title(found[2], found[3]), found[3])
        for number, found in enumerate(_BLOCK.finditer(text), start=1)
    ]


def _title(options: str, text: str) -> str:
    told = re.search(r'title="([\w.]+\.\w+)"', options) or re.match(r"# (\w+\.py)\n", text)
    return told[1] if told else ""


# Tutorials are run by the build of the site, see test_built_site.py.
PAGES = [
    page
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md"))),
    ]
    if blocks_of(page)
]
FAST = [
    "docs/coming-from-mup.md",
    "docs/coming-from-neural-tangents.md",
    "docs/explorer.md",
    "docs/index.md",
    "docs/networks.md",
]


MINUTES, INSTALL, MAKE, NOT_HERE = "minutes", "install", "make", "not here"
# (page, number of the block): how `make nightly` runs it, and why it is not run with its page.
MARKED = {
    ("README.md", 1): (MAKE, "a study and the tests themselves"),
    ("README.md", 4): (INSTALL, "installation"),
    ("CONTRIBUTING.md", 1): (MAKE, "the tests themselves"),
    ("docs/index.md", 2): (INSTALL, "installation"),
    ("docs/pytorch.md", 1): (INSTALL, "installation"),
    ("docs/command-line.md", 1): (MINUTES, "a study, a sweep and claims"),
    ("docs/command-line.md", 2): (MINUTES, "a phase diagram"),
    ("docs/command-line.md", 3): (NOT_HERE, "hours: before a release, by hand"),
    ("docs/coordinate-check.md", 6): (NOT_HERE, "build, tokens and optimiser are the reader's own"),
    ("docs/narrow-proxy.md", 1): (MINUTES, "trainings at widths to 1024"),
    ("docs/sweeps.md", 6): (NOT_HERE, "a scheduler and workers that do not end"),
    ("docs/sweeps.md", 7): (NOT_HERE, "needs SLURM"),
}

_PLANE = """
from site_blocks import blocks_of
open("plane.toml", "w").write(next(b.text for b in blocks_of("docs/sweeps.md") if b.title))
"""
_MODEL = """
OPTIMISER = "\\ndef optimiser(params):\\n    import optax\\n    return optax.adam(1e-3)\\n"
from site_blocks import blocks_of
text = next(b.text for b in blocks_of("docs/coordinate-check.md") if b.title)
open("my_model.py", "w").write(text + OPTIMISER)
"""
# What a page leaves to its reader, run before the block.
BEFORE = {
    ("docs/command-line.md", 1): _PLANE,
    ("docs/coordinate-check.md", 1): _MODEL,
    ("docs/coordinate-check.md", 3): "import torch\nfrom torch import nn",
    ("docs/coordinate-check.md", 5): _MODEL,
    ("docs/narrow-proxy.md", 1): _MODEL,
    ("docs/narrow-proxy.md", 2): """
import jax, numpy as np
def build(width, seed):
    rng = np.random.default_rng([seed, width])
    params = {"first": rng.normal(size=(8, width)) / 8**0.5,
              "hidden": rng.normal(size=(width, width)) / width**0.5,
              "readout": rng.normal(size=(width, 3)) / width}
    def apply(p, x):
        return jax.nn.relu(jax.nn.relu(x @ p["first"]) @ p["hidden"]) @ p["readout"]
    return apply, params
x = np.random.default_rng(1).normal(size=(16, 8))
y = np.eye(3)[np.arange(16) % 3]
""",
    ("docs/observer.md", 2): """
from flax import linen
from lazyscope import as_function
class Model(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        return linen.Dense(1)(x)
model, key, count, x_probe, y_probe = Model(), jax.random.key(0), 1, x[:32], y[:32]
""",
    ("docs/observer.md", 3): "from lazyscope.observe import Cadence",
    ("docs/observer.md", 4): """
class wandb:
    log = staticmethod(lambda *told, **named: None)
compiled = step
step = lambda params, state, batch: compiled(params, state, *batch)
batches = [(x[:16], y[:16])] * 3
""",
    ("docs/observer.md", 5): """
import json
from pathlib import Path
from lazyscope.observe import join_observations
def watched(width, seed):
    draw = np.random.default_rng([seed, width])
    weights = {"first": {"w": jnp.asarray(draw.normal(size=(3, width)), jnp.float32)},
               "readout": {"w": jnp.asarray(draw.normal(size=(width, 1)) / width**0.5, jnp.float32)}}
    watching = Observer(apply, weights, x_probe, y_probe, groups=layers, cadence=Cadence(steps=8))
    held = optimizer.init(weights)
    for number in range(1, 9):
        weights, held, loss = compiled(weights, held, x[:32], y[:32])
        watching.observe(weights, step=number, loss=loss)
    return watching.record
records = {width: [watched(width, seed) for seed in range(2)] for width in (16, 32, 64)}
""",
    ("docs/report.md", 1): """
import shutil
from lazyscope.study import find_study, run_study
study = find_study("kappa")
small = study.given(widths=(16, 32), seeds=2, num_points=8, kappas=(16, 32, 64, 128), spreads=("balanced",))
run_study(study, small, "kappa")
shutil.copy("kappa/kappa.json", "kappa.json")
""",
    ("docs/report.md", 2): """
from lazyscope import SweepDesign, run_sweep
from lazyscope.study import map_estimates
axes = {"gamma": [0.5, 1.5], "gamma_prime": [0.0, 0.5], "width": [16, 32, 64], "seed": [0, 1]}
design = SweepDesign(record=["displacement"], axes=axes, fixed={"data": "four-points", "stop": 1e-2})
run_sweep(design, "two-layer")
from lazyscope.sweep import open_store as opened
estimates = map_estimates(opened("two-layer"))
""",
    ("docs/report.md", 3): 'result = json.loads(Path("kappa.json").read_text())',
    ("docs/sweeps.md", 4): """
import jax, numpy as np
rng = np.random.default_rng(0)
apply = lambda p, x: jax.numpy.tanh(x @ p["a"]) @ p["b"]
params = {"a": rng.normal(size=(3, 32)), "b": rng.normal(size=(32, 1)) / 32**0.5}
x, x_test = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
y, y_test = np.sign(x[:, :1]), np.sign(x_test[:, :1])
""",
}


def marked(page: str, block: Block) -> tuple[str, str] | None:
    """How the nightly tests run a block, and why it is not run with its page; None where it is."""
    return MARKED.get((page, block.number))
