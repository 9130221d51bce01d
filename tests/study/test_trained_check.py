"""Does the check of somebody's own training say what planted powers of the width mean?"""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lazyscope import InputError, coordinate_check
from lazyscope.observe import call_build, uneven_sizes
from lazyscope.scaling import named_scheme, rate_exponent
from lazyscope.study import CoordinateSettings, TrainedCheck, draw_coordinate_check
from lazyscope.study.coordinates._verdict import SCHEMES
from lazyscope.study.coordinates.page._page import check_words, layer_table
from lazyscope.study.coordinates.trained._asked import asked_training
from lazyscope.study.coordinates.trained._exponents import (
    TrainedArray,
    TrainedMeasured,
    exponents_of,
)
from lazyscope.study.coordinates.trained._family import family_of
from lazyscope.study.coordinates.trained._function import FunctionTraining
from lazyscope.study.coordinates.trained._parametrisations import expected_exponents
from lazyscope.study.coordinates.trained._verdict import Evidence

WIDTHS = (64, 128, 256, 512)
SEEDS = 4
GRID = (WIDTHS, SEEDS)
NAMES = {"first": "input", "second": "hidden", "last": "readout"}
OPTIMISERS = ("sgd", "adam", "muon")


def planted(name, optimiser="adam", *, zero=False, noise=0.02, grid=GRID, draw=0, **changed):
    """A check of runs that have the exponents of a parametrisation, but for those that are given."""
    expected = expected_exponents(name, (optimiser,) * 3, zero_readout=zero)
    rng = np.random.default_rng(draw)
    widths, seeds = grid
    shape = (len(widths), seeds)

    def law(exponent):
        size = np.array(widths, float)[:, None] ** exponent
        return size * np.exp(noise * rng.normal(size=shape))

    arrays = tuple(
        TrainedArray(each, kind, True, False, zero and kind == "readout", optimiser, 1)
        for each, kind in NAMES.items()
    )
    own = dict(expected.own) | {"readout": 0.0}
    reach = dict(expected.reach)
    for key, table in (("own", own), ("reach", reach)):
        table.update({k.split("_")[1]: v for k, v in changed.items() if k.split("_")[0] == key})
    nothing = np.full((3, *shape), np.nan)
    rho = changed.get("kappa", expected.rho)
    scores = [law(changed["scores"])] if "scores" in changed else []
    measured = TrainedMeasured(
        size=nothing,
        step=nothing,
        displacement=nothing,
        own=np.stack([law(own[kind]) for kind in NAMES.values()]),
        own_end=nothing,
        reach=np.stack([law(reach[kind]) for kind in NAMES.values()]),
        reach_end=nothing,
        decay=np.stack([law(changed.get("decay", np.nan) * (k == 1)) for k in range(3)]),
        kappa=nothing[0] if rho is None else law(rho),
        output=nothing[0],
        output_change=law(changed.get("output", 0.0)),
        output_change_end=nothing[0],
        scores=np.array(scores).reshape(len(scores), *shape),
        score_change=np.array([law(changed["scores"] + 0.5)] if scores else []).reshape(
            len(scores), *shape
        ),
        loss=np.ones((*shape, 2)),
    )
    exponents = exponents_of(measured, widths, arrays)
    run = ("width", widths, seeds, 1, 4)
    return TrainedCheck(*run, optimiser, "squared", arrays, measured, exponents, bool(scores), {})


@functools.cache
def kept(name, optimiser="adam", zero=False):
    return planted(name, optimiser, zero=zero)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", SCHEMES)
def test_planted_parametrisations_are_told_apart_under_every_optimiser(name, optimiser):
    check = kept(name, optimiser)
    answers = {j.name: j.answer for j in check.judged}
    assert answers[name] == "supported"
    assert answers["mup"] == ("supported" if name == "mup" else "contradicted")
    check.assert_is(name)


