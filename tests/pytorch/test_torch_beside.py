"""Is a look right, and the module whole, beside threads, compilers, interrupts and memory used again?"""

import contextlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope._checks import InputError
from lazyscope.torch import Observer, tangent_kernel, tangent_kernel_product
from lazyscope.torch.state import _lock
from pytorch.torch_cases import Function, array, points
from pytorch.whole import changes, state, whole

X = points(6, 3)
Y = np.ones((6, 2))


def net(*, slope=False, dropout=0.0):
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        middle = [nn.PReLU() if slope else nn.Tanh(), nn.Dropout(dropout)]
        return nn.Sequential(nn.Linear(3, 5), *middle, nn.Linear(5, 2)).double()


def threads_that_look_at_modules_which_share_parts():
    """Wrong answers, and what the modules and the process are not as before."""
    one = net(slope=True)
    two = nn.Sequential(nn.Linear(3, 3).double(), one)
    three = nn.Sequential(nn.Linear(3, 5).double(), nn.Tanh(), nn.Linear(5, 2).double())
    three[2].weight = one[3].weight
    modules = [one, two, three]
    right = [tangent_kernel(module, X) for module in modules]
    products = [tangent_kernel_product(module, X, Y) for module in modules]
    before = [state(module) for module in modules]
    wrong, start = [], threading.Barrier(4)

    def look(thread):
        start.wait()
        for turn in range(6):
            k = (thread + turn) % 3
            if turn == thread:
                Observer(modules[k].train(), X, Y)
            if not np.allclose(tangent_kernel(modules[k], X), right[k], rtol=1e-12):
                wrong.append(("kernel", thread, turn))
            if not np.allclose(tangent_kernel_product(modules[k], X, Y), products[k], rtol=1e-12):
                wrong.append(("product", thread, turn))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(look, thread) for thread in range(4)]:
            done.result(timeout=240)
    return wrong, [changes(*each) for each in zip(before, modules, strict=True)]


def threads_that_are_refused_random_modules():
    """What the modules and the process are not as before."""
    modules = [net(dropout=0.5) for _ in range(4)]
    before = [state(module) for module in modules]

    def look(module):
        for _ in range(3):
            with pytest.raises(InputError, match="same outputs"):
                tangent_kernel(Function(lambda s, x: torch.rand(1) * s.m(x), m=module), X)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(look, module) for module in modules]:
            done.result(timeout=240)
    return [changes(*each) for each in zip(before, modules, strict=True)]


@pytest.fixture(scope="module")
def found():
    """Of a process of its own: random states belong to the process, in which other tests leave threads."""
    names = [
        threads_that_look_at_modules_which_share_parts,
        threads_that_are_refused_random_modules,
    ]
    program = "import pytorch.test_torch_beside as beside\n"
    program += "\n".join(f"print(beside.{each.__name__}())" for each in names)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_threads_that_look_at_modules_which_share_parts_see_and_leave_what_one_does(found):
    assert found[0] == "([], [{}, {}, {}])"


def test_threads_that_are_refused_random_modules_leave_the_random_state(found):
    assert found[1] == "[{}, {}, {}, {}]"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
@pytest.mark.parametrize("ask", [tangent_kernel, Observer])
def test_a_forward_pass_that_ends_early_at_any_call_leaves_the_module(error, ask):
    calls = [0, 0]

    def forward(s, x):
        calls[0] += 1
        if calls[0] == calls[1]:
            raise error("now")
        return s.b(torch.tanh(s.a(x))) * s.t.exp()

    module = Function(forward, a=nn.Linear(3, 3), b=nn.Linear(3, 2), t=nn.Parameter(torch.ones(())))
    module = module.double().train()
    module.a.weight.register_hook(lambda g: g)
    for last in range(1, 40, 3):
        calls[:] = [0, last]
        before = state(module)
        with contextlib.suppress(error, InputError):
            ask(module, X)
        assert whole(before, module)
        assert module.training


