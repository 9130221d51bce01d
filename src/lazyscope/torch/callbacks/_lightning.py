"""How is a training by PyTorch Lightning watched?"""

from typing import Any, final

from lazyscope.observe import Watch
from lazyscope.torch.callbacks._base import Network, base_class, start_watching
from lazyscope.torch.kernel._kernel import Examples

_PLACES = {"lightning.pytorch.callbacks": "Callback", "pytorch_lightning.callbacks": "Callback"}


def lightning_callback(
    x_probe: Examples, y_probe: Any = None, *, network: Network = None, **options: Any
) -> Any:
    """A callback for ``lightning.pytorch.Trainer`` that observes the module which is trained.

    The observer is made when training starts, and is told how many steps there will be
    (``trainer.estimated_stepping_batches``). Steps are those of the optimiser, ``trainer.global_step``.
    After a look its numbers go to all of ``trainer.loggers`` by their ``log_metrics``: TensorBoard, W&B,
    MLflow, CSV. Of several processes the first one looks, at the parameters that it has.

    Args:
        x_probe: as for `lazyscope.torch.Observer`.
        y_probe: as for `lazyscope.torch.Observer`.
        network: the part of the module that maps ``x_probe`` to outputs (n, C), as
            ``lambda module: module.model``; by default the module itself.
        options: further arguments of `lazyscope.torch.Observer`: groups, cadence, loss.

    Returns:
        A ``Callback``; its attribute ``observer`` has the record, None before training.

    Raises:
        InputError: Lightning is not installed; when training starts, all that the observer refuses.

    Trust: parameters that are divided among processes (FSDP) are not whole anywhere, and are refused or
    differ from the start; that is not for this callback. Tested with Lightning 2.6, gradients
    accumulated or not, its tables and TensorBoard, and against a double of the hooks that it documents.
    """
    base = base_class("PyTorch Lightning", _PLACES)

    @final
    class ObserverCallback(base):
        """Observes what Lightning trains."""

        observer: Any = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """Tell an observer about the module."""
            if not trainer.is_global_zero:
                return
            settings = {"x_probe": x_probe, "y_probe": y_probe, **options}
            steps = trainer.estimated_stepping_batches
            self._watch, self._watched = start_watching(pl_module, network, steps, settings)
            self._watch.seen = max(self._watch.seen, trainer.global_step)
            self.observer = self._watch.observer

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            """Look if a look is due."""
            if self.observer is not None:
                loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
                _log(
                    trainer, self._watch, self._watch.step(trainer.global_step, self._watched, loss)
                )

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            """Look at the end."""
            if self.observer is not None:
                _log(trainer, self._watch, self._watch.finish(self._watched))

    return ObserverCallback()


def _log(trainer: Any, watch: Watch, found: dict[str, float] | None) -> None:
    if found is not None:
        for logger in trainer.loggers:
            logger.log_metrics(found, step=watch.seen)