@pytest.mark.parametrize(("name", "optimiser"), [("mup", "adam"), ("standard", "adam")])
def test_a_readout_that_starts_at_zero_is_judged_by_its_first_step(name, optimiser):
    check = kept(name, optimiser, True)
    assert check.verdict(name)["answer"] == "supported"
    assert (check.verdict("mup")["answer"] == "contradicted") == (name != "mup")


def test_advice_for_an_identified_parametrisation_is_exact():
    """Yang's table: readout times m^-1/2, rates of hidden layers and readout times 1/m."""
    assert dict(kept("standard").changes_to_mup) == {
        "initial weights of last": -0.5,
        "learning rate of second": -1.0,
        "learning rate of last": -1.0,
    }
    assert dict(kept("standard", "sgd").changes_to_mup) == {
        "learning rate of first": 1.0,
        "initial weights of last": -0.5,
        "learning rate of last": -1.0,
    }


def test_a_network_that_is_mup_is_not_told_how_to_become_it():
    assert kept("mup").changes_to_mup == ()
    assert kept("mup", "sgd").verdict("mup")["remarks"] == []


EVERY_REACH = dict.fromkeys(["reach_input", "reach_hidden", "reach_readout"], 1.0)
FAULTS = [
    ({"own_hidden": 1.0, "reach_hidden": 1.0}, "learning rate of second", -1.0),
    ({"kappa": 1.0} | EVERY_REACH, "multiplier of last", -1.0),
    ({"kappa": 0.5, "reach_input": 0.5, "reach_hidden": 0.5}, "initial weights of last", -0.5),
    ({"reach_hidden": -0.5}, "what the blocks are added to (embedding, residual stream)", -0.5),
    ({"scores": 0.0}, "scale of attention", -0.5),
    ({"decay": -1.0}, "weight decay of second", 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "what", "exponent"), FAULTS)
def test_planted_faults_of_mup_contradict_it_and_are_named(changed, what, exponent):
    check = planted("mup", **changed)
    assert check.verdict("mup")["answer"] == "contradicted"
    assert dict(check.changes_to_mup) == {what: exponent}
    with pytest.raises(AssertionError, match="It is not muP"):
        check.assert_is("mup")


def test_biases_that_fall_with_the_fan_in_are_named_for_a_kappa_that_falls():
    """As PyTorch draws them; a bias of order one leaves the readout as what is too small."""
    check = planted("mup", kappa=-0.25)
    assert dict(check.changes_to_mup) == {"initial weights, or multiplier, of last": 0.25}
    arrays = (check.arrays[0]._replace(name="second.bias", matrix=False), *check.arrays[1:])
    law = np.array(WIDTHS, float)[:, None] * np.ones(SEEDS)
    for power, told in ((-0.5, {"initial values of second.bias": 0.5}), (0.0, None)):
        size = np.stack([law**power] * 3) * np.exp(0.01 * np.sin(np.arange(SEEDS)))
        measured = check.measured._replace(size=size)
        found = dataclasses.replace(
            check,
            arrays=arrays,
            measured=measured,
            exponents=exponents_of(measured, WIDTHS, arrays),
        )
        assert dict(found.changes_to_mup) == (told or dict(check.changes_to_mup))


