"""Do proxies of PyTorch modules say what those of the same JAX functions do?"""

import random

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope import InputError
from lazyscope.proxy import largest_stable_rate, narrow_proxy, predict_stability

SHORT = {"width": 128, "proxy_widths": (8, 16), "seeds": 3, "steps": 4}


def points():
    rng = np.random.default_rng(5)
    return rng.normal(size=(12, 6)) / 2, rng.normal(size=(12, 2))


def weights(width, seed):
    rng = np.random.default_rng([seed, width])
    shapes = ((6, width), (width, width), (width, 2))
    return [rng.normal(size=s) / s[0] ** 0.5 for s in shapes]


def module(width, seed):
    made = nn.Sequential(
        nn.Linear(6, width), nn.Tanh(),
        nn.Linear(width, width, bias=False), nn.Tanh(),
        nn.Linear(width, 2, bias=False),
    ).double()  # fmt: skip
    with torch.no_grad():
        made[0].bias.zero_()
        for layer, w in zip(made[::2], weights(width, seed), strict=True):
            layer.weight.copy_(torch.as_tensor(w.T))
    return made


def function(width, seed, factor=1.0):
    import jax.numpy as jnp

    a, c, d = weights(width, seed)
    params = {"a": a, "b": np.zeros(width), "c": c, "d": d / factor}
    return lambda p, x: jnp.tanh(jnp.tanh(x @ p["a"] + p["b"]) @ p["c"]) @ p["d"] * factor, params


NAMES = {"0.weight": "a", "0.bias": "b", "2.weight": "c", "4.weight": "d"}


def proxy(build, **changed):
    return narrow_proxy(build, points(), **(SHORT | {"optimizer": "sgd", "rate": 0.01} | changed))


def check_same(one, other, names=NAMES, rel=1e-6):
    """Losses, displacements, their intervals and roles agree."""
    for a, b in zip(one.proxy_loss, other.proxy_loss, strict=True):
        np.testing.assert_allclose(a, b, rtol=rel)
    for name, same in names.items():
        mine, theirs = one[name], other[same]
        assert (mine.role, mine.regime) == (theirs.role, theirs.regime)
        for each in ("value", "low", "high"):
            found = [getattr(answer.displacement, each) for answer in (mine, theirs)]
            assert found[0] == pytest.approx(found[1], rel=20 * rel)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("sgd", {"decay": 0.1}),
        pytest.param("momentum", {"momentum": 0.8, "decay": 0.1}, marks=pytest.mark.slow),
        pytest.param("adam", {"epsilon": 0.01}, marks=pytest.mark.slow),
        pytest.param("adamw", {"decay": 0.1, "betas": (0.8, 0.9)}, marks=pytest.mark.slow),
        pytest.param("sign", {}, marks=pytest.mark.slow),
        pytest.param("lion", {"rate": 1e-3, "decay": 0.1}, marks=pytest.mark.slow),
    ],
)
def test_a_module_is_predicted_as_the_same_function_is(kind, more):
    given = {"optimizer": kind, **more}
    check_same(proxy(module, **given), proxy(function, **given))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="a PyTorch without Muon")
def test_muon_is_that_of_the_function_up_to_the_short_precision_that_pytorch_takes_for_it():
    given = {"optimizer": "muon", "rate": 0.01}
    one, other = proxy(module, **given), proxy(function, **given)
    for a, b in zip(one.proxy_loss, other.proxy_loss, strict=True):
        np.testing.assert_allclose(a, b, rtol=5e-2)
    for name, same in NAMES.items():
        ratio = one[name].displacement.value / other[same].displacement.value
        assert ratio == pytest.approx(1, rel=0.1), name


@pytest.mark.slow
def test_schedules_and_batches_are_those_of_the_function():
    order = np.random.default_rng(0).integers(0, 12, size=(4, 5))
    given = {"rate": lambda t: 0.01 * (t + 1), "batches": order, "optimizer": "momentum"}
    check_same(proxy(module, **given), proxy(function, **given))


