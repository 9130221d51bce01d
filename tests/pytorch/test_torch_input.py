"""Every kind of module or input without a tangent kernel is refused with rule, cause and fix."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from lazyscope._checks import InputError
from lazyscope.torch import (
    explain_tangent_kernel,
    forecast,
    parameter_groups,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
)
from pytorch.torch_cases import Function

X = torch.linspace(-1.0, 1.0, 12).reshape(4, 3)


def refuse(match, module=None, x=X, x2=None, **options):
    module = nn.Linear(3, 2) if module is None else module
    with pytest.raises(InputError, match=match) as caught:
        tangent_kernel(module, x, x2, **options)
    message = str(caught.value)
    assert all(part in message for part in ("Received: ", "Likely cause: ", "Fix: "))
    return message


def linear(output):
    return Function(lambda s, x: output(s.inner(x)), inner=nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("output", "received"),
    [
        (lambda f: f.sum(), r"\(\)"),
        (lambda f: f[:, 0], r"\([234],\)"),
        (lambda f: f[..., None], r"\([1234], 2, 1\)"),
        (lambda f: (f, f), "tuple"),
        (lambda f: {"logits": f}, "dict"),
        (lambda f: torch.cat([f, f]), r"\([2468], 2\)"),
    ],
)
def test_outputs_of_another_rank_are_refused(output, received):
    refuse(rf"outputs of shape \(n, C\)\. Received: {received}", linear(output))


def test_a_module_without_outputs_is_refused():
    refuse("at least one output", linear(lambda f: f[:, :0]))


def test_outputs_that_are_not_real_are_refused():
    refuse("must return real numbers.*int64", linear(lambda f: f.argmax(1, keepdim=True)))


@pytest.mark.parametrize(
    ("thing", "received"),
    [(nn.Linear, "type"), (lambda x: x, "function"), (nn.Linear(3, 2).state_dict(), "Dict")],
)
def test_anything_but_a_module_is_refused(thing, received):
    refuse(f"must be a torch.nn.Module. Received: an object of type .*{received}", thing)


def test_a_module_without_trainable_parameters_is_refused():
    refuse("at least one trainable parameter.*requires_grad", nn.Linear(3, 2).requires_grad_(False))
    refuse("at least one trainable parameter", nn.ReLU())


def test_a_lazy_module_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lazy layers are announced as new
        module = nn.Sequential(nn.LazyLinear(3))
    refuse("must exist. Received: 0.weight.*Fix: call the module once", module)


def test_outputs_without_gradient_are_refused():
    refuse("depend on the trainable parameters", linear(lambda f: f.detach()))

    def without(self, x):
        with torch.no_grad():
            return self.inner(x)

    refuse("depend on the trainable parameters", Function(without, inner=nn.Linear(3, 2)))


def test_batch_norm_in_training_mode_is_refused_with_the_reason():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    message = refuse("each example on its own.*mean and variance from the batch", module)
    assert "undefined" in message
    assert "module.eval()" in message
    tangent_kernel(module.eval(), X)


def test_batch_norm_without_running_statistics_is_refused_in_either_mode():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False))
    refuse("track_running_stats=False", module.eval())


def test_other_mixing_is_refused_even_where_its_scale_starts_at_zero():
    def centred(self, x):
        h = self.inner(x)
        return h + self.scale * (h - h.mean(0))

    module = Function(centred, inner=nn.Linear(3, 2), scale=nn.Parameter(torch.zeros(2)))
    refuse("each example on its own.*rest of the batch", module)
    refuse("each example on its own", module, X[:1])


def test_attention_across_the_batch_is_refused():
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)  # batch_first=False by default
    module = Function(lambda s, x: s.inner(x).mean(1), inner=layer)
    refuse("each example on its own.*batch_first", module, torch.ones(3, 5, 4) * X[:3, :1, None])


@pytest.mark.parametrize(
    "layer", [nn.Dropout(0.5), nn.AlphaDropout(0.1), nn.Dropout1d(0.2)], ids=lambda v: str(v)
)
def test_dropout_in_training_mode_is_refused_and_fine_in_evaluation(layer):
    module = nn.Sequential(nn.Linear(3, 4), layer, nn.Linear(4, 1))
    refuse("same outputs whenever.*dropout with p = .* in training mode", module)
    tangent_kernel(module.eval(), X)


def test_dropout_of_attention_is_refused():
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1, batch_first=True)
    module = Function(lambda s, x: s.inner(x).mean(1), inner=layer)
    refuse("same outputs whenever", module, torch.ones(3, 5, 4))


def test_other_randomness_and_state_are_refused():
    refuse("same outputs whenever.*from one call to the next", linear(lambda f: f * torch.rand(())))
    calls = []
    refuse("same outputs whenever", linear(lambda f: calls.append(0) or f * len(calls)))

    def writing(self, x):
        with torch.no_grad():
            self.inner.weight.mul_(1.0)
        return self.inner(x)

    refuse("must leave the parameters of its module", Function(writing, inner=nn.Linear(3, 2)))


def test_complex_parameters_are_refused():
    module = Function(
        lambda s, x: (x.to(torch.complex64) @ s.w).real,
        w=nn.Parameter(torch.ones(3, 2, dtype=torch.complex64)),
    )
    refuse("must be real. Received: w of type torch.complex64", module)


def test_whole_numbers_among_the_parameters_are_held_fixed():
    module = linear(lambda f: f)
    module.steps = nn.Parameter(torch.tensor([3]), requires_grad=False)
    assert list(tangent_kernel_by_parameter(module, X)) == ["inner.weight", "inner.bias"]


def test_mixed_precision_of_parameters_is_refused():
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2).double())
    refuse("one precision. Received: 0.weight torch.float32, 1.weight torch.float64", module)


def test_half_precision_is_refused():
    refuse("single or double precision. Received: torch.bfloat16", nn.Linear(3, 2).bfloat16())


def test_a_cast_inside_the_module_is_refused():
    def half(self, x):
        return nn.functional.linear(x.bfloat16(), self.inner.weight.bfloat16()).float()

    refuse(
        "precision of its parameters. Received: torch.bfloat16",
        Function(half, inner=nn.Linear(3, 2)),
    )


def test_autocast_is_refused_inside_and_outside():
    def cast(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.inner(x).float()

    refuse("precision of its parameters.*autocast", Function(cast, inner=nn.Linear(3, 2)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        refuse("autocast switched on for cpu")


def test_parameters_on_two_devices_are_refused():
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2, device="meta"))
    refuse("one device. Received: 0.weight cpu, 1.weight meta", module)


def test_data_on_another_device_or_of_another_precision_are_refused():
    refuse("device of the parameters. Received: x1 on meta", x=X.to("meta"))
    refuse("precision of the parameters. Received: x1 torch.float64", x=X.double())
    refuse("precision of the parameters. Received: x2 torch.float64", x2=X.double())


def test_numpy_data_take_the_precision_of_the_parameters():
    assert tangent_kernel(nn.Linear(3, 2), X.double().numpy()).dtype == np.float32
    assert tangent_kernel(nn.Linear(3, 2).double(), X.numpy().astype(">f4")).dtype == np.float64


@pytest.mark.parametrize("x", [np.float32(1.0), np.ones((0, 3), np.float32), torch.ones(0, 3)])
def test_inputs_without_an_example_are_refused(x):
    refuse("at least one example", x=x)


def test_inputs_that_are_not_numbers_are_refused():
    refuse("real numbers or integers", x=np.full((2, 3), "a"))
    refuse("real numbers or integers", x=np.ones((2, 3), complex))


def test_inputs_of_the_wrong_shape_or_type_are_refused():
    refuse(r"batch of examples as its only input. Received: x of shape \([123], 2\)", x=X[:, :2])
    refuse("only input.*int64", x=np.ones((4, 3), int))


def test_a_module_with_further_inputs_is_refused():
    class Two(nn.Linear):
        def forward(self, x, mask):
            return super().forward(x * mask)

    refuse("only input.*mask.*wrap further inputs", Two(3, 2))


def test_a_batch_size_written_into_forward_is_refused():
    refuse("batch size written into forward", linear(lambda f: f.reshape(4, 2)))


def test_two_sets_of_different_shape_are_refused():
    refuse("one shape and type", x2=X[:, :2])
    refuse("one shape and type", x2=np.ones((4, 3), int))


def test_overwritten_data_are_refused():
    def overwriting(self, x):
        h = x.clone()
        out = self.inner(h)
        h.zero_()
        return out

    refuse("must not be overwritten.*in place", Function(overwriting, inner=nn.Linear(3, 2)))


@pytest.mark.parametrize("shape", ["relu", "exp"])
def test_numbers_that_the_backward_pass_needs_may_not_be_overwritten(shape):
    def rectified(self, x):
        h = self.inner(x).relu_()
        h += 1.0
        return self.out(h)

    def exponential(self, x):
        h = self.inner(x).exp()
        h[:, 0] = 0.0
        return self.out(h)

    forward = rectified if shape == "relu" else exponential
    module = Function(forward, inner=nn.Linear(3, 3), out=nn.Linear(3, 2))
    refuse("must not be overwritten.*training fails too", module)
    with pytest.raises(InputError, match="must not be overwritten"):
        forecast(module, X, np.ones((4, 2)))


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_gradients_divided_by_the_number_of_lookups_are_refused(kind):
    table = kind(
        5, 3, scale_grad_by_freq=True, **({"mode": "sum"} if kind is nn.EmbeddingBag else {})
    )
    module = Function(lambda s, t: s.out(s.table(t).reshape(len(t), -1, 3).sum(1)), table=table,
                      out=nn.Linear(3, 2))  # fmt: skip
    tokens = np.array([[0, 0, 1], [2, 0, 0]])
    refuse("scale_grad_by_freq", module, tokens)
    table.requires_grad_(False)
    assert tangent_kernel(module, tokens).shape == (2, 2, 2, 2)


def test_checkpoints_that_hide_parameters_are_refused():
    def hiding(self, x):
        h = self.inner(x)
        return self.out(checkpoint(self.inner_too, h, use_reentrant=True))

    module = Function(hiding, inner=nn.Linear(3, 3), inner_too=nn.Linear(3, 3), out=nn.Linear(3, 2))
    refuse("reached by torch.autograd.grad.*use_reentrant=False", module)


@pytest.mark.parametrize("memory", [0, -1.0, float("nan"), "1"])
def test_memory_must_be_a_positive_number(memory):
    refuse("Memory must be", memory=memory)


def test_all_entry_points_refuse_alike():
    for call in (tangent_kernel_by_parameter, explain_tangent_kernel, parameter_groups):
        with pytest.raises(InputError, match="at least one example"):
            call(nn.Linear(3, 2), X[:0])
    for call in (tangent_kernel_product, forecast):
        with pytest.raises(InputError, match="at least one example"):
            call(nn.Linear(3, 2), X[:0], np.ones((4, 2)))


@pytest.mark.parametrize("shape", [(8,), (2, 4), (4, 1)])
def test_a_vector_that_does_not_fit_is_refused(shape):
    with pytest.raises(InputError, match="one real number for every point and output"):
        tangent_kernel_product(nn.Linear(3, 2), X, np.ones(shape))


def test_a_product_without_a_forward_derivative_is_refused():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, w):
            ctx.save_for_backward(w)
            return w**2

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    module = Function(lambda s, x: x @ Square.apply(s.w), w=nn.Parameter(torch.ones(3, 2)))
    tangent_kernel(module, X)
    with pytest.raises(InputError, match="derivative in forward direction"):
        tangent_kernel_product(module, X, np.ones((4, 2)))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"speeds": {"3": 1.0}}, "groups that exist. Received: 1.0 for '3'"),
        ({"speeds": {"weight": -1.0}}, "at least zero"),
        ({"speeds": {"weight": 0.0, "bias": 0.0}}, "tangent kernel that is not zero"),
        ({"stop": 1.5}, "between 0 and 1"),
        ({"groups": {"wieght": "a"}}, "belong to a group"),
    ],
)
def test_forecasts_refuse_what_does_not_fit(options, match):
    with pytest.raises(InputError, match=match):
        forecast(nn.Linear(3, 2), X, np.ones((4, 2)), **options)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0, 1, 0, 1]), r"labels of shape \(4,\).*torch.nn.functional.one_hot\(y, 2\)"),
        (torch.tensor([[0], [1], [0], [1]]), r"torch.nn.functional.one_hot\(y\[:, 0\], 2\)"),
        (np.array([0.0, 1.0, 0.0, 1.0]), r"targets of shape \(4, 2\); of labels"),
    ],
)
def test_labels_in_place_of_targets_are_told_how_to_become_rows(labels, words):
    with pytest.raises(InputError, match=words):
        forecast(nn.Linear(3, 2), X, labels)


def test_rows_of_labels_as_torch_makes_them_are_targets():
    module, labels = nn.Linear(3, 2), torch.tensor([0, 1, 0, 1])
    made = forecast(module, X, torch.nn.functional.one_hot(labels, 2))
    assert made.lambda_max == forecast(module, X, np.eye(2)[labels.numpy()]).lambda_max


def test_a_module_that_cannot_be_copied_is_refused_by_the_forecast():
    module = linear(lambda f: f)
    module.kept = torch.ones(2, requires_grad=True) * 2.0
    with pytest.raises(InputError, match="copied in double precision"):
        forecast(module, X, np.ones((4, 2)))