RATES = {
    "sgd": {"ntk": 0.0, "standard": -1.0, "mup": 0.0},
    "adam": {"ntk": -1.0, "standard": -1.5, "mup": 0.0},
    "muon": {"ntk": 0.0, "standard": -0.5, "mup": 0.0},
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", SCHEMES)
def test_a_rate_transfers_where_the_law_says_that_it_does(name, optimiser):
    scheme = named_scheme(name, depth=2, input_dim=1, optimiser=optimiser)
    law = rate_exponent(scheme.scale_exponents, scheme.speed_exponents, optimiser=optimiser)
    assert law == RATES[optimiser][name]
    found = kept(name, optimiser).rate_transfer
    assert found.answer == ("supported" if law == 0 else "contradicted")
    assert found.interval[0] - 0.02 <= law <= found.interval[1] + 0.02
    verb = "transfers" if law == 0 else "does not transfer"
    assert found.sentence.startswith(f"The learning rate {verb} across width: ")
    assert law == 0 or f"has to follow width^{law:g}." in found.sentence


def test_what_grows_in_spite_of_one_loss_keeps_a_rate_from_transferring():
    """Scores that grow; outputs that do."""
    for changed, what in (({"scores": 0.0}, "into softmax 1"), ({"output": 0.5}, "of the outputs")):
        found = planted("mup", **changed).rate_transfer
        assert found.answer == "contradicted"
        assert f"{what} grows like width^0.5" in found.sentence.replace("^0.49", "^0.5")


def test_a_rate_is_left_open_with_widths_that_would_decide():
    slow = {"reach_input": 0.2, "reach_hidden": 0.2, "reach_readout": 0.2}
    found = planted("mup", noise=0.6, grid=((16, 24, 32), 3), **slow).rate_transfer
    assert found.answer == "undecided"
    assert (
        f"take the widths 16, {found.next_widths[1]}, {found.next_widths[2]}, or more seeds"
        in found.sentence
    )
    assert found.next_widths[-1] >= 4 * 32
    unseen = dataclasses.replace(kept("mup").exponents.kappa, interval=(-np.inf, np.inf))
    check = dataclasses.replace(
        kept("mup"), exponents=kept("mup").exponents._replace(reach_of_all=unseen)
    )
    assert "could not be measured" in check.rate_transfer.sentence


def test_where_layers_have_to_grow_first_steps_say_nothing_of_a_rate():
    small = {"kappa": -0.5, "reach_input": -0.5, "reach_hidden": -0.5}
    found = planted("mup", reach_readout=-0.5, **small).rate_transfer
    assert found.answer == "undecided"
    assert "kappa falls like width^-0.5" in found.sentence


def test_one_array_moves_and_several_move():
    check = dataclasses.replace(planted("mup", own_hidden=1.0), axis="depth")
    assert check.sentence == (
        "Along the axis depth, first, last move at order one; second moves more and more."
    )


def test_attention_with_one_over_d_is_no_fault():
    assert planted("mup", scores=-0.5).verdict("mup")["answer"] == "supported"


def test_a_forgotten_input_rate_is_not_taken_for_standard():
    """muP under descent but for the rate m of its input layer, with what scatter there is in it."""
    check = planted("mup", "sgd", own_input=-1.0, reach_input=-1.0, noise=0.1)
    assert check.verdict("standard")["answer"] == "contradicted"
    assert check.verdict("mup")["answer"] == "contradicted"
    assert dict(check.changes_to_mup) == {"learning rate of first": 1.0}


def test_intervals_that_are_wide_leave_it_open_and_make_no_advice():
    check = planted("mup", noise=0.5)
    found = check.verdict("mup")
    assert found["answer"] == "undecided"
    assert "Take the widths 64" in found["sentence"]
    assert check.next_widths[-1] > WIDTHS[-1]
    assert check.changes_to_mup == ()
    with pytest.raises(AssertionError, match="may fit"):
        check.assert_is("mup")
    check.assert_is("mup", undecided=True)


def widened(check, name, kind, high=1.2, exponent=0.1):
    """The check with a wide interval of one quantity of the layers of a kind."""
    place = list(NAMES.values()).index(kind)
    found = list(getattr(check.exponents, name))
    found[place] = dataclasses.replace(found[place], exponent=exponent, interval=(-0.2, high))
    return dataclasses.replace(check, exponents=check.exponents._replace(**{name: tuple(found)}))


def test_what_a_wide_interval_misses_by_little_contradicts_nothing():
    """The longest of a dozen intervals from two seeds; one that is as far off and short contradicts."""
    found = kept("mup").exponents.kappa

    def contradicts(low, high, side="both"):
        interval = dataclasses.replace(found, interval=(low, high))
        return Evidence("kappa", "start", 0, interval, 0.0, side).contradicts()

    assert not contradicts(-1.2, -0.2)
    assert contradicts(-0.6, -0.2)
    assert contradicts(0.3, 1.2)
    assert not contradicts(0.2, 1.3)
    assert not contradicts(-0.6, -0.2, "above")
    draws = [planted("mup", noise=0.3, grid=((8, 12, 16), 2), draw=k) for k in range(6, 16)]
    assert all(check.verdict("mup")["answer"] != "contradicted" for check in draws)


def test_layers_of_a_kind_are_settled_by_either_quantity_that_shows_their_exponent():
    check = kept("mup")
    assert widened(check, "own_of_kind", "hidden").verdict("mup")["answer"] == "supported"
    assert widened(check, "reach_of_kind", "hidden").verdict("mup")["answer"] == "supported"
    both = widened(widened(check, "own_of_kind", "hidden"), "reach_of_kind", "hidden")
    assert both.verdict("mup")["answer"] == "undecided"
    # Nothing else shows that of the readout, and a middle at a neighbour is never passed over.
    assert widened(check, "reach_of_kind", "readout").verdict("mup")["answer"] == "undecided"
    far = widened(check, "own_of_kind", "hidden", exponent=0.5)
    assert far.verdict("mup")["answer"] == "undecided"


def test_quantities_settle_each_other_only_where_kappa_is_known():
    check = kept("mup")
    kappa = dataclasses.replace(check.exponents.kappa, interval=(-0.2, 1.2))
    check = dataclasses.replace(check, exponents=check.exponents._replace(kappa=kappa))
    (judged,) = (j for j in widened(check, "own_of_kind", "hidden").judged if j.name == "mup")
    assert [e.about for e in judged.open] == [
        "the change that hidden layers make in what they write",
        "kappa",
    ]
    zero = widened(kept("mup", zero=True), "own_of_kind", "hidden")
    assert zero.verdict("mup")["answer"] == "undecided"


def test_one_factor_on_all_rates_leaves_a_parametrisation_what_it_is_but_not_mup():
    slower = {f"{what}_{kind}": -0.5 for what in ("own", "reach") for kind in NAMES.values()}
    check = planted("mup", **slower)
    assert check.verdict("mup")["answer"] == "contradicted"
    expected = expected_exponents("standard", ("adam",) * 3)
    stretched = {f"own_{k}": v - 1 for k, v in expected.own.items()}
    stretched |= {f"reach_{k}": v - 1 for k, v in expected.reach.items()}
    check = planted("standard", **stretched)
    assert check.verdict("standard")["answer"] == "supported"
    assert "m^-1 on all learning rates" in check.sentence
    assert dict(check.changes_to_mup) == {
        "learning rate of first": 1.0,
        "initial weights of last": -0.5,
    }


def test_alignment_is_what_a_change_makes_over_its_size():
    check = planted("standard")  # whose hidden layer changes what it writes like m
    sizes = np.array(WIDTHS, float)[:, None] ** 0.5 * np.ones((3, len(WIDTHS), SEEDS))
    measured = check.measured._replace(step=sizes, displacement=sizes, own_end=sizes)
    exponents = exponents_of(measured, WIDTHS, check.arrays)
    low, high = exponents.alignment[1].interval
    assert low < 0.5 < high < 1
    assert abs(exponents.alignment_end[1].exponent) < 0.01


def test_what_is_stored_can_be_shown_and_drawn():
    stored = json.loads(json.dumps(kept("standard").to_json()))
    assert any("learning rate of second times m^-1" in each for each in check_words(stored))
    assert check_words(stored)[0] == kept("standard").rate_transfer.sentence
    del stored["rate_transfer"]  # as results of 0.2.0 are
    assert check_words(stored)[0].startswith("Trained by")
    assert [row[0] for row in layer_table(stored).rows] == list(NAMES)
    assert len(draw_coordinate_check(stored).axes) == 4


def test_expectations_of_widths_are_refused_along_other_axes():
    check = kept("mup")
    other = TrainedCheck(**{**vars(check), "axis": "heads"})
    assert other.judged == ()
    with pytest.raises(InputError, match="along the axis heads"):
        other.verdict("mup")
    with pytest.raises(InputError, match="along the axis heads"):
        CoordinateSettings(build="a:b", optimizer="adam", axis="heads", expect="mup")


def test_a_training_that_a_module_does_not_have_is_not_called_a_build():
    settings = CoordinateSettings(build="json:dumps", train="json:optimiser")
    with pytest.raises(InputError, match=r"name a function f\(module\)"):
        settings.training()


def test_optimisers_are_known_by_what_they_do():
    rng = np.random.default_rng(0)
    start, gradient = rng.normal(size=(2, 6, 5))
    u, _, v = np.linalg.svd(gradient, full_matrices=False)
    for step, name in ((gradient, "sgd"), (np.sign(gradient), "adam"), (u @ v, "muon")):
        twice = 2 * step if name == "sgd" else step
        found = family_of(start, -step - 0.01 * start, -twice - 0.01 * start, -0.01 * start)
        assert found.optimiser == name
        assert found.decay == pytest.approx(0.01)
    mixed = family_of(start, gradient, 1.5 * gradient, np.sign(start))
    assert mixed.optimiser == "other"
    assert np.isnan(mixed.decay)


def in_jax(width, seed):
    rng = np.random.default_rng([seed, width])
    params = {"first": rng.normal(size=(3, width)), "last": rng.normal(size=(width, 1)) / width}
    return lambda p, x: jnp.tanh(x @ p["first"]) @ p["last"], params


POINTS = (np.eye(3), np.ones((3, 1)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"train": "adamm"}, "optimizer must be one of"),
        ({"train": "adam", "lr": -1.0}, "lr must be"),
        ({"train": lambda module: None}, "JAX function must be trained by a name"),
        ({"train": 3}, "train must be a name"),
        ({"train": lambda *args: args[1]}, "any number of arguments .*decorator that hides"),
        ({"train": lambda a, b, c: b}, "with 3 arguments"),
        ({"train": "adam", "batch_size": 4}, "batch must not be larger"),
        ({"train": "adam", "rate": 1.0}, "arguments of a check"),
        ({"lr": 0.1}, "training must be named"),
        ({"train": "adam", "decay": 0.1}, "belongs to adamw"),
        ({"train": "adamw", "decay": -0.1}, "decay must not be below zero"),
        ({"train": "adamw", "decay": float("nan")}, "decay must be a finite number"),
        ({"train": "adam", "loss": lambda f, y: (f - y) ** 2}, "must return one number"),
        ({"train": "adam", "loss": lambda f: f.mean()}, "must return one number"),
        ({"train": optax.lbfgs()}, "from gradients alone"),
        ({"train": optax.scale_by_adam()}, "must lower the loss"),
        ({"train": "sgd", "loss": lambda f, y: jnp.log(f - 9).sum()}, "loss at the start must be finite"),
        ({"train": optax.multi_transform({}, {"first": "a", "last": "b"})}, "from gradients alone"),
    ],
)  # fmt: skip
def test_trainings_that_make_no_sense_are_refused(given, message):
    with pytest.raises(InputError, match=f"(?is){message}"):
        coordinate_check(in_jax, POINTS, (8, 16, 32), 2, **given)


