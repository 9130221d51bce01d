"""Does the observer of a module see what training did to it, cheaply and without a trace?"""

import time
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from lazyscope._checks import InputError
from lazyscope.measure import operator_norm
from lazyscope.observe import Cadence
from lazyscope.torch import Observer, forecast, tangent_kernel
from lazyscope.torch.steps._norms import operator_norm as operator_norm_torch
from pytorch.torch_cases import Function, array, case, points


def nudge(module, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p += size * torch.randn(p.shape, generator=generator, dtype=p.dtype)


def targets(module, x):
    return np.random.default_rng(3).normal(size=tuple(module(x).shape))


def test_a_module_that_is_linear_in_its_parameters_is_lazy_however_far_it_moves():
    module, x = nn.Linear(3, 2).double(), points(5, 3)
    observer = Observer(module, x, np.ones((5, 2)))
    nudge(module, 1.0)
    found = observer.observe(step=1, loss=torch.tensor(0.5)).measurement
    assert found.kernel_change == 0.0
    assert found.linearisation_share < 1e-14
    assert found.total > 0.1
    assert np.isnan(found.flipped)
    assert observer.record.looks[-1].loss == 0.5
    assert any("No rectifiers" in note for note in observer.record.subject.notes)


def test_displacement_and_kernel_change_are_those_of_their_definition():
    module, x, _ = case("dense")
    start = {n: p.detach().clone() for n, p in module.named_parameters()}
    before = np.trace(tangent_kernel(module, x), axis1=2, axis2=3)
    observer = Observer(module, x)
    nudge(module, 0.1)
    found = observer.observe(step=1).measurement
    after = np.trace(tangent_kernel(module, x), axis1=2, axis2=3)
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert found.kernel_change == pytest.approx(change, rel=1e-12)
    for k, name in enumerate(observer.record.subject.parameters):
        p, p0 = dict(module.named_parameters())[name].detach(), start[name]
        assert found.parameter_frobenius[k] == pytest.approx(float((p - p0).norm() / p0.norm()))
        if p.dim() == 2:
            ratio = torch.linalg.matrix_norm(p - p0, 2) / torch.linalg.matrix_norm(p0, 2)
            assert found.parameter_operator[k] == pytest.approx(float(ratio), rel=1e-9)
    layers = ("layer 0 (Linear)", "layer 2 (Linear)", "layer 4 (Linear)")
    assert observer.record.subject.groups == layers
    assert np.isnan(found.probe_loss)
    assert np.isnan(found.target_alignment)


def followed(name, size):
    """The gap of a module whose table has no padding row, which training would hold still."""
    module, x, _ = case(name)
    if name == "language":
        module.tokens.padding_idx = None
    observer = Observer(module, x, targets(module, x))
    nudge(module, size)
    return observer.observe(step=1).measurement.linearisation_gap


@pytest.mark.parametrize("name", ["dense", "sequence", "convolutional", "language", "recurrent"])
def test_the_distance_from_the_linearised_module_is_of_second_order(name):
    slope = np.log10(followed(name, 1e-3) / followed(name, 1e-4))
    assert slope == pytest.approx(2.0, abs=0.15)


def test_a_module_without_a_forward_derivative_says_so():
    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx, w):
            ctx.save_for_backward(w)
            return w**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0] ** 2 * g

    module = Function(lambda s, x: x @ Odd.apply(s.w), w=array(3, 2))
    observer = Observer(module, points(4, 3))
    assert any("no forward derivative" in note for note in observer.record.subject.notes)
    assert np.isnan(observer.observe(step=1).measurement.linearisation_share)


def forms_of_relu():
    return {
        "module": lambda h: nn.ReLU()(h),
        "in place": lambda h: nn.ReLU(inplace=True)(h),
        "function": functional.relu,
        "torch": torch.relu,
        "method": lambda h: h.relu(),
        "clamp": lambda h: h.clamp(min=0),
        "clamp_min": lambda h: torch.clamp_min(h, 0.0),
        "maximum": lambda h: torch.maximum(h, torch.zeros(())),
        "leaky": lambda h: functional.leaky_relu(h, 0.1),
    }


@pytest.mark.parametrize("form", forms_of_relu())
def test_flipped_units_are_counted_however_a_rectifier_is_written(form):
    relu = forms_of_relu()[form]
    module = Function(lambda s, x: relu(x @ s.a).sum(1, keepdim=True), a=array(1, 4))
    module = module.float()
    with torch.no_grad():
        module.a.copy_(torch.tensor([[1.0, 1.0, -1.0, 2.0]]))
    observer = Observer(module, np.array([[1.0], [-2.0]]))
    with torch.no_grad():
        module.a.copy_(torch.tensor([[-1.0, 1.0, -1.0, 2.0]]))
    assert observer.observe(step=1).measurement.flipped == 0.25


