"""Is cross-entropy the one of the books, to full precision however sure the network is?"""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope._loss import loss_name, named_loss
from lazyscope.flow import CrossEntropy, SquaredLoss, function_problem, solve_flow

LOSS = CrossEntropy()
WRITTEN = {
    "one-hot rows": lambda p: p,
    "one-hot rows minus their mean, as data of classes": lambda p: p - 1 / p.shape[-1],
}


def logits(seed=0, shape=(5, 4), size=3.0):
    return size * np.random.default_rng(seed).normal(size=shape)


def exact(outputs, p):
    """R and dR/df with 150 digits."""
    with mpmath.workdps(150):
        loss, slope = mpmath.mpf(0), np.zeros(outputs.shape)
        for i, (f, wanted) in enumerate(zip(outputs, p, strict=True)):
            weights = [mpmath.exp(mpmath.mpf(float(v))) for v in f]
            total = mpmath.fsum(weights)
            for c, w in enumerate(wanted):
                loss -= mpmath.mpf(float(w)) * mpmath.log(weights[c] / total)
                slope[i, c] = float((weights[c] / total - mpmath.mpf(float(w))) / len(p))
        return float(loss / len(p)), slope


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("size", [0.0, 3.0, 100.0])
def test_value_and_gradient_have_all_their_digits(double, size, written):
    f = logits(size=size)
    p = np.eye(4)[np.argmax(f, axis=1)]  # right, hence tiny losses
    p[0] = np.roll(p[0], 1)
    for rows in (slice(None), slice(1, None)):
        loss, slope = exact(f[rows], p[rows])
        y = jnp.asarray(WRITTEN[written](p[rows]))
        assert float(LOSS.value(jnp.asarray(f[rows]), y)) == pytest.approx(loss, rel=1e-13)
        np.testing.assert_allclose(LOSS.gradient(jnp.asarray(f[rows]), y), slope, rtol=1e-12)


def test_soft_targets_are_those_of_torch():
    torch = pytest.importorskip("torch")
    f = logits()
    p = np.random.default_rng(1).dirichlet(np.ones(4), size=5)
    with jax.enable_x64(True):
        ours = float(LOSS.value(jnp.asarray(f), jnp.asarray(p)))
    theirs = torch.nn.functional.cross_entropy(torch.tensor(f), torch.tensor(p))
    assert ours == pytest.approx(float(theirs), rel=1e-12)


@pytest.mark.parametrize("signs", [True, False])
def test_one_output_is_the_logistic_loss(double, signs):
    f = np.array([[-3.0], [0.5], [200.0], [-40.0]])
    p = np.array([[0.0], [1.0], [1.0], [0.0]])
    two = exact(np.concatenate([f, np.zeros_like(f)], axis=1), np.concatenate([p, 1 - p], axis=1))
    y = jnp.asarray(2 * p - 1 if signs else p)
    assert float(LOSS.value(jnp.asarray(f), y)) == pytest.approx(two[0], rel=1e-13)
    np.testing.assert_allclose(LOSS.gradient(jnp.asarray(f), y), two[1][:, :1], rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (4, 2, 3), (4, 2, 1)])
def test_gradient_and_curvature_are_those_of_the_value(double, shape):
    outputs, direction = jnp.asarray(logits(1, shape)), jnp.asarray(logits(2, shape))
    p = jax.nn.softmax(jnp.asarray(logits(3, shape)))
    y = p if shape[-1] > 1 else jnp.sign(jnp.asarray(logits(4, shape)))
    slope, bend = jax.jvp(jax.grad(lambda f: LOSS.value(f, y)), (outputs,), (direction,))
    np.testing.assert_allclose(LOSS.gradient(outputs, y), slope, rtol=1e-10, atol=1e-15)
    found = LOSS.curvature(outputs, y, direction)
    np.testing.assert_allclose(found, bend, rtol=1e-10, atol=1e-15)


def test_outputs_that_tie_have_a_gradient(double):
    f, y = jnp.zeros((2, 3)), jnp.eye(3)[:2]
    expected = (np.full((2, 3), 1 / 3) - np.eye(3)[:2]) / 2
    np.testing.assert_allclose(LOSS.gradient(f, y), expected, rtol=1e-15)
    np.testing.assert_allclose(jax.grad(lambda f: LOSS.value(f, y))(f), expected, rtol=1e-15)


def test_losses_are_known_by_their_names():
    assert isinstance(named_loss("squared"), SquaredLoss)
    assert loss_name(named_loss("cross-entropy")) == "cross-entropy"
    with pytest.raises(InputError, match="use 'cross-entropy'"):
        named_loss("crossentropy")


WRONG = {
    "values": ([[0.3], [-0.2]], "must be -1 and 1, or probabilities. Received: numbers from -0.2"),
    "both conventions": ([[-1.0], [0.0]], "must be -1 and 1, or probabilities"),
    "large": ([[1.0], [2.0]], "must be -1 and 1, or probabilities"),
    "no probabilities": ([[0.5, 0.2], [1.0, 0.0]], "must be probabilities of 2 classes"),
    "negative": ([[1.5, -0.5], [1.0, 0.0]], "must be probabilities of 2 classes"),
    "two forms": ([[0.5, -0.5], [1.0, 0.0]], "must be probabilities of 2 classes"),
}


@pytest.mark.parametrize("what", WRONG)
def test_targets_that_are_no_classes_are_refused(what):
    y, message = WRONG[what]
    start = np.zeros((2, len(y[0])))
    problem = function_problem(lambda p, x: x @ p, start, np.eye(2), y, loss=CrossEntropy())
    with pytest.raises(InputError, match=message):
        solve_flow(problem)


def test_the_flow_refuses_cross_entropy_in_one_sentence():
    problem = function_problem(
        lambda p, x: x @ p, np.zeros((2, 1)), np.eye(2), [1.0, -1.0], loss=CrossEntropy()
    )
    with pytest.raises(InputError, match=r"needs the squared loss\. Received: CrossEntropy"):
        solve_flow(problem)
