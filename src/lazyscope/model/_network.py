"""What do networks share that are drawn at a width from a scheme, whatever their architecture?"""

import abc
import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import (
    InputError,
    check_array,
    check_count,
    check_instance,
    shown,
)
from lazyscope._entry import checked
from lazyscope._jax import pinned_random
from lazyscope._types import Key, Params
from lazyscope.model._protocol import AbstractModel
from lazyscope.model.blocks import AbstractBlock, Drawn
from lazyscope.scaling import DEEPEST, Scheme

PerLayer: TypeAlias = Sequence[float] | Float[ArrayLike, " layers"]
"""One real number for every drawn layer."""


class AbstractNetwork(AbstractModel):
    """A network with a width m, whose layers are drawn with the scales of a scheme.

    A *layer* is a weight array that is drawn; a *group* is what moves and is measured together. Groups
    are the layers in order, then what is not drawn (the scale and shift of normalisations).

    Every layer has a scale ``alpha_l = layer_sizes[l] * std(entries of its weight)``, its gain as an
    operator on signals of the network. The initial scale kappa is a function of them such that outputs
    at the start have size ``kappa / sqrt(m)``, times a factor that depends on neither scales nor width.
    Group g has a leverage phi_g: a relative change of the group changes f by phi_g times itself, so that
    its share of the tangent kernel is of size ``(kappa phi_g / alpha_g)^2``. `docs/networks.md` derives
    all three for every architecture.
    """

    width: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """What the network is made of, from the points to the outputs."""

    @property
    def layers(self) -> tuple[Drawn, ...]:
        """Every drawn layer, with its name, shape and size."""
        return tuple(layer for block in self.blocks for layer in block.drawn)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of every drawn weight, (fan_out, fan_in) or (fan_out, channels, height, width)."""
        return tuple(layer.shape for layer in self.layers)

    @property
    def layer_sizes(self) -> tuple[float, ...]:
        """alpha_l / std(entries of layer l), for every drawn layer; for the first with inputs of norm one."""
        return tuple(layer.size for layer in self.layers)

    @property
    def group_names(self) -> tuple[str, ...]:
        """One name for each group: the drawn layers in order, then what starts at fixed values."""
        return (*(layer.name for layer in self.layers), *(name for name, _, _ in self._fixed))

    @property
    def num_parameters(self) -> int:
        """Number of weights, biases, scales and shifts."""
        drawn = sum(math.prod(one.shape) + one.use_bias * one.shape[0] for one in self.layers)
        return drawn + sum(count for _, count, _ in self._fixed)

    @property
    def branch_multiplier(self) -> float | None:
        """The number before every residual branch; None in a network that is no row of branches."""
        return None

    def with_branch_multiplier(self, multiplier: float) -> "AbstractNetwork":
        """The network with this number before every residual branch.

        Raises:
            InputError: a network that is no row of residual branches, or a number that is not positive.
        """
        raise InputError(
            "exponents in the depth are those of networks with residual branches",
            received=f"the branch multiplier {multiplier:g} for {type(self).__name__}",
            cause="a scheme such as depth-mup or completep for a network without branches",
            fix="use model residual or residual-convolution, or a scheme such as mup",
        )

    def check_branches(self, scheme: Scheme) -> None:
        """Refuse a scheme whose residual branches are not those of this network.

        Raises:
            InputError: a network without branches, or with another multiplier than the scheme's.
        """
        if scheme.branches is None:
            return
        wanted = scheme.branches.multiplier_at(scheme.depth)
        if self.branch_multiplier is None:
            self.with_branch_multiplier(wanted)
        elif not math.isclose(self.branch_multiplier, wanted, rel_tol=1e-9):
            raise InputError(
                f"the branches of {scheme.name} have the multiplier {wanted:.6g} at depth {scheme.depth}",
                received=f"{type(self).__name__} with {self.branch_multiplier:.6g}",
                cause="a network with the usual 1/sqrt(depth), or one for another depth",
                fix=f"make it with branch_scale={wanted!r}",
            )

    def kappa(self, alpha: PerLayer) -> Any:
        """Initial scale, from the scales of the drawn layers; they may be traced."""
        size: Any = 1.0
        for block, own in self._with_layers(self.per_layer("alpha", alpha)):
            size = block.size(own, size)
        return float(size) if isinstance(size, float) else size

    def leverage(self, alpha: PerLayer) -> Float[np.ndarray, " groups"]:
        """phi_g of every group: relative change of f per relative change of the group."""
        size: Any = 1.0
        found: list[float] = []
        for block, own in self._with_layers(self.per_layer("alpha", alpha)):
            found += block.leverage(own, size)
            size = block.size(own, size)
        return np.array(found + [1.0] * len(self._fixed), np.float64)

    def per_layer(self, name: str, values: Any) -> Any:
        """Return one real number for every drawn layer, or refuse them; they may be traced."""
        numbers = check_array(name, values, ndim=1)
        if len(numbers) != len(self.shapes):
            raise InputError(
                f"{name} must have one entry for each of the {len(self.shapes)} layers",
                received=f"{len(numbers)} entries",
                cause="numbers for a network of another depth or architecture",
                fix=f"give {len(self.shapes)} numbers",
            )
        return numbers

    def group_alpha(self, alpha: PerLayer) -> Float[np.ndarray, " groups"]:
        """Scales of all groups, those that start at fixed values included."""
        scales = np.asarray(self.per_layer("alpha", alpha), np.float64)
        return np.concatenate([scales, [size for _, _, size in self._fixed]])

    def alpha(self, weight_std: PerLayer) -> Float[np.ndarray, " layers"]:
        """Scales alpha_l of layers with these standard deviations."""
        return np.asarray(self.per_layer("weight_std", weight_std), np.float64) * self.layer_sizes

    def weight_std(self, alpha: PerLayer) -> Float[np.ndarray, " layers"]:
        """Standard deviations of the entries of layers with these scales."""
        return np.asarray(self.per_layer("alpha", alpha), np.float64) / self.layer_sizes

    @checked(
        own=("key", "scheme", "dtype"),
        instead="for example init(jax.random.key(0), named_scheme('mup', depth=2)); a composition has a "
        "scheme of its own, network.ntk_scheme()",
    )
    def init(self, key: Key, scheme: Scheme, *, dtype: np.dtype | type = np.float64) -> Params:
        """Draw Gaussian weights at this width with the scales alpha_l of `scheme`.

        Args:
            key: random key. Every layer uses its own key.
            scheme: gives the scale of every layer; of the depth that has as many layers as the network.
            dtype: of the weights; without double precision enabled JAX turns float64 into float32.

        Raises:
            InputError: a scheme with another number of layers, or with branches that the network lacks.
        """
        check_instance("scheme", scheme, Scheme)
        needed = len(self.shapes) - 1
        if scheme.depth != needed:
            raise InputError(
                "scheme and network must have the same number of layers",
                received=f"a scheme for {scheme.depth} hidden layers, a network with {needed}",
                cause="the scheme was made for another depth",
                fix=f"make the scheme with depth={needed}",
            )
        self.check_branches(scheme)
        return self.init_from_std(key, self.weight_std(scheme.alpha(self.width)), dtype=dtype)

    def init_from_std(
        self,
        key: Key,
        weight_std: PerLayer,
        *,
        dtype: np.dtype | type = np.float64,
    ) -> Params:
        """Draw Gaussian weights with the given standard deviation per layer (may be traced)."""
        _check_key(key)
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        stds = jnp.asarray(self.per_layer("weight_std", weight_std), dtype)
        layers = self.layers
        with pinned_random():
            keys = jax.random.split(key, len(layers))
            drawn = [one.draw(keys[i], stds[i], dtype) for i, one in enumerate(layers)]
        return (*drawn, *(group for block in self.blocks for group in block.start(dtype)))

    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per point; points may come flattened."""
        for block, (own,) in self._with_groups(params):
            x = block.apply(own, x)
        return x

    @property
    def passes_differences_on(self) -> bool:
        """Whether every block does."""
        return all(block.passes_differences_on for block in self.blocks)

    def difference(
        self, params: Params, change: Params, x: Float[Array, "n ..."]
    ) -> Float[Array, "n C"]:
        """f(params + change) - f(params), passed on from block to block: nothing cancels in it."""
        moved = None
        for block, (own, step) in self._with_groups(params, change):
            x, moved = block.value_and_difference(own, step, x, moved)
        assert moved is not None
        return moved

    @property
    def _fixed(self) -> tuple[tuple[str, int, float], ...]:
        return tuple(group for block in self.blocks for group in block.fixed)

    def _with_groups(self, *trees: Params) -> Iterator[tuple[AbstractBlock, list[list[Any]]]]:
        """Every block with its own groups of each tree."""
        layers = self.layers
        for tree in trees:
            _check_shapes(layers, tree)
        rows = [(iter(tree[: len(layers)]), iter(tree[len(layers) :])) for tree in trees]
        for block in self.blocks:
            yield (
                block,
                [
                    [next(drawn) for _ in block.drawn] + [next(fixed) for _ in block.fixed]
                    for drawn, fixed in rows
                ],
            )

    def _with_layers(self, alpha: Any) -> Iterator[tuple[AbstractBlock, list[Any]]]:
        """Every block with the scales of what it draws."""
        first = 0
        for block in self.blocks:
            count = len(block.drawn)
            yield block, [alpha[i] for i in range(first, first + count)]
            first += count