def test_looking_during_training_sees_the_module_in_evaluation_mode_and_leaves_its_mode():
    module = nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1)
    )
    x = points(6, 3).float()
    observer = Observer(module, x)
    assert all(part.training for part in module.modules())
    module(x).sum().backward()
    module(x + 1.0)
    statistics = module[1].running_mean.clone()
    look = observer.observe(step=1)
    assert torch.equal(statistics, module[1].running_mean)
    assert all(part.training for part in module.modules())
    assert look.measurement.total == 0.0
    assert look.measurement.linearisation_share == 1.0
    assert any(note.startswith("Batch norm") for note in observer.record.subject.notes)


def test_many_outputs_are_looked_at_in_random_directions():
    module = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 30)).double()
    observer = Observer(module, points(5, 3))
    nudge(module, 0.05)
    found = observer.observe(step=1).measurement
    assert any("16 random directions" in note for note in observer.record.subject.notes)
    assert 0.0 < found.kernel_change < 1.0
    assert len(found.parameter_frobenius) == 4


def test_layers_of_sequences_are_told_by_what_they_are_and_others_by_their_names():
    named = nn.Sequential(OrderedDict(body=nn.Sequential(nn.Linear(3, 4)))).double()
    assert Observer(named, points(4, 3)).record.subject.groups == ("body.0",)

    alone = Function(lambda s, x: x @ getattr(s, "0"), **{"0": array(3, 2)})
    assert Observer(alone, points(4, 3)).record.subject.groups == ("array 0",)
    both = nn.Sequential(nn.Sequential(nn.Linear(3, 4)), nn.Linear(4, 1)).double()
    groups = Observer(both, points(4, 3)).record.subject.groups
    assert groups == ("layer 0.0 (Linear)", "layer 1 (Linear)")


def test_a_forecast_calls_layers_as_an_observer_does():
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    x, y = np.eye(2), np.ones((2, 1))
    seen, watched = forecast(module, x, y), Observer(module, x, y)
    assert seen.groups == watched.record.subject.groups == ("layer 0 (Linear)", "layer 2 (Linear)")
    assert len(seen.displacement) == 2


def test_named_groups_and_copies_are_understood():
    import copy

    module, x, _ = case("dense")
    observer = Observer(module, x, groups={"0": "body", "2": "body", "4": "head"})
    assert observer.record.subject.groups == ("body", "head")
    other = copy.deepcopy(module)
    nudge(other, 0.1)
    assert observer.observe(other, step=1).measurement.total > 0.0
    assert observer.observe(step=2).measurement.total == 0.0


def test_diverged_parameters_are_a_result_not_an_error():
    module, x, _ = case("dense")
    observer = Observer(module, x)
    with torch.no_grad():
        module[0].weight.fill_(float("nan"))
    found = observer.observe(step=2).measurement
    assert np.isnan(found.kernel_change)
    assert np.isnan(found.total)
    assert np.isnan(found.flipped)
    assert observer.record.summary()["verdict"] is None


def test_looking_keeps_within_its_share_of_the_time(clock, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)  # reading it takes no time
    measure = Observer._measure

    def slowly(observer, params):
        clock.now += 2e-3
        return measure(observer, params)

    monkeypatch.setattr(Observer, "_measure", slowly)
    module = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))
    x, y = points(64, 20).float(), points(64, 1).float()
    observer = Observer(module, x[:16], y[:16], cadence=Cadence(share=0.05, at_least=1))
    optimizer = torch.optim.SGD(module.parameters(), 1e-2)
    for step in range(400):
        optimizer.zero_grad()
        loss = functional.mse_loss(module(x), y)
        loss.backward()
        optimizer.step()
        clock.now += 5e-3
        if observer.due(step + 1):
            observer.observe(step=step + 1, loss=loss)
        assert observer.share <= 0.05
    assert len(observer.record.looks) > 10
    assert np.all(np.diff(observer.record.steps) > 0)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(200, 3), (90, 100)])
def test_operator_norms_are_those_of_the_jax_side(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = operator_norm_torch(torch.from_numpy(matrix))
    assert found == pytest.approx(float(operator_norm(matrix)), rel=1e-5)
    assert found == pytest.approx(np.linalg.norm(matrix.astype(float), 2), rel=1e-5)


def test_the_operator_norm_of_zero_is_zero():
    assert operator_norm_torch(torch.zeros(80, 70)) == 0.0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"y_probe": np.zeros(5)}, "Y_probe must be one row for each point"),
        ({"groups": {"nought": "a"}}, "belong to a group"),
    ],
)
def test_observers_refuse_what_does_not_fit(options, match):
    module, x, _ = case("dense")
    with pytest.raises(InputError, match=match):
        Observer(module, x, **options)


def test_another_module_is_refused():
    module, x, _ = case("dense")
    observer = Observer(module, x)
    with pytest.raises(InputError, match="module that the observer was told about"):
        observer.observe(nn.Linear(3, 2).double(), step=1)
    with pytest.raises(InputError, match=r"must be a torch\.nn\.Module"):
        observer.observe(dict(module.named_parameters()), step=1)
    observer.observe(step=3)
    with pytest.raises(InputError, match="Steps must not go back"):
        observer.observe(step=2)


def test_too_many_probe_points_are_refused():
    module = nn.Linear(2, 10)
    with pytest.raises(InputError, match="must fit the memory"):
        Observer(module, np.zeros((5000, 2)))
