"""Is a data set the arrays that somebody has, whatever library holds them?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lazyscope
from lazyscope import Dataset, InputError
from lazyscope.experiment import network_experiment
from lazyscope.model import Dense

X = np.array([[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0]])
Y = np.array([1.0, -1.0, 0.5])


def torch_tensors():
    torch = pytest.importorskip("torch")
    return torch.tensor(X, requires_grad=True), torch.tensor(Y, dtype=torch.bfloat16)


def frames():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=["a", "b"], index=[5, 3, 1]), pandas.Series(Y, [1, 2, 3])


HOLDERS = {
    "numpy": lambda: (X, Y),
    "lists": lambda: (X.tolist(), Y.tolist()),
    "jax": lambda: (jnp.asarray(X), jnp.asarray(Y, jnp.bfloat16)),
    "torch": torch_tensors,
    "pandas": frames,
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_any_library_holds_the_same_data(holder):
    data = Dataset.from_arrays(*HOLDERS[holder]())
    np.testing.assert_array_equal(data.x_train, X)
    np.testing.assert_array_equal(data.y_train, Y[:, None])
    assert data.x_test.shape == (0, 2)
    assert data.y_test.shape == (0, 1)
    assert data.summary()["digest"] == Dataset.from_arrays(X, Y).summary()["digest"]


def test_arrays_of_the_caller_stay_theirs():
    x, y = X.copy(), np.array([0, 1, 2])
    data = Dataset.from_arrays(x, y, x, y, target="classes", normalise=True)
    np.testing.assert_array_equal(x, X)
    assert y.tolist() == [0, 1, 2]
    x[0] = 7.0
    assert data.x_train[0].tolist() == [0.0, 1.0]
    assert x.flags.writeable


def test_whole_numbers_are_values_unless_they_are_said_to_be_classes():
    labels = np.array([2, 0, 5])
    assert Dataset.from_arrays(X, labels).y_train.ravel().tolist() == [2.0, 0.0, 5.0]
    data = Dataset.from_arrays(X, labels, X[:1], [7], target="classes")
    assert data.labels == (0, 2, 5, 7)
    expected = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]) - 0.25
    np.testing.assert_array_equal(data.y_train, expected)
    np.testing.assert_array_equal(data.y_test, [[-0.25, -0.25, -0.25, 0.75]])
    assert "4 classes" in data.description[2]


def test_images_become_rows():
    images = np.arange(24.0).reshape(2, 3, 4)
    data = Dataset.from_arrays(images, [[1, 0], [0, 1]], images[:1], [[1, 0]], name="images")
    np.testing.assert_array_equal(data.x_train, images.reshape(2, 12))
    assert data.x_test.shape == (1, 12)
    assert data.name == "images"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((X, Y[:2]), r"one target for every point.*x \(3, 2\), y \(2,\)"),
        ((X, Y, X), "test points without targets"),
        ((X, Y, None, Y), "test points without targets"),
        ((X, Y, X[:, :1], Y), "test points like its training points"),
        ((X, Y, X, Y[:, None]), "test points like its training points"),
        ((X[:0], Y[:0]), "one target for every point"),
        ((X, None), "one target for every point"),
        ((3.0, 1.0), "one target for every point"),
        ((X * np.nan, Y), "X must be finite"),
        ((X, ["a", "b", "c"]), "Y must be real or whole numbers"),
        ((X * 1j, Y), "X must be real"),
        (([[1.0], [1.0, 2.0]], [1, 2]), "X must be an array of numbers"),
    ],
)
def test_what_makes_no_data_set_is_one_message(given, words):
    with pytest.raises(InputError, match=words):
        Dataset.from_arrays(*given)


def test_options_of_another_kind_are_refused():
    with pytest.raises(InputError, match="use 'parity'"):
        Dataset.from_arrays(X, [1, 2, 3], target="parrity")
    with pytest.raises(InputError, match="Normalise must be True or False"):
        Dataset.from_arrays(X, Y, normalise="no")


def test_arrays_that_are_traced_are_refused():
    with pytest.raises(InputError, match="tracing"):
        jax.jit(lambda x: Dataset.from_arrays(x, Y).x_train)(X)


def test_a_pair_stands_for_a_data_set():
    scheme = lazyscope.named_scheme("lecun", depth=1, input_dim=2)
    run = lazyscope.SingleRun((jnp.asarray(X), Y), scheme, width=4)
    assert isinstance(run.data, Dataset)
    np.testing.assert_array_equal(run.data.x_train, X)
    told = lazyscope.forecast_run(run)
    same = lazyscope.forecast_run(lazyscope.SingleRun(Dataset.from_arrays(X, Y), scheme, width=4))
    assert told["kappa"] == same["kappa"]
    assert told["lambda_min"] == same["lambda_min"]
    four = lazyscope.SingleRun((X, Y, X[:1], Y[:1]), scheme, width=4)
    assert four.data.x_test.shape == (1, 2)
    with pytest.raises(InputError, match="one target for every point"):
        lazyscope.SingleRun((X, Y[:2]), scheme, width=4)
    with pytest.raises(InputError, match="of the kind Dataset"):
        lazyscope.SingleRun((X, Y, X), scheme, width=4)


def test_an_experiment_takes_a_pair():
    network = Dense(input_dim=2, width=3, output_dim=1, depth=1)
    params = network.init(jax.random.key(0), lazyscope.named_scheme("lecun", depth=1, input_dim=2))
    made = network_experiment(network, params, (X, Y), np.ones(2), centred=False)
    np.testing.assert_allclose(made.problem.x, X)
