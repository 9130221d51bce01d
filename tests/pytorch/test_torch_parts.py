"""Is the kernel right, and the module whole, where parts and parameters are reached in unusual ways?"""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, hessian, jacrev, vmap
from torch.nn import functional
from torch.nn.utils import parametrizations

from lazyscope._checks import InputError
from lazyscope.torch import (
    Observer,
    explain_tangent_kernel,
    forecast,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
)
from naive.torch_jacobian import kernel
from pytorch.torch_cases import Function, array, points
from pytorch.whole import state, whole

X = points(5, 3)


def linear(rows, columns):
    return nn.Linear(rows, columns)


def net(outputs=1):
    return nn.Sequential(linear(3, 5), nn.Tanh(), linear(5, outputs))


def scalar(value):
    return nn.Parameter(torch.tensor(value))


def repeated():
    part = linear(3, 3)
    return nn.Sequential(part, nn.Tanh(), part, nn.Tanh(), linear(3, 2))


def listed():
    part = linear(3, 3)
    return nn.Sequential(*nn.ModuleList([part] * 3), nn.Tanh(), linear(3, 2))


def second_name():
    module = Function(lambda s, x: s.o(torch.tanh(s.b(torch.tanh(s.a(x))))), a=linear(3, 3))
    module.b, module.o = module.a, linear(3, 2)
    return module


def shared(part):
    return nn.Sequential(linear(3, 4), part, linear(4, 4), part, nn.Tanh(), linear(4, 2))


def within_another():
    encoder = nn.Sequential(linear(3, 4), nn.Tanh())
    return Function(
        lambda s, x: s.head(x) + s.encoder(x)[:, :2],
        encoder=encoder, head=nn.Sequential(encoder, linear(4, 2)),
    )  # fmt: skip


def two_recurrent():
    part = nn.LSTM(3, 3, batch_first=True)
    return Function(lambda s, x: s.o(s.b(s.a(x[:, None])[0])[0][:, -1]), a=part, b=part,
                    o=linear(3, 2))  # fmt: skip


def in_a_list():
    module = Function(
        lambda s, x: torch.tanh(x @ s.held[0].exp()) @ s.v, w=array(3, 4), v=array(4, 2)
    )
    module.held = [module.w]
    return module


def in_a_closure():
    w = array(3, 2)
    return Function(lambda s, x: torch.tanh(x @ w.exp()) + x @ s.w.sin(), w=w)