def test_training_methods_of_a_module_are_not_called_by_a_look():
    class Merging(nn.Linear):
        def train(self, mode=True):
            if not mode:
                with torch.no_grad():
                    self.weight.add_(1.0)
            return super().train(mode)

    module = nn.Sequential(Merging(3, 20), nn.Linear(20, 20)).double()
    before = state(module)
    observer = Observer(module, X)
    observer.observe(step=1)
    assert whole(before, module)


def test_parameters_may_be_new_objects_at_a_look_and_are_named_where_they_cannot():
    module = net()
    observer = Observer(module, X)
    module[0].weight = nn.Parameter(module[0].weight.detach() * 1.1)
    found = observer.observe(step=1).measurement
    assert found.parameter_frobenius[0] == pytest.approx(0.1)
    assert np.isfinite(found.kernel_change)
    state_now = {name: value * 1.1 for name, value in module.state_dict().items()}
    module.load_state_dict(state_now, assign=True)
    assert observer.observe(step=2).measurement.parameter_frobenius[0] == pytest.approx(0.21)
    module[3].bias.requires_grad_(False)
    with pytest.raises(InputError, match=r"Received: 3\.bias frozen"):
        observer.observe(step=3)
    module[3].bias.requires_grad_(True)
    module.float()
    with pytest.raises(InputError, match=r"0\.weight of dtype torch\.float32, at the start"):
        observer.observe(step=3)
    module.double()[3] = nn.Linear(5, 4).double()
    with pytest.raises(InputError, match=r"3\.weight of shape \(4, 5\), at the start \(2, 5\)"):
        observer.observe(step=3)


def test_a_probe_batch_that_a_loader_fills_again_is_the_one_of_the_start():
    module, batch, targets = net(), X.clone(), torch.from_numpy(Y.copy())
    observer = Observer(module, batch, targets)
    loss = observer.record.looks[0].measurement.probe_loss
    batch.fill_(7.0)
    targets.fill_(9.0)
    found = observer.observe(step=1).measurement
    assert found.probe_loss == loss
    assert found.kernel_change == 0.0


def test_an_output_that_is_a_parameter_is_remembered_as_it_was():
    module = Function(lambda s, x: s.w.expand(len(x), 2), w=array(2))
    observer = Observer(module, X)
    kept = observer._state.outputs.clone()
    with torch.no_grad():
        module.w += 1.0
    assert torch.equal(observer._state.outputs, kept)


def test_inputs_that_forward_overwrites_are_copies():
    module, x = Function(lambda s, x: s.l(x.mul_(2.0)), l=nn.Linear(3, 2)).double(), X.clone()
    tangent_kernel(module, x)
    tangent_kernel_product(module, x, Y)
    Observer(module, x)
    assert torch.equal(x, X)


@pytest.mark.parametrize("way", ["module", "compile", "part", "function"])
def test_compiled_modules_are_looked_at_as_they_were_written(way):
    plain = net()
    expected = tangent_kernel(plain, X)
    module = plain
    if way == "module":
        module = torch.compile(plain, backend="eager")
    elif way == "compile":
        plain.compile(backend="eager")
    elif way == "part":
        module = nn.Sequential(torch.compile(plain, backend="eager"))
    else:
        module = Function(torch.compile(lambda s, x: s.m(x), backend="eager"), m=plain)
    module(X)
    assert np.allclose(tangent_kernel(module, X), expected, rtol=1e-12)
    observer = Observer(module, X, Y)
    for step in (1, 2):
        module(X).sum().backward()
        with torch.no_grad():
            for p in module.parameters():
                p -= 0.01 * p.grad
        assert observer.observe(step=step).measurement.total > 0.0
    module(X)


def test_a_forked_child_does_not_wait_for_threads_of_its_parent():
    thing = object()
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with _lock.held([thing]):
            inside.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(20)
    of_the_parent = dict(_lock._holders), _lock._changed
    try:
        _lock._after_fork()  # what the child runs first
        with _lock.held([thing]):
            assert list(_lock._holders) == [id(thing)]
        assert _lock._holders == {}
    finally:
        _lock._holders.update(of_the_parent[0])
        _lock._changed = of_the_parent[1]
        leave.set()
        thread.join()
    assert _lock._holders == {}