class Scaled(nn.Module):
    """The module with a readout that is larger, and made small again by a factor of the width."""

    def __init__(self, width, seed, *, factor):
        super().__init__()
        self.inner, self.factor = module(width, seed), factor
        with torch.no_grad():
            self.inner[4].weight.div_(float(factor))

    def forward(self, x):
        return self.inner(x) * self.factor


def test_multipliers_of_the_width_are_those_of_the_wide_network():
    one = proxy(lambda width, seed: Scaled(width, seed, factor=width**-0.5))
    other = proxy(lambda width, seed: function(width, seed, width**-0.5))
    check_same(one, other, {f"inner.{mine}": theirs for mine, theirs in NAMES.items()})


def test_a_multiplier_that_is_no_number_is_refused_by_name():
    def build(width, seed):
        return Scaled(width, seed, factor=torch.tensor(width**-0.5, dtype=torch.float64))

    with pytest.raises(InputError, match=r"(?i)gradients at the start.*inner\.4\.weight"):
        proxy(build)


class Averaged(nn.Module):
    """A norm written by hand: its 1 / width belongs to the sum over units."""

    def __init__(self, width, seed):
        super().__init__()
        self.inner, self.width = module(width, seed), width

    def forward(self, x):
        h = self.inner[:2](x)
        h = h / ((h**2).sum(-1, keepdim=True) / self.width) ** 0.5
        return self.inner[2:](h)


def test_a_number_that_divides_a_sum_over_units_stays_that_of_the_proxy():
    found = proxy(Averaged)
    assert max(abs(each) for each in found.start_errors.values() if np.isfinite(each)) < 0.4


class Tokens(nn.Module):
    """An embedding (V, m), a layer, and a readout (C, m)."""

    def __init__(self, width, seed, *, sparse=False):
        super().__init__()
        torch.manual_seed(seed)
        self.table = nn.Embedding(7, width, sparse=sparse)
        self.inner = nn.Linear(width, width)
        self.out = nn.Linear(width, 3)

    def forward(self, x):
        return self.out(torch.tanh(self.inner(self.table(x).mean(1))))


def tokens(build, **changed):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 7, size=(10, 4)), np.eye(3)[rng.integers(0, 3, 10)]
    given = SHORT | {"optimizer": "adam", "rate": 1e-3, "loss": "cross-entropy"} | changed
    return narrow_proxy(build, (x, y), **given)


def test_an_embedding_writes_units_and_a_readout_sums_over_them():
    found = tokens(Tokens)
    roles = {each.name: each.role for each in found.arrays}
    assert roles == {
        "table.weight": "input",
        "inner.weight": "hidden",
        "inner.bias": "input",
        "out.weight": "output",
        "out.bias": "fixed",
    }
    assert found.loss[-1].value < found.loss[0].value
    sparse = tokens(lambda width, seed: Tokens(width, seed, sparse=True))
    check_same(sparse, found, {name: name for name in roles})


def plain_loop(build, width, seed):
    """Losses of the network itself, trained as anybody would with the optimiser of its build."""
    made, optimiser = build(width, seed)
    x, y = (torch.as_tensor(each) for each in points())
    losses = []
    for _ in range(SHORT["steps"] + 1):
        optimiser.zero_grad()
        loss = (made(x) - y).square().sum() / (2 * len(y))
        losses.append(loss.item())
        loss.backward()
        optimiser.step()
    return losses


def grouped(kind, **options):
    """A module with an optimiser that treats its first layer in another way."""

    def build(width, seed):
        made = module(width, seed)
        first = list(made[0].parameters())
        rest = [*made[2].parameters(), *made[4].parameters()]
        groups = [{"params": first, "lr": 0.02, "weight_decay": 0.0}, {"params": rest}]
        return made, kind(groups, lr=0.01, **options)

    return build


@pytest.mark.parametrize(
    "build",
    [
        grouped(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=0.1),
        grouped(torch.optim.AdamW, weight_decay=0.1, eps=0.01),
        grouped(torch.optim.Adam, amsgrad=True),
    ],
)
def test_groups_of_an_optimiser_are_trained_as_it_says(build):
    found = narrow_proxy(build, points(), **SHORT | {"width": 16}, verify=True)
    losses = [plain_loop(build, 16, seed) for seed in range(found.verification.seeds)]
    expected = np.exp(np.log(losses).mean(0))
    np.testing.assert_allclose(found.verification.loss, expected, rtol=1e-9)
    assert any("rates 0.01 to 0.02" in note for note in found.notes)


