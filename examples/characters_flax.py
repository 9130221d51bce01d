"""What do AdamW and Muon do to a character-level transformer in Flax NNX, at several widths?

    python examples/characters_flax.py

The same question as characters.py in JAX: the model, its loss over all positions and its loop are written as
people write them with Flax and Optax; the observer is shown the parameters, and looks at the logits of the
last position. Records of three widths under AdamW are joined. Optax' Muon is a mixture by itself: what has
two axes is for Muon unless one says otherwise, so here embeddings and readout are told to be Adam's.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from lazyscope import Observer, as_function
from lazyscope.observe import Cadence, Observations, join_observations

CONTEXT, BATCH, STEPS, HEADS, PROBE = 16, 32, 120, 2, 10
BLOCKS = 1  # one more compiles for as long again
WIDTHS, SEEDS = (16, 32, 64), (0, 1)
WORDS = {
    "who": ("a bee", "the seal", "a tall tree", "the last beast"),
    "does": ("sees", "eats", "beats", "tastes"),
}


def text(sentences: int, seed: int = 0) -> str:
    """Sentences "who does who." of a small grammar."""
    draw = np.random.default_rng(seed)
    parts = ("who", "does", "who")
    return " ".join(
        " ".join(draw.choice(WORDS[part]) for part in parts) + "." for _ in range(sentences)
    )


TEXT = text(600)
LETTERS = sorted(set(TEXT))
TOKENS = np.array([LETTERS.index(letter) for letter in TEXT])


class Block(nnx.Module):
    """Causal attention and an MLP, each after a layer norm and beside a residual connection."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.norm1, self.norm2 = nnx.LayerNorm(width, rngs=rngs), nnx.LayerNorm(width, rngs=rngs)
        self.qkv = nnx.Linear(width, 3 * width, rngs=rngs)
        self.proj = nnx.Linear(width, width, rngs=rngs)
        self.up = nnx.Linear(width, 4 * width, rngs=rngs)
        self.down = nnx.Linear(4 * width, width, rngs=rngs)

    def __call__(self, h: jax.Array) -> jax.Array:
        """(n, T, width) to the same."""
        n, t, width = h.shape
        parts = jnp.split(self.qkv(self.norm1(h)), 3, axis=-1)
        heads = [part.reshape(n, t, HEADS, -1) for part in parts]
        mixed = jax.nn.dot_product_attention(*heads, is_causal=True)
        h = h + self.proj(mixed.reshape(n, t, width))
        return h + self.down(nnx.gelu(self.up(self.norm2(h))))


class Transformer(nnx.Module):
    """Embeddings, a block, a norm and a readout: (n, T) tokens to logits (n, T, letters)."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.tokens = nnx.Embed(len(LETTERS), width, rngs=rngs)
        self.places = nnx.Embed(CONTEXT, width, rngs=rngs)
        self.blocks = nnx.List([Block(width, rngs) for _ in range(BLOCKS)])
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.readout = nnx.Linear(width, len(LETTERS), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Logits of the next letter at every position."""
        h = self.tokens(x) + self.places(jnp.arange(x.shape[1]))
        for block in self.blocks:
            h = block(h)
        return self.readout(self.norm(h))


def layer(name: str) -> str:
    """The layer of a parameter: blocks are told apart."""
    parts = [part for part in name.replace("]", "").replace("'", "").split("[") if part]
    return " ".join(parts[:2]) if parts[0] == "blocks" else parts[0]


def batch(draw: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Texts, and the same texts one letter on."""
    rows = draw.integers(0, len(TOKENS) - CONTEXT - 1, size)[:, None] + np.arange(CONTEXT + 1)
    return TOKENS[rows[:, :-1]], TOKENS[rows[:, 1:]]


def adamw() -> optax.GradientTransformation:
    """One optimiser for everything."""
    return optax.adamw(3e-3, weight_decay=0.01)


def muon() -> optax.GradientTransformation:
    """Muon on the matrices of the blocks, with updates as large as those of AdamW, which takes the rest."""

    def sides(params):
        def of(path, p):
            inside = "blocks" in jax.tree_util.keystr(path) and p.ndim == 2
            return optax.contrib.MuonDimensionNumbers() if inside else None

        return jax.tree_util.tree_map_with_path(of, params)

    return optax.contrib.muon(
        3e-3,
        weight_decay=0.01,
        adam_weight_decay=0.01,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=sides,
    )


def train(make: Callable[[], optax.GradientTransformation], width: int, seed: int) -> Observer:
    """Minimise the cross-entropy of all positions, with an observer beside it."""
    draw = np.random.default_rng(seed)
    model = Transformer(width, nnx.Rngs(seed))
    apply, params = as_function(model)
    x, y = batch(draw, PROBE)
    observer = Observer(
        lambda params, x: apply(params, x)[:, -1],
        params,
        x,
        np.eye(len(LETTERS), dtype=np.float32)[y[:, -1]],
        groups=layer,
        loss="cross-entropy",
        cadence=Cadence(steps=STEPS),
    )
    optimizer = nnx.Optimizer(model, make(), wrt=nnx.Param)

    @nnx.jit
    def train_step(model, optimizer, x, y):
        def loss(model):
            return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

        value, gradients = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradients)
        return value

    for step in range(1, STEPS + 1):
        loss = train_step(model, optimizer, *batch(draw, BATCH))
        if observer.due(step):
            observer.observe(nnx.state(model, nnx.Param), step=step, loss=loss)
    return observer


def look_by_look(name: str, record: Observations) -> None:
    """What the observer saw over the training."""
    print(f"\n{name}, width {WIDTHS[-1]}, {len(LETTERS)} letters:")
    for look in record.looks:
        seen = look.measurement
        print(
            f"  step {look.step:4d}  loss {look.loss:4.2f}  "
            f"kernel change {seen.kernel_change:5.2f}  sharpness {seen.sharpness:.3g}"
        )
    print(f"  verdict: {record.summary()['verdict']}")


def main() -> None:
    """Train three widths with AdamW and join them, and the widest one with Muon."""
    print(f"{TEXT[:60]}..")
    records = {width: [train(adamw, width, seed).record for seed in SEEDS] for width in WIDTHS}
    look_by_look("AdamW", records[WIDTHS[-1]][0])
    joined = join_observations(records)
    print(f"Exponents of the width after {joined.steps[-1]} steps, with 95 % intervals:")
    found = joined.exponents("group_frobenius")
    first = len(found) - len(joined.groups)
    for k, group in enumerate(joined.groups):
        low, high = found.low[first + k], found.high[first + k]
        print(f"  {group:10} moved as m^{found.exponent[first + k]:+.2f} [{low:+.2f}, {high:+.2f}]")
    look_by_look("Muon and AdamW", train(muon, WIDTHS[-1], 0).record)


if __name__ == "__main__":
    main()
