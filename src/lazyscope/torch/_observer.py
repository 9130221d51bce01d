"""What does any training loop do to a PyTorch module, seen now and then?"""

import time
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope._loss import check_targets as check_loss_targets
from lazyscope._loss import named_loss
from lazyscope.observe import (
    DEFAULT_CADENCE,
    MANY_OUTPUTS,
    SERIES,
    AbstractObserver,
    Cadence,
    Look,
    Measurement,
    Subject,
    check_cadence,
    check_probe_size,
    displacement_fields,
    provenance,
    random_directions,
)
from lazyscope.torch._layers import layer_readings
from lazyscope.torch._measuring import Mixed, linearisation_scalars, norms, scalars, take_state
from lazyscope.torch._question import Question, pose
from lazyscope.torch._refusals import check_module
from lazyscope.torch._targets import check_targets
from lazyscope.torch.kernel._kernel import MEMORY, Examples, Prepared, prepare
from lazyscope.torch.kernel._linearised import Start, find_push
from lazyscope.torch.state._eval_mode import evaluating
from lazyscope.torch.state._restore import looked_at_alone, state_restored
from lazyscope.torch.steps._parameter_groups import Grouping, in_order_of_use, layer_in_words


@final
class Observer(AbstractObserver):
    """Watch any training of a PyTorch module: told about it once, asked to look now and then.

    The module is looked at in evaluation mode, whichever mode it trains in: dropout is off, and batch
    norm uses the running mean and variance of the moment, which count as fixed numbers. It is left as it
    was found.

    Args:
        module: an unmodified ``nn.Module`` from a batch (n, ...) to outputs (n, C), at the start of
            training.
        x_probe: inputs (n, ...), NumPy or tensors, at which functions, kernels and patterns are compared; a
            look costs about (4 + 2 C) forward passes of them. They are copied, as are targets.
        y_probe: their targets (n, C); None leaves out what needs targets.
        groups: a function of a parameter's name, or beginnings of names with their group's name; by
            default parameters whose names differ in the last part only (weight and bias of a layer), under
            that name; ``layer 0 (Linear)`` where the module has none but a number.
        cadence: when `due` says yes.
        loss: whose value at the probe points is read, and whose sharpness: ``squared``,
            1/(2n) sum |f - y|^2, or ``cross-entropy``, with one-hot rows as targets.

    Raises:
        InputError: all that `tangent_kernel` refuses in evaluation mode, targets of another shape, groups
            that do not fit, too many probe points.

    The record and its fields are those of `lazyscope.observe.Observer`. What moves besides trained
    parameters, such as running statistics, is not a displacement, but it changes outputs and kernel; the
    linearised network keeps those of the start.

    Trust: as for JAX functions; a push-forward is used only where it agrees with the backward pass, else
    the distance from the linearised network is NaN and a note says so.

    Example:
        >>> module = torch.nn.Linear(2, 1, bias=False)
        >>> observer = Observer(module, np.eye(2), np.zeros((2, 1)))
        >>> with torch.no_grad(): _ = module.weight.zero_()
        >>> look = observer.observe(step=1)
        >>> look.measurement.total, look.measurement.kernel_change
        (1.0, 0.0)
    """

    def __init__(
        self,
        module: torch.nn.Module,
        x_probe: Examples,
        y_probe: Float[np.ndarray, "n C"] | torch.Tensor | None = None,
        *,
        groups: Grouping = None,
        cadence: Cadence = DEFAULT_CADENCE,
        loss: str = "squared",
    ) -> None:
        begin = time.perf_counter()
        cadence, self._loss = check_cadence(cadence), named_loss(loss)
        question = pose(module, x_probe)
        question = question._replace(x1=question.x1.clone())  # a loader may use the tensor again
        self._module = question.module
        with evaluating(self._module), state_restored(self._module):
            self._prepared, notes = _prepared(question)
            self._start = Start(
                {n: p.detach().clone() for n, p in _named(question)},
                {n: b.clone() for n, b in self._module.named_buffers()},
            )
            precision = self._prepared.sketch.precision
            self._push = find_push(self._module, self._start, question.x1, precision)
            self._state = take_state(self._module, self._prepared, self._loss)
        if self._push is None:
            notes.append("The module has no forward derivative that agrees with the backward one, so "
                         "its distance from the linearised network is not measured.")  # fmt: skip
        if hooked := [n for n, p in _named(question) if p._backward_hooks]:
            notes.append(f"Hooks on the gradients of parameters ({', '.join(hooked[:3])}"
                         f"{', ..' * (len(hooked) > 3)}) belong to the steps of training; the kernel is that "
                         "of the module without them.")  # fmt: skip
        if not self._state.patterns:
            notes.append("No rectifiers were found in the module, so no patterns could flip.")
        num_outputs = self._state.outputs.shape[1]
        self._y = check_targets("y_probe", y_probe, question, num_outputs)
        if self._y is not None:
            check_loss_targets(self._loss, self._y.double().cpu().numpy())
        group_names, parameter_group = in_order_of_use(question, self._prepared.sketch, groups)
        if groups is None:
            group_names = tuple(layer_in_words(self._module, name) for name in group_names)
        self._subject = Subject(
            parameters=question.names,
            shapes=tuple(tuple(p.shape) for p in question.parameters),
            groups=group_names,
            parameter_group=parameter_group,
            num_points=len(question.x1),
            num_outputs=num_outputs,
            has_targets=y_probe is not None,
            notes=tuple(notes),
            provenance=provenance("torch"),
            loss=loss,
        )
        self._start_norms = norms(list(self._start.parameters.values()))
        first = self._measure(self._module)
        again = time.perf_counter()
        self._measure(self._module)
        end = time.perf_counter()
        self._begin(self._subject, first, cadence, end - begin, end - again)

    def observe(self, params: Any = None, *, step: int, loss: Any = None, rate: Any = None) -> Look:
        """Look at the module, whether due or not, and add what is seen to the record.

        Args:
            params: the module; by default the one that was given at the start. Another one of the same
                parameters and shapes (a copy with averaged weights) is possible.
            step: steps taken so far; the last step again replaces its look.
            loss: the training loss, if known: a number or a tensor with one entry.
            rate: the learning rate, if training is plain gradient descent on the same loss.

        Raises:
            InputError: a module with other parameters (names, shapes, precision, device, or which of them are
                trained), or a step before the last one.
        """
        if isinstance(loss, torch.Tensor):
            loss = loss.detach().cpu()
            loss = loss.double() if loss.is_floating_point() else loss
        return super().observe(
            self._module if params is None else params, step=step, loss=loss, rate=rate
        )

    def _settle(self, params: Any) -> None:
        if any(p.is_cuda for p in self._start.parameters.values()):
            torch.cuda.synchronize()

    def _measure(self, params: Any) -> Measurement:
        if isinstance(params, torch.nn.Module):
            with looked_at_alone(getattr(params, "_orig_mod", params)):
                return self._measured(params)
        return self._measured(params)

    def _measured(self, params: Any) -> Measurement:
        prepared, module = self._at(params)
        x = prepared.question.x1
        with evaluating(module), state_restored(module):
            with torch.no_grad():
                values = dict(
                    zip(self._subject.parameters, prepared.question.parameters, strict=True)
                )
                moved = {n: p - self._start.parameters[n] for n, p in values.items()}
            numbers: dict[str, Any] = self._numbers(module, prepared, moved, x)
        frobenius, operator = norms(list(moved.values()))
        fields = displacement_fields(
            self._subject, (frobenius, self._start_norms[0]), (operator, self._start_norms[1])
        )
        return Measurement(**fields, **numbers)

    def _numbers(
        self, module: torch.nn.Module, prepared: Prepared, moved: Any, x: torch.Tensor
    ) -> dict[str, Any]:
        """What outputs and kernel say; nothing where the module cannot be called since it diverged."""
        try:
            with np.errstate(all="ignore"):
                now = take_state(module, prepared, self._loss)
                found = scalars(self._state, now, self._y, self._loss)
                start = [self._start.parameters[name] for name in self._subject.parameters]
                found |= layer_readings(prepared, start, now.outputs)
                return found | linearisation_scalars(
                    module, self._push, self._start, moved, x, now.outputs, self._y
                )
        except Exception:
            if all(bool(torch.isfinite(change).all()) for change in moved.values()):
                raise
            return dict.fromkeys(SERIES[:-1], float("nan"))

    def _at(self, params: Any) -> tuple[Prepared, torch.nn.Module]:
        """The prepared question, asked of the module that is shown, with the parameters it has now."""
        module = self._module if params is None else params
        check_module(module)
        module = getattr(module, "_orig_mod", module)
        self._check_parameters(module)
        found = pose(module, self._prepared.question.x1)
        own = self._prepared.question.module
        asked = Mixed(found.module, own.mixing) if isinstance(own, Mixed) else found.module
        now = dict(_named(found))
        question = found._replace(
            module=asked,
            names=self._subject.parameters,
            parameters=tuple(now[name] for name in self._subject.parameters),
        )
        return self._prepared._replace(question=question), found.module

    def _check_parameters(self, module: torch.nn.Module) -> None:
        """Refuse parameters that cannot be compared with those of the start."""
        with looked_at_alone(module):
            now = {n: p for n, p in module.named_parameters() if p.requires_grad}
            frozen = {n for n, p in module.named_parameters() if not p.requires_grad}
        for name, start in self._start.parameters.items():
            if name not in now:
                raise _not_the_same(f"{name} {'frozen' if name in frozen else 'missing'}")
            p = now[name]
            for what in ("shape", "dtype", "device"):
                one, two = getattr(start, what), getattr(p, what)
                if one != two:
                    raise _not_the_same(
                        f"{name} of {what} {_plain(two)}, at the start {_plain(one)}"
                    )
        if more := [name for name in now if name not in self._start.parameters]:
            raise _not_the_same(f"{more[0]}, which was frozen or missing at the start")