@pytest.mark.slow
def test_rates_and_decay_of_an_optimiser_follow_the_width_as_named_ones_do():
    def build(width, seed):
        made = module(width, seed)
        return made, torch.optim.AdamW(made.parameters(), lr=0.01, weight_decay=0.1, eps=0.01)

    one = narrow_proxy(build, points(), **SHORT)
    other = proxy(module, optimizer="adamw", decay=0.1, epsilon=0.01)
    check_same(one, other, {name: name for name in NAMES})
    warm = narrow_proxy(build, points(), **SHORT, rate=lambda t: 2.0 if t else 1.0)
    given = {"optimizer": "adamw", "decay": 0.1, "epsilon": 0.01}
    other = proxy(module, rate=lambda t: 0.02 if t else 0.01, **given)
    check_same(warm, other, {name: name for name in NAMES})


@pytest.mark.slow
def test_an_optimiser_may_be_made_by_a_function_of_the_parameters_or_of_the_module():
    makers = (
        lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9),
        lambda made: torch.optim.SGD(made.parameters(), lr=0.02, momentum=0.9),
    )
    for make in makers:
        found = narrow_proxy(lambda width, seed: (module(width, seed), make), points(), **SHORT)  # noqa: B023
        named = proxy(module, optimizer="momentum", rate=0.02)
        check_same(found, named, {name: name for name in NAMES})
    by_names = proxy(lambda width, seed: (module(width, seed), lambda name: name[0], {"0": 2.0}))
    mapped = proxy(lambda width, seed: (module(width, seed), None, {"0": 2.0}))
    check_same(by_names, mapped, {name: name for name in NAMES})


def test_the_command_line_trains_as_the_optimiser_of_a_file_says(tmp_path):
    from lazyscope.study.narrow_proxy._judge import judge_narrow_proxy
    from lazyscope.study.narrow_proxy._settings import NarrowProxySettings

    lines = (
        "import torch",
        "def build(width, seed):",
        "    torch.manual_seed(seed)",
        "    made = torch.nn.Sequential(",
        "        torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)",
        "    )",
        "    return made, torch.optim.SGD(made.parameters(), lr=0.05, momentum=0.9)",
    )
    file = tmp_path / "own.py"
    file.write_text("\n".join(lines))
    settings = {"width": 64, "proxy_widths": (16, 32), "num_points": 20, "steps": 3, "seeds": 3}
    found = judge_narrow_proxy(NarrowProxySettings(f"{file}:build", **settings), tmp_path)
    assert found["training"]["optimizer"] == "momentum"
    assert any(
        "as the optimiser of build says: SGD, rates 0.05." in note for note in found["notes"]
    )
    assert found["loss"][-1]["value"] < found["loss"][0]["value"]
    with pytest.raises(InputError, match="rate beside"):
        judge_narrow_proxy(NarrowProxySettings(f"{file}:build", rate=0.1, **settings), None)


def test_what_an_optimiser_does_not_hold_stays():
    def build(width, seed):
        made = module(width, seed)
        return made, torch.optim.AdamW(made[2:].parameters(), lr=0.01, weight_decay=0.1)

    found = narrow_proxy(build, points(), **SHORT)
    assert found["0.weight"].displacement.value < 1e-12 < found["2.weight"].displacement.value
    assert any("not trained: 0.weight, 0.bias" in note for note in found.notes)


