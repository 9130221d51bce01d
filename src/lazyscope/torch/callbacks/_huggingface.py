"""How is a training by the Trainer of Hugging Face watched?"""

from typing import Any, final

from lazyscope.torch.callbacks._base import Network, base_class, start_watching
from lazyscope.torch.kernel._kernel import Examples

_PLACES = {"transformers": "TrainerCallback"}


def huggingface_callback(
    x_probe: Examples, y_probe: Any = None, *, network: Network = None, **options: Any
) -> Any:
    """A callback for ``transformers.Trainer`` that observes the model which is trained.

    ::

        callback = huggingface_callback(tokens, one_hot, network=Logits, loss="cross-entropy")
        trainer = Trainer(model, arguments, train_dataset=data, callbacks=[callback])
        callback.trainer = trainer                              # its log() takes the numbers
        trainer.train()

    The observer is made when training begins and is told ``state.max_steps``; steps are
    ``state.global_step``, updates rather than batches. After a look its numbers go to ``trainer.log`` where
    the attribute ``trainer`` was set, hence to whatever ``report_to`` names: TensorBoard, W&B, MLflow.
    Without it they are in the record alone. The loss that Trainer logged last stands beside a look of the
    same step.

    Args:
        x_probe: as for `lazyscope.torch.Observer`.
        y_probe: as for `lazyscope.torch.Observer`.
        network: a function of the model whose result maps ``x_probe`` to outputs (n, C): models of
            transformers return records, so this is a module around the model that returns some of its logits.
        options: further arguments of `lazyscope.torch.Observer`: groups, cadence, loss.

    Returns:
        A ``TrainerCallback``; its attribute ``observer`` has the record, None before training.

    Raises:
        InputError: transformers is not installed; when training begins, all that the observer refuses.

    Trust: tested with transformers 5.24, gradients accumulated or not, and against a double of the calls that
    it documents (``on_train_begin``, ``on_step_end``, ``on_train_end``; ``Trainer.log``).
    """
    base = base_class("transformers", _PLACES)

    @final
    class ObserverCallback(base):
        """Observes what Trainer trains."""

        observer: Any = None
        trainer: Any = None

        def on_train_begin(
            self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
        ) -> None:
            """Tell an observer about the model."""
            if not state.is_world_process_zero:
                return
            settings = {"x_probe": x_probe, "y_probe": y_probe, **options}
            self._watch, self._watched = start_watching(model, network, state.max_steps, settings)
            self._watch.seen = max(self._watch.seen, state.global_step)
            self.observer = self._watch.observer

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """Look if a look is due."""
            if self.observer is not None:
                last = state.log_history[-1] if state.log_history else {}
                loss = last.get("loss") if last.get("step") == state.global_step else None
                self._log(self._watch.step(state.global_step, self._watched, loss))

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """Look at the end."""
            if self.observer is not None:
                self._log(self._watch.finish(self._watched))

        def _log(self, found: dict[str, float] | None) -> None:
            if found is not None and self.trainer is not None:
                self.trainer.log(found)

    return ObserverCallback()