def test_functions_that_count_their_own_steps_are_refused():
    def train(apply, params, x, y, steps):
        slope = jax.grad(lambda p: jnp.mean((apply(p, x) - y) ** 2))(params)
        return jax.tree.map(lambda w, g: w - 0.1 * g, params, slope)

    with pytest.raises(InputError, match="as many steps as it is told"):
        coordinate_check(in_jax, POINTS, (8, 16, 32), 2, train=train, steps=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("train", "message"),
    [
        (lambda apply, params, x, y, steps: params, "must move the parameters"),
        (lambda apply, params, x, y, steps: {}, "something else than the parameters"),
    ],
)
def test_functions_that_do_not_train_are_refused(train, message):
    with pytest.raises(InputError, match=message):
        coordinate_check(in_jax, POINTS, (8, 16, 32), 2, train=train, steps=1)


@pytest.mark.slow
def test_a_jax_network_is_identified_under_adam_by_name_and_by_optax():
    def build(width, seed):
        rng = np.random.default_rng([seed, width])
        shapes = {"first": (4, width), "second": (width, width), "last": (width, 3)}
        sizes = {"first": 0.7, "second": (2 / width) ** 0.5, "last": width**-0.5}
        params = {name: sizes[name] * rng.normal(size=shape) for name, shape in shapes.items()}

        def apply(p, x):
            return jnp.maximum(jnp.maximum(x @ p["first"], 0) @ p["second"], 0) @ p["last"]

        return apply, params

    points = (np.random.default_rng(1).normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2]))
    found = []
    for train, told in (("adam", {"lr": 1e-3}), (optax.adam(1e-3), {})):
        check = coordinate_check(
            build, points, (32, 64, 128, 256), 3, steps=1, train=train, loss="cross-entropy", **told
        )
        assert check.verdict("mup")["answer"] == "contradicted"
        assert {each.optimiser for each in check.arrays} == {"adam"}
        found.append(check.measured.own)
        assert "standard" in check.schemes
        assert "ntk" not in check.schemes
    np.testing.assert_allclose(*found, rtol=1e-4)


