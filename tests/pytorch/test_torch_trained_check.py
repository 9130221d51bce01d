"""Is a PyTorch module trained and measured as its user trains it?"""

import numpy as np
import pytest
import torch
from benchmarks.check_power_networks import Recipe, optimiser, tokens, transformer
from torch import nn

from lazyscope import InputError, coordinate_check
from lazyscope.study.coordinates.trained._family import family_of
from lazyscope.torch.steps import (
    Looked,
    answers_in,
    check_optimisers,
    measure_training,
    own_steps,
    steps_of,
)

TOKENS = tokens(0, count=3)
SMALL = (8, 16, 32)


def cross_entropy(outputs, y):
    return nn.functional.cross_entropy(outputs.flatten(0, -2), y.flatten())


def looked(width=8, recipe=Recipe()):  # noqa: B008
    return Looked(transformer(width, 0, recipe), TOKENS[0], cross_entropy, TOKENS[1])


def measured(network, steps=1):
    axes = [0 if p.dim() == 2 else None for p in network.parameters]
    readout = network.names.index("readout.weight")
    move = steps_of(network, [optimiser(network.module)], None, 0)
    return measure_training(network, move, axes, [readout], steps), readout


def test_the_step_measured_is_the_step_that_the_users_loop_takes():
    network = looked()
    twin = transformer(8, 0).double()
    made = optimiser(twin)
    cross_entropy(twin(TOKENS[0]), TOKENS[1]).backward()
    gradients = {name: p.grad.clone() for name, p in twin.named_parameters()}
    start = {name: p.detach().clone() for name, p in twin.named_parameters()}
    made.step()
    found, readout = measured(network)
    for k, (name, p) in enumerate(twin.named_parameters()):
        np.testing.assert_allclose(network.parameters[k].detach(), p.detach(), atol=1e-12)
        fall = -float((gradients[name] * (p.detach() - start[name])).sum())
        np.testing.assert_allclose(found.reach[0, k], fall, rtol=1e-9)
    step = twin.readout.weight.detach() - start["readout.weight"]
    after = transformer(8, 0).double()
    after.load_state_dict(twin.state_dict())
    seen = []
    after.readout.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    before = transformer(8, 0).double()
    before.readout.register_forward_hook(lambda module, given, out: seen.append(out))
    with torch.no_grad():
        after(TOKENS[0])
        before(TOKENS[0])
    own = (seen[0] @ step.T).square().mean().sqrt() / seen[1].square().mean().sqrt()
    np.testing.assert_allclose(found.own[0, readout], float(own), rtol=1e-9)


def test_zero_readouts_let_other_arrays_move_in_the_second_step():
    network = looked(recipe=Recipe(zero_readout=True))
    found, readout = measured(network, steps=2)
    others = [k for k in range(len(network.names)) if k != readout]
    assert found.reach[0, readout] > 0
    assert not found.reach[0, others].any()
    assert found.reach[1, others].all()


def test_queries_and_keys_are_known_by_what_they_are_multiplied_with():
    network = looked()
    products = network.inner().products
    names = [{network.names[k] for k in arrays} for _, arrays in products]
    assert [length for length, _ in products] == [2, 2]
    assert names[0] == {"blocks.0.query.weight", "blocks.0.key.weight"}


def test_rates_and_decay_are_seen_from_what_the_optimiser_does():
    network = looked(width=64)
    found = [family_of(*each) for each in answers_in(network, [optimiser(network.module)])]
    assert {each.optimiser for each in found} == {"adam"}
    np.testing.assert_allclose([each.decay for each in found], 2e-4, rtol=1e-6)


