"""Do the callbacks stand in the loops of Lightning and Hugging Face as they are, and do loggers get numbers?

Extra ``callbacks``; each part is skipped where its library is not installed. What the libraries are asked for
is tested without them too, against doubles.
"""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lazyscope.torch import huggingface_callback, lightning_callback

pytestmark = [
    pytest.mark.slow,
    # of the libraries' own: workers of loaders, folders that exist, deprecations of theirs
    pytest.mark.filterwarnings("default"),
]

POINTS, BATCH, EPOCHS = 48, 4, 2
X = torch.from_numpy(np.random.default_rng(0).normal(size=(POINTS, 3)).astype(np.float32))
Y = X.sum(1, keepdim=True)


class TestLightning:
    @pytest.fixture
    def lightning(self):
        return pytest.importorskip("lightning.pytorch", reason="needs the extra callbacks")

    def fitted(self, lightning, folder, callback, *loggers, **how):
        class Task(lightning.LightningModule):
            def __init__(self):
                super().__init__()
                self.model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))

            def forward(self, x):
                return self.model(x)

            def training_step(self, batch, _):
                x, y = batch
                loss = (self(x) - y).square().mean() / 2
                self.log("loss", loss)
                return loss

            def configure_optimizers(self):
                return torch.optim.AdamW(self.parameters(), 1e-2)

        table = lightning.loggers.CSVLogger(folder, flush_logs_every_n_steps=1)
        trainer = lightning.Trainer(
            accelerator="cpu",
            callbacks=[callback],
            logger=[table, *loggers],
            log_every_n_steps=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            default_root_dir=folder,
            **{"max_epochs": EPOCHS, **how},
        )
        data = torch.utils.data.TensorDataset(X, Y)
        task = Task()
        before = {name: tensor.clone() for name, tensor in task.state_dict().items()}
        trainer.fit(task, torch.utils.data.DataLoader(data, batch_size=BATCH))
        return task, before, trainer

    @pytest.mark.parametrize("accumulated", [1, 3])
    def test_every_logger_gets_the_numbers_of_eight_looks_at_least(
        self, lightning, tmp_path, accumulated
    ):
        callback = lightning_callback(X[:6], Y[:6])
        assert isinstance(callback, lightning.Callback)
        how = {"accumulate_grad_batches": accumulated}
        task, before, trainer = self.fitted(lightning, tmp_path, callback, **how)
        record = callback.observer.record
        steps = EPOCHS * POINTS // BATCH // accumulated
        assert record.looks[-1].step == trainer.global_step == steps
        assert len(record.looks) >= min(8, steps)
        assert np.isfinite(record.loss[1:-1]).all()
        named = list(task.named_parameters())
        moved = sum(float((p - before[n]).square().sum().detach()) for n, p in named)
        size = sum(float(before[n].square().sum()) for n, _ in named)
        told = record.looks[-1].measurement.total
        assert told == pytest.approx((moved / size) ** 0.5, rel=1e-5)
        with open(f"{trainer.logger.log_dir}/metrics.csv", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("lazyscope/total")]
        assert {int(row["step"]) for row in rows} == set(record.steps[1:].tolist())
        assert float(rows[-1]["lazyscope/total"]) == pytest.approx(told)

    def test_the_watched_training_is_the_one_that_would_have_been(self, lightning, tmp_path):
        found = []
        for callback in (lightning_callback(X[:6], Y[:6]), lightning.Callback()):
            torch.manual_seed(0)
            task, _, _ = self.fitted(lightning, tmp_path, callback)
            found.append(torch.cat([p.detach().flatten() for p in task.parameters()]))
        assert torch.equal(*found)

    def test_tensorboard_gets_the_numbers(self, lightning, tmp_path):
        pytest.importorskip("tensorboard", reason="needs tensorboard")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        callback = lightning_callback(X[:6], Y[:6])
        board = lightning.loggers.TensorBoardLogger(tmp_path)
        self.fitted(lightning, tmp_path, callback, board, max_epochs=1)
        events = EventAccumulator(board.log_dir)
        events.Reload()
        seen = {event.step: event.value for event in events.Scalars("lazyscope/total")}
        looks = callback.observer.record.looks[1:]
        assert seen == {look.step: pytest.approx(look.measurement.total) for look in looks}


class Logits(nn.Module):
    """What of a language model is watched: the logits of the last token, for some words."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        return self.model(input_ids=tokens).logits[:, -1, :5]


class TestHuggingFace:
    @pytest.fixture
    def transformers(self):
        pytest.importorskip("accelerate", reason="needs the extra callbacks")
        return pytest.importorskip("transformers", reason="needs the extra callbacks")

    def trained(self, transformers, folder, callback, **how):
        torch.manual_seed(0)
        size = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 8, "vocab_size": 11}
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**size))
        tokens = torch.from_numpy(np.random.default_rng(1).integers(0, 11, (24, 8)))
        data = [{"input_ids": row, "labels": row} for row in tokens]
        told = {"per_device_train_batch_size": 4, "max_steps": 20, "logging_steps": 1}
        arguments = transformers.TrainingArguments(
            output_dir=str(folder),
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
            learning_rate=1e-2,
            **{**told, **how},
        )
        callbacks = [] if callback is None else [callback]
        trainer = transformers.Trainer(model, arguments, train_dataset=data, callbacks=callbacks)
        if callback is not None:
            callback.trainer = trainer
        trainer.train()
        return model, trainer, tokens

    @pytest.mark.parametrize("accumulated", [1, 2])
    def test_its_log_gets_the_numbers_of_eight_looks_at_least(
        self, transformers, tmp_path, accumulated
    ):
        probe = torch.arange(24).reshape(4, 6) % 11
        callback = huggingface_callback(probe, network=Logits)
        assert isinstance(callback, transformers.TrainerCallback)
        how = {"gradient_accumulation_steps": accumulated}
        _, trainer, _ = self.trained(transformers, tmp_path, callback, **how)
        record = callback.observer.record
        assert record.looks[-1].step == trainer.state.global_step == 20
        assert len(record.looks) >= 8
        logged = [row for row in trainer.state.log_history if "lazyscope/total" in row]
        assert [row["step"] for row in logged] == record.steps[1:].tolist()
        assert logged[-1]["lazyscope/total"] == record.looks[-1].measurement.total > 0

    def test_the_watched_training_is_the_one_that_would_have_been(self, transformers, tmp_path):
        """Without dropout in the looks: the module is put back into the mode that it trains in."""
        callback = huggingface_callback(torch.arange(12).reshape(2, 6) % 11, network=Logits)
        models = [self.trained(transformers, tmp_path, each)[0] for each in (callback, None)]
        weights = [torch.cat([p.detach().flatten() for p in m.parameters()]) for m in models]
        assert torch.equal(*weights)
        assert models[0].training


def test_the_double_of_a_state_is_as_lean_as_the_real_one():
    """A state of Trainer has the fields that the callback reads."""
    transformers = pytest.importorskip("transformers", reason="needs the extra callbacks")
    state = transformers.TrainerState()
    read = SimpleNamespace(max_steps=0, global_step=0, log_history=[], is_world_process_zero=True)
    assert all(hasattr(state, name) for name in vars(read))