def test_targets_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="Targets must fit"):
        coordinate_check(in_jax, (np.eye(3), np.array([0, 1, 2])), (8, 16, 32), 2, train="adam")


@pytest.mark.parametrize("classes", [(0, -1, 1), (0, 2, 1), (False, True, True)])
def test_classes_that_are_not_counted_from_zero_are_refused(classes):
    def build(width, seed):
        apply, params = in_jax(width, seed)
        return apply, params | {"last": np.ones((width, 2))}

    points = (np.eye(3), np.array(classes))
    with pytest.raises(InputError, match="Targets must fit"):
        coordinate_check(build, points, (8, 16, 32), 2, train="adam", loss="cross-entropy")


def trained_by(train, loss="squared", targets=POINTS[1]):
    asked = asked_training(train, steps=3, loss=loss)
    network = FunctionTraining(call_build(in_jax, 8, 0), (POINTS[0], targets), asked, (8, 0))
    return network.train([None, None], [1])


def test_a_function_that_writes_into_what_it_gets_trains_as_one_that_does_not():
    def descend(apply, params, x, y, steps, put):
        for _ in range(steps):
            found = jax.grad(lambda p: jnp.mean((apply(p, x) - y) ** 2))(params)
            params = put(params, {name: 0.1 * np.asarray(g) for name, g in found.items()})
        return params

    def anew(params, moves):
        return {name: params[name] - move for name, move in moves.items()}

    def into_the_tree(params, moves):
        params.update(anew(params, moves))
        return params

    def into_the_arrays(params, moves):
        for name, move in moves.items():
            params[name] -= move
        return params

    losses = [
        trained_by(lambda apply, params, x, y, steps, put=put: descend(apply, params, x, y, steps, put)).loss
        for put in (anew, into_the_tree, into_the_arrays)
    ]  # fmt: skip
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-12)