def test_an_optimiser_must_hold_every_parameter_once_and_no_others():
    module, other = nn.Linear(2, 2), nn.Linear(2, 2)
    sgd = torch.optim.SGD
    cases = [
        ([sgd(other.parameters(), 0.1)], "must hold the parameters of the module"),
        ([sgd(module.parameters(), 0.1), sgd([module.bias], 0.1)], "one optimiser and one group"),
        ([sgd([module.bias], 0.1)], r"weight in none"),
        (None, "must make an optimiser"),
    ]
    for made, message in cases:
        with pytest.raises(InputError, match=message):
            check_optimisers(made, module)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"train": torch.optim.SGD([torch.zeros(1)], 0.1)}, "for every network that is drawn"),
        ({"train": lambda module: torch.optim.SGD([torch.zeros(1)], 0.1)}, "and no others"),
        ({"train": lambda module: 1 / 0}, "ZeroDivisionError"),
        ({"train": "sgd"}, "targets must fit"),
        ({"train": lambda apply, params, x, y, steps: params}, "PyTorch module must be trained"),
        ({"train": lambda module: torch.optim.LBFGS(module.parameters())}, "from gradients alone"),
        ({"train": "adam", "loss": lambda f, y: f.flatten(1)}, "must return one number"),
        ({"train": "adam", "loss": lambda f: f.mean()}, "must return one number"),
        ({"train": "adam", "loss": lambda f, y: 1.0}, "must return one number"),
    ],
)
def test_trainings_of_modules_that_make_no_sense_are_refused(given, message):
    told = {"loss": "cross-entropy", **given} if given["train"] != "sgd" else given
    with pytest.raises(InputError, match=f"(?i){message}"):
        coordinate_check(transformer, TOKENS, SMALL, 2, **told)


class Small(nn.Module):
    """Three layers, with what a network may do that is no good for a check."""

    def __init__(self, width, *, norm=False, pack=lambda out: out):
        super().__init__()
        self.first, self.last = nn.Linear(3, width), nn.Linear(width, 2)
        self.second = nn.Linear(width, width)
        self.norm, self.pack = nn.BatchNorm1d(width) if norm else nn.Identity(), pack

    def forward(self, x):
        return self.pack(self.last(torch.relu(self.norm(self.second(torch.relu(self.first(x)))))))


def small(**told):
    def build(width, seed):
        torch.manual_seed(seed)
        return Small(width, **told)

    return build


ROWS = (
    torch.randn(5, 3, generator=torch.Generator().manual_seed(0)),
    torch.tensor([0, 1, 0, 1, 1]),
)
IGNORED = (ROWS[0], torch.full((5,), -100))


def kept_and_returned(width, seed, *, made={}):  # noqa: B006
    return made.setdefault(width, Small(width))


def scheduled(module):
    made = torch.optim.Adam(module.parameters(), lr=1e-3)
    return torch.optim.lr_scheduler.StepLR(made, 1)


def warming(module):
    made = torch.optim.Adam(module.parameters(), lr=1e-3)
    torch.optim.lr_scheduler.LambdaLR(made, lambda step: min(1.0, step / 10))
    return made


def climbing(module):
    return torch.optim.SGD(module.parameters(), lr=1e-3, maximize=True)


@pytest.mark.parametrize(
    ("build", "given", "message"),
    [
        (small(pack=lambda out: {"out": out}), {}, "received: dict with out"),
        (small(norm=True), {"batch_size": 1}, "a step on a batch must be possible"),
        (small(), {"loss": lambda f, y: cross_entropy(f, y).detach()}, "must have a gradient"),
        (small(), {"loss": lambda f, y: cross_entropy(f, y) * torch.nan}, "the loss at the start"),
        (small(), {"loss": lambda f, y: (f - f.detach()).abs().sqrt().sum()}, "the first step"),
        (kept_and_returned, {}, "must depend on the seed"),
        (
            lambda width, seed: small()(width, seed).to("meta"),
            {},
            "first.weight on the device meta",
        ),
        (small(), {"train": climbing}, "must lower the loss"),
        (small(), {"train": warming}, "a scheduler whose warm-up begins at zero"),
        (small(), {"train": scheduled}, "a schedule of learning rates"),
    ],
)
def test_networks_losses_and_batches_that_allow_no_step_are_refused(build, given, message):
    told = {"loss": "cross-entropy", "train": "adam", "steps": 1} | given
    with pytest.raises(InputError, match=f"(?i){message}"):
        coordinate_check(build, ROWS, SMALL, 2, **told)


def test_targets_that_are_all_left_out_are_no_training_that_does_nothing():
    with pytest.raises(InputError, match=r"(?i)the loss at the start must be finite.*at width 8"):
        coordinate_check(small(), IGNORED, SMALL, 2, train="adam", loss="cross-entropy", steps=1)