def energy_by_autograd(s, x):
    x = x.detach().clone().requires_grad_()
    energy = s.n(x)
    (force,) = torch.autograd.grad(energy.sum(), x, create_graph=True)
    second = [
        torch.autograd.grad(force[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(3)
    ]
    return torch.cat([energy, force, sum(second)[:, None]], 1)


def laplacian(s, x):
    return vmap(lambda z: hessian(lambda q: s.n(q)[0])(z).trace())(x)[:, None]


def hooked(part, function):
    for p in part.parameters():
        p.register_hook(function)
    return part


def hook_within(s, x):
    w = s.w * 1.0
    w.register_hook(lambda g: g * 0.5)
    return torch.tanh(x @ w)


WAYS = {
    "repeated": repeated,
    "listed": listed,
    "second name": second_name,
    "shared slope": lambda: shared(nn.PReLU()),
    "shared norm": lambda: shared(nn.LayerNorm(4)),
    "shared batch norm": lambda: shared(nn.BatchNorm1d(4)).eval(),
    "within another": within_another,
    "two recurrent": two_recurrent,
    "in a list": in_a_list,
    "in a closure": in_a_closure,
    "temperature": lambda: Function(lambda s, x: s.t.exp() * s.l(x), t=scalar(0.3), l=linear(3, 2)),
    "scalars": lambda: Function(lambda s, x: s.l(x) / s.t - s.u * x[:, :2] + s.t, t=scalar(0.3),
                                u=scalar(0.7), l=linear(3, 2)),
    "scalar alone": lambda: Function(lambda s, x: x * s.t, t=scalar(0.3)),
    "scaled weight": lambda: Function(lambda s, x: functional.linear(x, s.w * s.t), t=scalar(0.3),
                                      w=array(2, 3)),
    "forces": lambda: Function(
        lambda s, x: torch.cat([s.n(x), vmap(grad(lambda z: s.n(z)[0]))(x)], 1), n=net()),
    "jacobian": lambda: Function(lambda s, x: vmap(jacrev(s.n))(x).flatten(1), n=net(2)),
    "laplacian": lambda: Function(laplacian, n=net()),
    "residual": lambda: Function(energy_by_autograd, n=net()),
    "called with others": lambda: Function(
        lambda s, x: functional_call(s.n, {k: 2 * p for k, p in s.n.named_parameters()}, (x,)),
        n=net(2)),
    "hooks": lambda: hooked(net(2), lambda g: g * 0.5),
    "clipping hooks": lambda: hooked(nn.Sequential(linear(3, 4), nn.PReLU(), linear(4, 2)),
                                     lambda g: g.clamp(-0.1, 0.1)),
    "hook within": lambda: Function(hook_within, w=array(3, 2)),
    "weight norm": lambda: nn.Sequential(parametrizations.weight_norm(linear(3, 4)), nn.Tanh(),
                                         parametrizations.spectral_norm(linear(4, 2))).eval(),
    "input in place": lambda: Function(lambda s, x: s.l(x.sub_(0.5)).exp() @ s.w.exp(),
                                       l=linear(3, 2), w=array(2, 2)),
}  # fmt: skip


def build(name):
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        return WAYS[name]().double()


def close(found, expected, tolerance=1e-10):
    return np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", WAYS)
def test_every_road_gives_the_kernel_of_one_example_at_a_time_and_leaves_the_module(name):
    module = build(name)
    expected, crossed = kernel(module, X), kernel(module, X, X[:2] + 0.3)
    before = state(module)
    assert close(tangent_kernel(module, X), expected)
    assert close(tangent_kernel(module, X, X[:2] + 0.3), crossed)
    assert close(sum(tangent_kernel_by_parameter(module, X).values()), expected)
    vector = points(5, expected.shape[2]).numpy()
    product = tangent_kernel_product(module, X, vector) if name != "hook within" else None
    assert product is None or close(product, np.einsum("ijck,jk->ic", expected, vector), 1e-9)
    assert whole(before, module)


@pytest.mark.parametrize("name", WAYS)
def test_forecast_and_observer_answer_and_leave_the_module(name):
    module = build(name)
    y = np.ones(tuple(module(X.clone()).shape))
    before = state(module)
    assert np.isfinite(forecast(module, X, y).displacement).all()
    observer = Observer(module, X, y)
    assert whole(before, module)
    with torch.no_grad():
        for p in module.parameters():
            p.mul_(1 + 1e-5)
    before = state(module)
    share = observer.observe(step=1).measurement.linearisation_share
    assert whole(before, module)
    noted = any("no forward derivative" in note for note in observer.record.subject.notes)
    assert noted if name == "in a closure" else share < 1e-3 or name == "hook within"


def test_hooks_on_gradients_of_parameters_are_off_on_every_road_and_on_again_afterwards():
    plain, masked = net(2).double(), None
    masked = copy.deepcopy(plain)
    handles = [p.register_hook(torch.zeros_like) for p in masked.parameters()]
    y = np.ones((5, 2))
    assert np.array_equal(tangent_kernel(masked, X), tangent_kernel(plain, X))
    assert np.array_equal(tangent_kernel_product(masked, X, y), tangent_kernel_product(plain, X, y))
    one, two = forecast(masked, X, y), forecast(plain, X, y)
    assert np.array_equal(one.displacement, two.displacement)
    assert any("Hooks on the gradients" in n for n in Observer(masked, X).record.subject.notes)
    masked(X).sum().backward()
    assert all(not p.grad.any() for p in masked.parameters())
    for handle in handles:
        handle.remove()
    masked(X).sum().backward()
    assert all(p.grad.any() for p in masked.parameters())


def test_a_batch_sum_betrays_gradients_that_agree_on_the_first_example_only():
    class Odd(torch.autograd.Function):
        generate_vmap_rule = False

        @staticmethod
        def forward(x, w):
            return x * w

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g * w, (g * x).sum(tuple(range(x.dim() - 1)))

        @staticmethod
        def vmap(info, dims, x, w):
            x = x.movedim(dims[0], 0) if dims[0] is not None else x
            wrong = torch.where(torch.arange(len(x)) > 0, 2.0, 1.0).to(x)
            return x * w * wrong.reshape(-1, *[1] * (x.dim() - 1)), 0

    module = Function(lambda s, x: Odd.apply(x, s.w), w=array(3))
    assert close(tangent_kernel(module, X), kernel(module, X))


def test_a_forward_pass_that_writes_into_parameters_is_refused_before_it_does():
    table = nn.Sequential(nn.Embedding(5, 3, max_norm=0.1), nn.Flatten(), nn.Linear(6, 1)).double()
    clamped = Function(lambda s, x: (s.w.data.clamp_(min=0.0), x @ s.w)[1], w=array(3, 2))
    backward = Function(lambda s, x: ((x @ s.w).sum().backward(), x @ s.w)[1], w=array(3, 2))
    backward.w.grad = torch.ones_like(backward.w)
    fresh = Function(lambda s, x: ((x @ s.w).sum().backward(), x @ s.w)[1], w=array(3, 2))
    tokens = torch.tensor([[0, 1], [2, 3]])
    for module, x in ((table, tokens), (clamped, X), (backward, X), (fresh, X)):
        before = state(module)
        for ask in (tangent_kernel, explain_tangent_kernel, Observer):
            with pytest.raises(InputError, match="must leave the parameters of its module"):
                ask(module, x)
        assert whole(before, module)


def test_tensors_made_in_inference_mode_are_refused_by_name():
    with torch.inference_mode():
        module = net().double()
    with pytest.raises(InputError, match=r"0\.weight, which is an inference tensor"):
        tangent_kernel(module, X)
    assert tangent_kernel(copy.deepcopy(module), X).shape == (5, 5, 1, 1)
    norm = nn.BatchNorm1d(3).double().eval()
    with torch.inference_mode():
        norm.running_mean = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(InputError, match="the buffer running_mean"):
        tangent_kernel(norm, X)


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_sparse_gradients_are_as_good_as_dense_ones(kind):
    tokens = np.array([[0, 0, 1], [2, 0, 0], [3, 4, 1]])
    y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = []
    for sparse in (False, True):
        torch.manual_seed(0)
        options = {"mode": "sum"} if kind is nn.EmbeddingBag else {}
        module = Function(lambda s, t: s.out(torch.tanh(s.table(t)).reshape(len(t), -1, 3).sum(1)),
                          table=kind(5, 3, sparse=sparse, **options), out=linear(3, 2)).double()  # fmt: skip
        change = forecast(module, tokens, y).change["table.weight"]
        found.append((tangent_kernel(module, tokens), change))
        assert Observer(module, tokens, y).observe(step=1).measurement.kernel_change == 0.0
    for dense, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, dense, rtol=1e-12)


class Remembering(nn.Module):
    """A layer that keeps a running average and its last outputs, and computes with neither."""

    def __init__(self, exponential):
        super().__init__()
        self.layer, self.exponential = linear(3, 2), exponential
        self.register_buffer("average", torch.zeros(3))
        self.last = None

    def forward(self, x):
        self.average = 0.9 * self.average + 0.1 * x.detach().mean(0)
        weight = self.layer.weight.exp() if self.exponential else self.layer.weight
        self.last = x if self.last is None else self.last[:1] * 0.0 + x
        return torch.tanh(functional.linear(x, weight, self.layer.bias))


@pytest.mark.parametrize("memory", [2**30, 300.0])
@pytest.mark.parametrize("exponential", [False, True])
def test_what_a_pass_remembers_is_not_seen_by_the_next_one(exponential, memory):
    module = Remembering(exponential).double()
    average = module.average
    found = tangent_kernel(module, X, X[:3], memory=memory)
    assert module.average is average
    np.testing.assert_allclose(found, kernel(module, X, X[:3]), atol=1e-12)
    assert Observer(Remembering(exponential).double(), X).observe(step=1).measurement.total == 0.0