def test_rates_that_begin_at_zero_and_gradients_that_are_summed_tell_the_optimiser():
    """Adam moves entries alike whenever its first step is taken."""
    steps = 3
    warm = optax.adam(optax.linear_schedule(0.0, 1e-2, steps))
    summed = optax.MultiSteps(optax.adam(1e-2), every_k_schedule=2)
    for train in (warm, summed):
        asked = asked_training(train, steps=steps)
        network = FunctionTraining(call_build(in_jax, 8, 0), POINTS, asked, (8, 0))
        assert {each.optimiser for each in network.families()} == {"adam"}
        moved = network.train([None, None], [1]).reach.any(axis=1)
        assert moved.tolist()[:2] == [False, True]


def test_sizes_that_grow_in_steps_are_said():
    names = ("a", "b")

    def told(sizes):
        return uneven_sizes(names, [((3, size), (size, 4 * size)) for size in sizes], (10, 20, 40))

    assert told((10, 20, 40)) == ()
    assert told((16, 24, 40)) != ()  # rounded up to multiples of 8
    (note,) = told((16, 16, 48))
    assert "a has 16, 16, 48; b has" in note
    assert uneven_sizes(("flat",), [((m * m,),) for m in (10, 20, 40)], (10, 20, 40)) == ()


def test_adapters_between_frozen_layers_have_a_sentence():
    """None of their arrays is an input layer, a hidden one or the readout."""

    def build(width, seed):
        rng = np.random.default_rng([seed, width])
        first, last = rng.normal(size=(3, width)), rng.normal(size=(width, 1)) / width**0.5
        adapter = {"down": rng.normal(size=(width, 2)) / width**0.5, "up": np.zeros((2, width))}

        def apply(p, x):
            h = jnp.tanh(x @ jnp.asarray(first, x.dtype))
            return jnp.tanh(h + h @ p["down"] @ p["up"]) @ jnp.asarray(last, x.dtype)

        return apply, adapter

    check = coordinate_check(build, POINTS, (8, 16, 32), 2, train="adam", steps=2)
    assert not check.exponents.kappa.interval[0] > -1e6  # no readout
    assert "move" in check.sentence
    none = dataclasses.replace(check, arrays=tuple(a._replace(kind="output") for a in check.arrays))
    assert "down" in none.sentence or "all layers" in none.sentence