@pytest.mark.slow
def test_the_largest_stable_rate_of_a_module_is_that_of_the_function():
    given = SHORT | {"steps": 20, "optimizer": "sgd", "rate": 0.3}
    one, other = (largest_stable_rate(each, points(), **given) for each in (module, function))
    assert one.value == pytest.approx(other.value, rel=1e-3)

    def build(width, seed):
        made = module(width, seed)
        return made, torch.optim.SGD(made.parameters(), lr=0.3)

    factor = largest_stable_rate(
        build, points(), width=128, proxy_widths=(8, 16), seeds=3, steps=20
    )
    assert 0.3 * factor.value == pytest.approx(one.value, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
def test_peak_and_sharpness_of_a_module_are_those_of_the_function(loss):
    x, y = points()
    data = (x, y if loss == "squared" else np.eye(2)[y.argmax(1)])
    given = SHORT | {"optimizer": "momentum", "rate": 0.02, "loss": loss}
    one, other = (predict_stability(each, data, **given) for each in (module, function))
    assert one.answer == other.answer
    for name in ("peak", "sharpness_first", "sharpness_last"):
        found = [getattr(each, name).value for each in (one, other)]
        assert found[0] == pytest.approx(found[1], rel=1e-2), name  # of the power method


def test_modules_and_random_states_come_back_as_they_went_in():
    held = {}

    def kept(width, seed):
        torch.manual_seed(99)
        np.random.seed(99)  # noqa: NPY002
        return held.setdefault((width, seed), module(width, seed))

    def states():
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002

    before = states()
    with torch.no_grad():
        proxy(kept)
    assert states() == before
    for (width, seed), made in held.items():
        fresh = module(width, seed)
        assert all(
            torch.equal(a, b) and a.grad is None
            for a, b in zip(made.parameters(), fresh.parameters(), strict=True)
        )


def unseeded(width, seed):
    del seed
    return nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 2))


def test_a_build_that_draws_from_the_random_state_is_repeated_and_differs_by_seed():
    one, other = proxy(unseeded), proxy(unseeded)
    assert one.loss == other.loss
    assert one.loss[0].low < one.loss[0].value < one.loss[0].high


def test_finished_trainings_are_kept_by_what_a_module_computes(tmp_path, monkeypatch):
    def sloped(slope):
        return lambda width, seed: nn.Sequential(
            nn.Linear(6, width), nn.LeakyReLU(slope), nn.Linear(width, 2)
        )

    first = proxy(sloped(0.1), folder=tmp_path)
    from lazyscope.proxy.library.module._network import ModuleNetwork

    def trained(*given):
        raise AssertionError("trained again")

    monkeypatch.setattr(ModuleNetwork, "train", trained)
    assert proxy(sloped(0.1), folder=tmp_path).loss == first.loss
    with pytest.raises(AssertionError, match="again"):
        proxy(sloped(0.2), folder=tmp_path)


class Shrunk(nn.Sequential):
    """A module behind a tensor that is neither a parameter nor a buffer."""

    def __init__(self, width, size):
        super().__init__(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 2))
        self.size = torch.full((6,), size)

    def forward(self, x):
        return super().forward(x * self.size)