def test_outputs_in_lists_and_mappings_count_and_schedules_are_said_to_stand_still():
    def optimiser_with_schedule(module):
        made = torch.optim.Adam(module.parameters(), lr=1e-3)
        torch.optim.lr_scheduler.StepLR(made, 1)
        return made

    packs = (lambda out: out, lambda out: [out, 0], lambda out: {"logits": out, "loss": 0})
    checks = [
        coordinate_check(
            small(pack=pack), ROWS, SMALL, 2, train=train, loss="cross-entropy", steps=1
        )
        for pack, train in zip(packs, ("adam", "adam", optimiser_with_schedule), strict=True)
    ]
    for check in checks[1:]:
        np.testing.assert_allclose(check.measured.reach, checks[0].measured.reach, rtol=1e-9)
    assert not any("schedule" in note for note in checks[1].notes)
    assert any("schedule of learning rates" in note for note in checks[2].notes)


def grown(module, x, y, steps):
    module.readout.weight = nn.Parameter(module.readout.weight.detach() * 2)


def in_place(module, x, y, steps):
    made = torch.optim.Adam(module.parameters(), lr=1e-3)
    for _ in range(steps):
        made.zero_grad()
        cross_entropy(module(x), y).backward()
        made.step()


@pytest.mark.slow
@pytest.mark.parametrize("width", [8, 16])
def test_an_optimiser_with_the_memory_of_another_model_is_refused(width):
    other = nn.Linear(2, width)
    old = torch.optim.Adam(other.parameters())
    other(torch.ones(1, 2)).sum().backward()
    old.step()

    def load(module):
        made = torch.optim.Adam(module.parameters())
        made.load_state_dict(old.state_dict())
        return made

    with pytest.raises(InputError, match="must be new for every network"):
        check_optimisers(load(module := nn.Linear(2, 8)), module)
    fresh = nn.Linear(2, 8)
    check_optimisers(torch.optim.Adagrad(fresh.parameters(), initial_accumulator_value=0.1), fresh)


def test_parameters_that_are_not_finite_are_named_with_their_width():
    def build(width, seed):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1))
        if width == 16:
            module[1].weight.data[0, 0] = torch.nan
        return module

    points = (torch.eye(2), torch.ones(2, 1))
    with pytest.raises(InputError, match=r"Parameter 1.weight must be finite.*\(width 16, seed 0"):
        coordinate_check(build, points, (8, 16, 32), 2, train="adam")


@pytest.mark.slow
def test_a_function_that_trains_does_what_the_optimiser_by_name_does():
    told = {"steps": 2, "loss": "cross-entropy"}
    found = [
        coordinate_check(transformer, TOKENS, SMALL, 2, train=train, **told).measured.own_end
        for train in (in_place, "adam")
    ]
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize("classes", [(0, -1, 1), (0, 2, 1), (False, True, True)])
def test_classes_that_are_not_counted_from_zero_are_refused(classes):
    points = (np.eye(3), np.array(classes))
    with pytest.raises(InputError, match="Targets must fit"):
        coordinate_check(
            lambda width, seed: nn.Sequential(nn.Linear(3, width), nn.Linear(width, 2)),
            points, SMALL, 2, train="adam", loss="cross-entropy",
        )  # fmt: skip


def test_a_function_that_trains_leaves_data_modes_and_statistics_to_the_check():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    points = torch.randn(6, 3), torch.randn(6, 2)

    def train(module, x, y, steps):
        made = torch.optim.SGD(module.parameters(), lr=0.1)
        for _ in range(steps):
            made.zero_grad()
            (module(x) - y).square().mean().backward()
            made.step()

    def careless(module, x, y, steps):
        train(module, x, y, steps)
        x.zero_()
        y.zero_()
        module.eval()

    def loss(outputs, y):
        return (outputs - y).square().mean()

    found = []
    for each in (train, careless):
        network = Looked(module, points[0], loss, points[1].double())
        move = own_steps(network, each, 0)
        found.append(measure_training(network, move, [None] * 6, [], 2).loss)
        assert network.module.training
        assert int(network.module[1].num_batches_tracked) == 2  # of the last call alone
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.slow
def test_a_step_that_replaces_parameters_is_refused():
    with pytest.raises(InputError, match="not the parameters themselves"):
        coordinate_check(transformer, TOKENS, SMALL, 2, train=grown, loss=cross_entropy)