def test_a_function_that_trains_gets_targets_as_they_were_given_and_may_diverge():
    """Classes stay whole numbers beside a loss by name; what overflows is an outcome."""
    seen = []

    def train(apply, params, x, y, steps):
        seen.append(y)
        return jax.tree.map(lambda w: w * (jnp.inf if steps > 1 else 0.9), params)

    def two_classes(width, seed):
        apply, params = in_jax(width, seed)
        return apply, params | {"last": np.repeat(params["last"], 2, axis=1)}

    asked = asked_training(train, steps=2, loss="cross-entropy")
    points = (POINTS[0], np.array([0, 1, 1]))
    network = FunctionTraining(call_build(two_classes, 8, 0), points, asked, (8, 0))
    found = network.train([None, None], [1])
    assert [y.tolist() for y in seen] == [[0, 1, 1]] * 2
    assert all(jnp.issubdtype(y.dtype, jnp.integer) for y in seen)
    assert np.isfinite(found.reach[0]).all()
    assert not np.isfinite(found.loss[-1])


def test_a_loss_of_ones_own_gets_classes_as_whole_numbers():
    def loss(outputs, y):
        assert jnp.issubdtype(y.dtype, jnp.integer)
        return jnp.mean((outputs[:, 0] - y) ** 2)

    whole = trained_by("sgd", loss, np.array([0, 1, 2])).loss
    rows = trained_by("sgd", lambda f, y: jnp.mean((f - y) ** 2), np.array([[0.0], [1.0], [2.0]]))
    np.testing.assert_allclose(whole, rows.loss, rtol=1e-12)


def test_where_one_parametrisation_is_known_it_is_not_compared_with_others():
    def by_another(check):
        arrays = tuple(each._replace(optimiser="other") for each in check.arrays)
        return dataclasses.replace(check, arrays=arrays).sentence

    assert by_another(kept("mup")).startswith("muP fits, the only one that is known")
    broken = by_another(planted("mup", own_hidden=0.5))
    assert broken.startswith("muP, the only one that is known for this optimiser, does not fit")


def tables(width, seed):
    """Tokens in, logits (n, T, V) out."""
    rng = np.random.default_rng([seed, width])
    params = {"table": rng.normal(size=(5, width)), "last": rng.normal(size=(width, 5)) / width}
    return lambda p, x: jnp.tanh(p["table"][x]) @ p["last"], params


def in_rows(width, seed):
    apply, params = tables(width, seed)
    return lambda p, x: apply(p, x).reshape(len(x), -1), params


TEXT = np.random.default_rng(0).integers(0, 5, (4, 4))


def trained_at(build, points, **given):
    asked = asked_training("sgd", **({"steps": 1, "lr": 1e-3} | given))
    network = FunctionTraining(call_build(build, 4, 0), points, asked, (4, 0))
    return network.train([None, None], [1])