def test_trainings_are_kept_by_the_tensors_that_a_module_holds_too(tmp_path):
    one, other = (
        proxy(lambda width, seed, size=size: Shrunk(width, size), folder=tmp_path)
        for size in (1.0, 2.0)
    )
    assert one.loss != other.loss


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.first = nn.Linear(3, width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.last = nn.Linear(width, 2)

    def forward(self, x):
        h = self.first(x.reshape(len(x), 2, 3))
        return self.last((h + self.attention(h, h, h, need_weights=False)[0]).mean(1))


def test_heads_that_grow_in_size_are_said_to_be_approximate():
    more = {"width": 32, "steps": 1}
    by_size = proxy(lambda width, seed: Attention(width, 2), **more)
    by_number = proxy(lambda width, seed: Attention(width, width // 4), **more)
    assert "Heads of attention have 4 units when narrow and 16 when wide" in by_size.notes[0]
    assert not any("Heads" in note for note in by_number.notes)


def test_what_is_off_is_said():
    def build(width, seed):
        parts = (nn.Linear(6, width), nn.BatchNorm1d(width), nn.Dropout(0.5), nn.Linear(width, 2))
        return nn.Sequential(*parts).eval()

    notes = " ".join(proxy(build).notes)
    assert "Dropout is off" in notes
    assert "statistics held fixed" in notes


def test_frozen_layers_may_be_among_the_parameters_of_an_optimiser_and_are_said():
    def frozen(width, seed):
        made = unseeded(width, seed)
        made[0].requires_grad_(False)
        return made, torch.optim.AdamW(made.parameters(), lr=0.01)

    found = narrow_proxy(frozen, points(), **SHORT)
    assert [each.name for each in found.arrays] == ["2.weight", "2.bias"]
    assert any("as build draws them" in note and "0.weight" in note for note in found.notes)


def with_part(part):
    def build(width, seed):
        return nn.Sequential(nn.Linear(6, width), part(width), nn.Linear(width, 2))

    return build


def constant(width, seed):
    torch.manual_seed(0)
    return unseeded(width, seed)


class Closure(nn.Module):
    """A weight that a function holds on to."""

    def __init__(self, width, seed):
        super().__init__()
        self.a, self.b = nn.Linear(6, width), nn.Linear(width, 2)
        layer = self.b
        self.last = lambda h: nn.functional.linear(h, layer.weight, layer.bias)

    def forward(self, x):
        return self.last(torch.tanh(self.a(x)))


def clipped(width, seed):
    made = unseeded(width, seed)
    made[0].weight.register_hook(lambda gradient: gradient.clamp(-1, 1))
    return made


def with_optimiser(make):
    def build(width, seed):
        made = unseeded(width, seed)
        return made, make(made)

    return build


def scheduled(made):
    optimiser = torch.optim.SGD(made.parameters(), lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.1 * (step + 1))
    return optimiser


def hooked(made):
    optimiser = torch.optim.SGD(made.parameters(), lr=0.1)
    optimiser.register_step_pre_hook(lambda *given: None)
    return optimiser


def stepped(made):
    optimiser = torch.optim.SGD(made.parameters(), lr=0.1, momentum=0.9)
    made(torch.ones(1, 6)).sum().backward()
    optimiser.step()
    return optimiser


def one_for_each(made):
    return [torch.optim.SGD(part.parameters()) for part in (made[0], made[2])]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (with_part(lambda width: nn.Dropout(0.5)), "(?i)dropout"),
        (lambda width, seed: unseeded(width, seed).to("meta"), "device meta"),
        (with_optimiser(stepped), "a memory of earlier steps for 0.weight"),
        (with_optimiser(one_for_each), "2 of them: SGD, SGD"),
        (with_optimiser(lambda made: torch.optim.SGD(made.parameters(), lr=0.0)), "learning rate 0"),
        (with_part(nn.BatchNorm1d), "(?i)batch norm"),
        (lambda width, seed: unseeded(width, seed).half(), "(?i)precision"),
        (lambda width, seed: unseeded(8, seed), "depend on the width"),
        (lambda width, seed: unseeded(width, seed)[0], "fit the points"),
        (constant, "for every seed"),
        (Closure, r"does not reach b\.weight"),
        (clipped, "a hook on the gradient of 0.weight"),
        (lambda width, seed: module(width, seed) if width < 64 else function(width, seed), "one library"),
        (with_optimiser(lambda made: torch.optim.RMSprop(made.parameters())), "RMSprop"),
        (with_optimiser(lambda made: torch.optim.Adam(made.parameters(), weight_decay=0.1)), "AdamW"),
        (with_optimiser(lambda made: torch.optim.SGD(unseeded(8, 0).parameters())), "are no parameters"),
        (with_optimiser(scheduled), "with a scheduler"),
        (with_optimiser(hooked), "hooks on its steps"),
        (
            lambda width, seed: (unseeded(width, seed), torch.optim.SGD, {"0": 1.0}),
            "rates in two places",
        ),
    ],
)  # fmt: skip
def test_builds_that_do_not_carry_over_are_refused(build, words):
    with pytest.raises(InputError, match=words):
        narrow_proxy(build, points(), **SHORT)


def test_numbers_of_the_optimiser_are_said_once():
    build = with_optimiser(lambda made: torch.optim.SGD(made.parameters(), lr=0.1))
    with pytest.raises(InputError, match="optimizer, rate beside"):
        proxy(build)
    with pytest.raises(InputError, match="fit the points"):
        narrow_proxy(unseeded, (points()[0], points()[1][:, :1]), **SHORT)