def _not_the_same(received: str) -> InputError:
    return InputError(
        "parameters must be of the module that the observer was told about",
        received=received,
        cause="another module, one of another width, or parameters that were frozen, set free, converted or "
        "given other names since the start",
        fix="show the module with the parameters it had at the start (values may be new objects), or make an "
        "observer after such a change",
    )


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, torch.Size) else value


def _named(question: Question) -> list[tuple[str, torch.nn.Parameter]]:
    return list(zip(question.names, question.parameters, strict=True))


def _prepared(question: Question) -> tuple[Prepared, list[str]]:
    """The question, of random directions in output space where there are many outputs."""
    prepared = prepare(question.module, question.x1, None, MEMORY)
    outputs, notes = prepared.sketch.num_outputs, []
    points, first = len(question.x1), question.parameters[0]
    check_probe_size(points, outputs, first.element_size())
    if any(
        isinstance(part, torch.nn.modules.batchnorm._BatchNorm)
        for part in question.module.modules()
    ):
        notes.append("Batch norm: every look uses the running mean and variance of its moment, held "
                     "fixed; the linearised network those of the start.")  # fmt: skip
    directions = random_directions(outputs)
    if directions is None:
        return prepared, notes
    mixing = torch.as_tensor(directions).to(first.detach())
    notes.append(f"The kernel is averaged over {MANY_OUTPUTS} random directions in output space, not "
                 f"over all {outputs} outputs; its eigenvalues are not those of the network and are left "
                 "out.")  # fmt: skip
    return prepare(Mixed(question.module, mixing), question.x1, None, MEMORY), notes
