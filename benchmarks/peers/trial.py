"""Trials of a bundle's files in peers, each in a child process: a file that ends it does not end the benchmark."""

from contextlib import suppress

from ...runtime.bundle.recipes import Format
from ...runtime.engines.probe import CannotTryError, run_trial
from ...runtime.engines.probe_child import run_on_noise, serve_trial
from .registry import Peer, format_of, load_peer

_START = "from edgeproof.benchmarks.peers.trial import main\nmain({package!r}, {name!r}, {model_format!r}, {threads!r})"
_SECONDS = 240.0  # ncnn's converter alone may take two minutes


def try_peer(peer: Peer, model: bytes, threads: int) -> None:
    """Load a file in a peer in a child process and run it on a few images; not where no child can be started.

    Raises:
        TrialDiedError: The child died, or gave no answer in time.
        EdgeproofError: Whatever else `Peer.load` raises.
    """
    code = _START.format(
        package=peer.package, name=peer.name, model_format=str(format_of(peer.variant)), threads=threads
    )
    with suppress(CannotTryError):
        run_trial(code, model, seconds=_SECONDS)


def main(package: str, name: str, model_format: str, threads: int) -> None:
    """Try the model on standard input; does not return."""

    def attempt(model: bytes) -> None:
        engine = load_peer(package, name, Format(model_format), model, threads)
        run_on_noise(engine, tuple(size or 0 for size in engine.input.shape[1:]))

    # Without a limit of the address space: a peer's needs are its own, and ncnn's converter is another process.
    serve_trial(attempt, seconds=_SECONDS)
