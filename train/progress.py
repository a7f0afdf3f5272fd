"""Training progress: one line an epoch, with the time that is left."""

import time
from typing import Any, TextIO

import keras


class EpochLines(keras.callbacks.Callback):
    """Writes a line after every epoch; on a terminal it also counts the steps of the running one.

    Args:
        stream: The output.
        finished: Number of epochs that were finished before this process began.
    """

    def __init__(self, stream: TextIO, *, finished: int = 0) -> None:
        super().__init__()
        self._stream, self._live, self._finished = stream, stream.isatty(), finished

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the whole training."""
        self._begin = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of an epoch."""
        self._epoch, self._epoch_begin = epoch, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count on a terminal, where the line can be overwritten."""
        if self._live and batch % 10 == 0:
            share = batch / self.params["steps"]
            self._stream.write(f"\r  epoch {self._epoch + 1:2}/{self.params['epochs']}  {share * 100:3.0f} %")
            self._stream.flush()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch's figures, its duration and the time left at this pace."""
        logs = logs or {}
        epochs = self.params["epochs"]
        now = time.perf_counter()
        left = (now - self._begin) / (epoch + 1 - self._finished) * (epochs - epoch - 1)
        self._stream.write(
            ("\r" if self._live else "")
            + f"  epoch {epoch + 1:2}/{epochs}"
            + f"  loss {logs.get('loss', float('nan')):.4f}"
            + f"  accuracy {logs.get('accuracy', float('nan')) * 100:6.2f} %"
            + f"  validation {logs.get('val_accuracy', float('nan')) * 100:6.2f} %"
            + f"  {now - self._epoch_begin:5.1f} s, {left:4.0f} s left\n"
        )
        self._stream.flush()