def test_outputs_over_positions_count_like_rows_of_all_of_them():
    y = np.random.default_rng(1).normal(size=(4, 3, 5))
    found = trained_at(tables, (TEXT[:, :-1], y))
    rows = trained_at(in_rows, (TEXT[:, :-1], y.reshape(4, -1)))
    for one, other in zip(found, rows, strict=True):
        np.testing.assert_array_equal(one, other)


def test_cross_entropy_over_positions_is_the_mean_over_them():
    x, y = TEXT[:, :-1], TEXT[:, 1:]
    apply, params = tables(4, 0)
    expected = optax.softmax_cross_entropy_with_integer_labels(apply(params, x), y).mean()
    found = trained_at(tables, (x, y), loss="cross-entropy", batch_size=2)
    np.testing.assert_allclose(found.loss[0], expected, rtol=1e-5)

    def own(outputs, targets):
        assert outputs.shape[1:] == (3, 5)
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    np.testing.assert_allclose(
        trained_at(tables, (x, y), loss=own, batch_size=2).loss, found.loss, rtol=1e-5
    )
    with pytest.raises(InputError, match=r"whole numbers from 0 to 4 of shape \(4, 3\)"):
        trained_at(tables, (x, TEXT[:, 1]), loss="cross-entropy")


def test_a_function_that_diverges_is_measured_as_far_as_it_goes():
    found = trained_at(in_jax, POINTS, lr=1e100, steps=4)
    assert np.isfinite(found.loss[0])
    assert not np.isfinite(found.loss[-1])
    assert np.isfinite(found.reach[0]).all()


def test_layers_that_no_gradient_has_moved_leave_it_open():
    """One step from a readout that starts at zero."""
    check = planted("standard", zero=True)
    arrays = tuple(a._replace(moved_at=int(a.kind == "readout")) for a in check.arrays)
    exponents = exponents_of(check.measured, WIDTHS, arrays)
    check = dataclasses.replace(check, arrays=arrays, exponents=exponents)
    found = check.verdict("standard")
    assert found["answer"] == "undecided"
    assert "in one step no gradient moved input layers, hidden layers." in found["sentence"]
    assert "Take more steps." in found["sentence"]


def test_blocks_that_come_and_go_are_judged_by_what_they_do_together():
    """Each of L blocks moves less and less, all of them at order one."""
    check = planted("mup", own_hidden=-0.5)
    assert check.movements[1] == "lazy"
    arrays = (check.arrays[0], check.arrays[1]._replace(name="blocks.*.weight"), check.arrays[2])
    check = dataclasses.replace(check, axis="depth", arrays=arrays)
    assert check.movements[1] == "order-one"


def test_another_axis_may_begin_at_one_and_a_width_may_not():
    check = kept("mup")
    from_one, from_two = (
        exponents_of(check.measured, values, check.arrays)
        for values in ((1, 2, 4, 8), (2, 4, 8, 16))
    )
    assert from_one.reach == from_two.reach
    with pytest.raises(InputError, match="width must be a whole number of at least 2"):
        coordinate_check(in_jax, POINTS, (1, 2, 4), 2, train="adam")
    with pytest.raises(InputError, match="at least 3 increasing values of rank"):
        coordinate_check(in_jax, POINTS, (1, 2), 2, train="adam", axis="rank")


def adapted(rank, seed):
    """A frozen matrix with an update of low rank that is trained."""
    rng = np.random.default_rng(seed)
    frozen = rng.normal(size=(3, 1))
    params = {"down": rng.normal(size=(3, rank)), "up": np.zeros((rank, 1))}
    return lambda p, x: x @ frozen + x @ p["down"] @ p["up"] / rank, params


@pytest.mark.slow
def test_the_rank_of_an_update_is_an_axis():
    check = coordinate_check(adapted, POINTS, (1, 2, 4, 8), 3, train="adam", axis="rank", steps=2)
    reach = dict(zip((a.name for a in check.arrays), check.exponents.reach, strict=True))
    assert reach["up"].interval[0] < 0 < reach["up"].interval[1]  # r signs over r