class Tied(nn.Module):
    """An embedding that is the readout too, with batch norm and dropout between."""

    def __init__(self, width):
        super().__init__()
        self.table = nn.Embedding(7, width)
        self.layer = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        h = self.norm(self.layer(self.table(x).mean(1)))
        return self.drop(torch.relu(h)) @ self.table.weight.T / h.shape[-1]


def tied(width, seed):
    torch.manual_seed(seed)
    return Tied(width)


@pytest.mark.slow
def test_tied_tables_batch_norm_and_dropout_are_said_and_seeded():
    points = (torch.arange(12).reshape(4, 3) % 7, torch.tensor([0, 1, 2, 3]))
    told = {"train": "adam", "loss": "cross-entropy", "steps": 1}
    one, two = (coordinate_check(tied, points, SMALL, 2, **told) for _ in range(2))
    np.testing.assert_array_equal(one.measured.reach, two.measured.reach)
    assert {each.name: each.kind for each in one.arrays}["table.weight"] == "tied"
    words = " ".join(one.notes)
    assert "training mode" in words
    assert "Dropout acts" in words
    assert "one entry, two uses" in words


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_kept_and_said():
    def train(module, width):
        return torch.optim.SGD(module.parameters(), lr=1e60 if width == SMALL[-1] else 1e-3)

    check = coordinate_check(
        transformer, TOKENS, SMALL, 2, train=train, loss="cross-entropy", steps=2
    )
    assert check.diverged == (0, 0, 2)
    assert "not finite in 2 of 2 at width 32" in " ".join(check.notes)


def gated(experts, seed):
    """A mixture whose gate has nothing to choose from where there is one expert."""
    torch.manual_seed(seed)

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(3, experts, bias=False)
            self.experts = nn.ModuleList(nn.Linear(3, 1) for _ in range(experts))

        def forward(self, x):
            made = torch.cat([each(x) for each in self.experts], -1)
            return (self.gate(x).softmax(-1) * made).sum(-1, keepdim=True)

    return Mixture()


def test_what_does_not_move_at_some_values_of_an_axis_is_said_with_them():
    points = (torch.eye(3), torch.ones(3, 1))
    check = coordinate_check(gated, points, (1, 2, 4), 2, train="adam", axis="experts", steps=1)
    assert check.movements[[each.name for each in check.arrays].index("gate.weight")] == "not moved"
    assert any("in one step at experts 1, so that" in note for note in check.notes)


def depth(blocks, seed):
    torch.manual_seed(seed)
    layers = [part for _ in range(blocks) for part in (nn.Linear(6, 6), nn.Tanh())]
    return nn.Sequential(*layers, nn.Linear(6, 1))


def test_depth_is_an_axis_along_which_arrays_come_and_go():
    points = (torch.eye(6), torch.ones(6, 1))
    check = coordinate_check(depth, points, (2, 4, 8), 2, train="adam", axis="depth", steps=1)
    assert check.axis == "depth"
    assert [each.name for each in check.arrays] == ["*.weight", "*.bias"]
    assert check.sentence.startswith("Along the axis depth")
    with pytest.raises(InputError, match="Something must change along the axis depth"):
        coordinate_check(
            lambda blocks, seed: depth(2, seed), points, (2, 4, 8), 2, train="adam", axis="depth"
        )


WIDTHS = (32, 64, 128, 256)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [Recipe(), Recipe(zero_readout=True), Recipe(zero_queries=True)])
def test_a_transformer_in_mup_is_not_contradicted(recipe):
    check = coordinate_check(
        lambda width, seed: transformer(width, seed, recipe),
        TOKENS,
        WIDTHS,
        4,
        train=lambda module: optimiser(module, recipe),
        loss="cross-entropy",
        steps=3,
    )
    check.assert_is("mup", undecided=True)
    assert check.changes_to_mup == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", ["multiplier", "rate", "readout", "embedding", "attention", "decay"]
)
def test_a_transformer_with_a_fault_is_not_taken_for_mup(fault):
    recipe = Recipe(fault)
    check = coordinate_check(
        lambda width, seed: transformer(width, seed, recipe),
        TOKENS,
        WIDTHS,
        3,
        train=lambda module: optimiser(module, recipe),
        loss="cross-entropy",
        steps=1,
    )
    assert check.verdict("mup")["answer"] == "contradicted"
