"""Do names that prose puts between backticks exist?"""

import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

import lazyscope

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = {
    # of JAX, PyTorch, scikit-learn, mup and neural-tangents
    "jax_debug_nans",
    "jax_numpy_rank_promotion",
    "register_full_backward_hook",
    "load_state_dict",
    "nesterov",
    "amsgrad",
    "width_per_group",
    "check_estimator",
    "decision_function",
    "set_base_shapes",
    "MuAdam",
    "MuReadout",
    "plot_coord_data",
    "kernel_fn",
    "monte_carlo_kernel_fn",
    "empirical_ntk_fn",
    "empirical_nngp_fn",
    "taylor_expand",
    "stax",
    "init_fn",
    "apply_fn",
    "gradient_descent_mse_ensemble",
    "Conv",
    "AvgPool",
    "GlobalAvgPool",
    "GlobalSelfAttention",
    # families that benchmarks draw, extras of the package, JavaScript of pages
    "floor_and_correction",
    "floor_inside",
    "floor_beyond",
    "saturation",
    "gpu",
    "bench",
    "dev",
    "makers",
}
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@cache
def words():
    """Every identifier that the package writes anywhere."""
    texts = (path.read_text() for path in Path(lazyscope.__file__).parent.rglob("*.py"))
    return {word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text)}


def names_of(page):
    """Names that stand for themselves, or are called, between backticks; numbers of commits are none."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for code in re.findall(r"`([^`\n]+)`", prose):
        found = re.match(rf"({NAME.pattern})(\(|$)", code)
        if found and not re.fullmatch(r"[0-9a-f]{12}", code):
            yield found[1]
        else:
            named = re.match(rf"({NAME.pattern})\b(?!\s*[/:\\-])", code)
            if named and named[1].split(".")[0] in {"lazyscope", *lazyscope._ROOMS}:
                yield named[1]


def exists(name):
    """Whether a name may be one of ours: by its path, or as some attribute, argument or option."""
    head, *rest = name.split(".")
    if name in OTHERS or set(rest) & OTHERS:
        return True
    if head in lazyscope._ROOMS:
        head, rest = "lazyscope", [head, *rest]
    if head == "lazyscope" and rest and rest[0] in lazyscope._ROOMS and len(rest) > 1:
        if rest[0] == "torch" and importlib.util.find_spec("torch") is None:
            return True  # an extra
        if hasattr(importlib.import_module(f"lazyscope.{rest[0]}"), rest[1]):
            return True
    return rest[-1] in words() if rest else head in words()


def dotted_others(name):
    """Names of other packages, of objects of users, and of files."""
    return name.startswith(
        ("torch.", "nn.", "model.", "jax.", "jnp.", "np.", "numpy.", "nt.", "mup.", "stax.")
    ) or name.endswith((".cff", ".md", ".toml", ".yml", ".json", ".py", ".html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_between_backticks_exist(page):
    missing = {name for name in names_of(page) if not dotted_others(name) and not exists(name)}
    assert missing == set()


def test_a_name_that_is_none_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "`kernel.mean_over_outputs`-like, `mean_over_outputs(k)`, `mean_over_output`, "
        "`tangent_kernel(f, w, x)`, `kernel.tangent_kernel`, `lazyscope.kernel`"
    )
    missing = {name for name in names_of(page) if not exists(name)}
    assert missing == {"kernel.mean_over_outputs", "mean_over_outputs", "mean_over_output"}