def _check_shapes(layers: Sequence[Drawn], params: Params) -> None:
    """Refuse parameters of a network of another width or depth, which many blocks would take.

    The weights of a convolution may have its taps as axes or in one row.
    """
    given = params[: len(layers)] if isinstance(params, Sequence) else [params]
    found = [tuple(jnp.shape(getattr(one, "weight", 0.0))) for one in given]
    wanted = [one.shape for one in layers]
    rows = ([(shape[:1], math.prod(shape[1:])) for shape in shapes] for shapes in (found, wanted))
    if len(found) != len(wanted) or any(a != b for a, b in zip(*rows, strict=True)):
        raise InputError(
            "parameters must have the shapes of the network that they are given to",
            received=f"weights of shapes {found} where it has {wanted}",
            cause="parameters that were drawn from a network of another width, depth or input, or arguments "
            "in another order",
            fix="call apply(params, x); draw params from this network, or apply the network that they were "
            "drawn from",
        )


def _check_key(key: Any) -> None:
    dtype = getattr(key, "dtype", None)
    if dtype is None or not (dtype == np.uint32 or jnp.issubdtype(dtype, jax.dtypes.prng_key)):
        raise InputError(
            "key must be a random key of JAX",
            received=shown(key),
            cause="the seed in place of the key, or arguments in another order",
            fix="give jax.random.key(0)",
        )


def check_depth(depth: Any) -> int:
    """Return a number of hidden layers as an int, or refuse it."""
    return check_count("depth", depth, maximum=DEEPEST)
