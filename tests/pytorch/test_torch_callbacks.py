"""Do callbacks look when their libraries' loops call them, and log where the libraries log?

The libraries are not needed: these are doubles of the calls that they document, in the order of their
documentation. A library that is installed is not used in place of its double.
"""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope import InputError
from lazyscope.observe import Cadence
from lazyscope.torch import huggingface_callback, lightning_callback

X = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32))
Y = torch.ones(6, 1)


class Logger:
    def __init__(self):
        self.seen = {}

    def log_metrics(self, metrics, step=None):
        self.seen[step] = metrics


class Callback:
    """The hooks of Lightning that its trainer calls, all of which do nothing."""

    def on_train_start(self, trainer, pl_module): ...
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx): ...
    def on_train_end(self, trainer, pl_module): ...


class LightningTrainer:
    """A loop that accumulates gradients of two batches, as Lightning counts: `global_step` is of updates."""

    def __init__(self, callback, steps, *, zero=True):
        self.callbacks, self.loggers = [callback], [Logger(), Logger()]
        self.estimated_stepping_batches, self.global_step, self.is_global_zero = steps, 0, zero

    def fit(self, module):
        optimizer = torch.optim.SGD(module.parameters(), 0.1)
        for each in self.callbacks:
            each.on_train_start(self, module)
        for number in range(2 * int(self.estimated_stepping_batches)):
            loss = (module(X) - Y).square().mean() / 2
            loss.backward()
            if number % 2:
                optimizer.step()
                optimizer.zero_grad()
                self.global_step += 1
            for each in self.callbacks:
                each.on_train_batch_end(self, module, {"loss": loss.detach()}, (X, Y), number)
        for each in self.callbacks:
            each.on_train_end(self, module)


class TrainerCallback:
    """The events of transformers that are used here; each may get more by name than it asks for."""

    def on_train_begin(self, args, state, control, **kwargs): ...
    def on_step_end(self, args, state, control, **kwargs): ...
    def on_train_end(self, args, state, control, **kwargs): ...


class HuggingFaceTrainer:
    def __init__(self, model, callback, steps):
        self.model, self.callback, self.logged = model, callback, {}
        self.state = SimpleNamespace(
            max_steps=steps, global_step=0, log_history=[], is_world_process_zero=True
        )

    def log(self, logs):
        self.logged[self.state.global_step] = logs
        self.state.log_history.append({**logs, "step": self.state.global_step})

    def train(self):
        optimizer = torch.optim.SGD(self.model.parameters(), 0.1)
        parts = {"model": self.model, "optimizer": optimizer, "lr_scheduler": None}
        self.callback.on_train_begin(None, self.state, None, **parts)
        for _ in range(self.state.max_steps):
            optimizer.zero_grad()
            (self.model(X).logits - Y).square().mean().backward()
            optimizer.step()
            self.state.global_step += 1
            self.callback.on_step_end(None, self.state, None, **parts)
        self.callback.on_train_end(None, self.state, None, **parts)


@pytest.fixture
def libraries(monkeypatch):
    """Doubles in place of both libraries."""
    lightning, transformers = (ModuleType(name) for name in ("callbacks", "transformers"))
    lightning.Callback, transformers.TrainerCallback = Callback, TrainerCallback
    for name in ("lightning", "lightning.pytorch"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "lightning.pytorch.callbacks", lightning)
    monkeypatch.setitem(sys.modules, "transformers", transformers)


@pytest.mark.usefixtures("libraries")
def test_lightning_trains_with_eight_looks_that_all_its_loggers_get():
    module = nn.Linear(3, 1)
    callback = lightning_callback(X, Y)
    trainer = LightningTrainer(callback, 12)
    assert isinstance(callback, Callback)
    trainer.fit(module)
    record = callback.observer.record
    assert len(record.looks) >= 8
    assert record.looks[-1].step == 12
    assert record.subject.num_parameters == 4
    assert np.isfinite(record.loss[1:]).all()
    for logger in trainer.loggers:
        assert list(logger.seen) == record.steps[1:].tolist()
        assert logger.seen[12]["lazyscope/total"] == record.looks[-1].measurement.total > 0


@pytest.mark.slow
@pytest.mark.usefixtures("libraries")
def test_lightning_looks_at_a_part_of_the_module_in_the_first_process_alone():
    class Task(nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.scale = nn.Linear(3, 1), nn.Parameter(torch.ones(()))

        def forward(self, x):
            return self.model(x) * self.scale

    kept = {"network": lambda task: task.model, "cadence": Cadence(at_least=1, share=1e-9)}
    first, other = (lightning_callback(X, Y, **kept) for _ in range(2))
    LightningTrainer(first, float(3)).fit(Task())
    LightningTrainer(other, 3, zero=False).fit(Task())
    assert first.observer.record.subject.num_parameters == 4
    assert first.observer.record.steps.tolist() == [0, 3]  # none was due; the end is looked at
    assert other.observer is None


class Records(nn.Module):
    """A model that returns a record, as those of transformers do."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, x):
        return SimpleNamespace(logits=self.linear(x))


class Logits(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("attached", [True, False])
def test_hugging_face_trains_with_eight_looks_that_its_log_gets(attached):
    callback = huggingface_callback(X, Y, network=Logits)
    trainer = HuggingFaceTrainer(Records(), callback, 9)
    callback.trainer = trainer if attached else None
    trainer.train()
    record = callback.observer.record
    assert len(record.looks) >= 8
    assert record.looks[-1].step == 9
    assert list(trainer.logged) == (record.steps[1:].tolist() if attached else [])


@pytest.mark.usefixtures("libraries")
def test_a_cadence_that_is_none_is_refused_when_training_begins():
    with pytest.raises(InputError, match="Cadence must be a Cadence"):
        HuggingFaceTrainer(
            Records(), huggingface_callback(X, Y, network=Logits, cadence=12), 9
        ).train()


@pytest.mark.parametrize("make", [lightning_callback, huggingface_callback])
def test_without_the_library_a_callback_says_so(make, monkeypatch):
    for name in ("lightning", "lightning.pytorch.callbacks", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pytorch_lightning.callbacks", None)
    with pytest.raises(InputError, match="is not installed, which lazyscope does not do by itself"):
        make(X)
