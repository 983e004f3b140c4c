"""DaskExecutor: an APScheduler executor whose jobs run on a Dask cluster.

A job goes to the cluster as bytes, and what it came to comes back as bytes: so what cannot be
pickled is an answer on either side, and Dask need not know. Workers must be able to import this
package and the job's function.
"""

import pickle
import warnings
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any

from apscheduler.executors.pool import BasePoolExecutor
from distributed import Client, KilledWorker, LocalCluster

_NO_CONTEXT = (
    "A job on a cluster has no application context: the app is in another process. Pass what the "
    "job needs as arguments, or make an app inside the job's function."
)


class _Failed(Exception):
    """A job has raised, and Dask may run it again; its one argument is what else it told."""


class DaskExecutor(BasePoolExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Runs jobs on a Dask cluster.

    With Flask-APScheduler: ``SCHEDULER_EXECUTORS = {"default": {"type": "dask", "address": …}}``.
    Equal jobs each run (``pure=False``).

    Args:
        address: The address of the cluster's scheduler, as ``tcp://10.0.0.1:8786``.
        client: A client that is connected; it stays open at a shutdown. Without either, a
            cluster of processes on this machine is started, and ended at a shutdown.
        resources: What a worker must have, as ``{"GPU": 1}``.
        retries: How often a job that raises is run again.
        workers: How many processes the cluster that is started has; ``None``: one per processor.
        timeout: How long to try to connect, in seconds.

    Raises:
        ValueError: ``address`` and ``client`` are both given.
        OSError: No scheduler answers at the address.
    """

    def __init__(
        self,
        address: str | None = None,
        client: Any = None,
        *,
        resources: dict[str, float] | None = None,
        retries: int = 0,
        workers: int | None = None,
        timeout: float = 10,
    ) -> None:
        if address is not None and client is not None:
            raise ValueError("DaskExecutor(address=…, client=…): pass one of the two.")
        self._owned: list[Any] = []
        if client is None:
            cluster: Any = address
            if address is None:
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    # Else a job beside which a worker dies runs again, up to three times.
                    scheduler_kwargs={"allowed_failures": 0},
                )
                self._owned.append(cluster)
            client = Client(cluster, timeout=timeout, set_as_default=False)
            self._owned.insert(0, client)
        _warn_of_reruns(client)
        super().__init__(_DaskPool(client, resources, int(retries)))

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002  # APScheduler's.
        """Take no more jobs, and close the client and the cluster that were made here.

        Args:
            wait: Whether to wait for the jobs that the cluster has; else they are cancelled there,
                and one that has begun may go on, but nobody hears of it.
        """
        super().shutdown(wait)
        for each in self._owned:
            each.close()
        self._pool.let_go("the executor was shut down")


def _warn_of_reruns(client: Any) -> None:
    allowed = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.allowed_failures)
    if allowed:
        warnings.warn(
            f"Dask's scheduler at {client.scheduler.address} has allowed-failures {allowed}: a job "
            f"whose worker dies runs again, up to {allowed} times. Start the scheduler with "
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0 if a job must not run twice.",
            RuntimeWarning,
            stacklevel=3,
        )


class _DaskPool(Executor):
    """Dask's own executor, whose futures cannot be cancelled: what a cluster has may run.

    Args:
        client: The client.
        resources: What a worker must have.
        retries: How often a job that raises is run again.
    """

    def __init__(self, client: Any, resources: dict[str, float] | None, retries: int) -> None:
        options: dict[str, Any] = {"pure": False, "resources": resources, "retries": retries}
        self._client, self._call = client, partial(_call, raises=retries > 0)
        self._executor = client.get_executor(**options)
        self._sent: set[Future[Any]] = set()

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Send a call to the cluster.

        Raises:
            ConnectionError: The cluster's scheduler cannot be reached at present.
        """
        if self._client.status != "running":
            raise ConnectionError(f"no connection to Dask's scheduler: {self._client!r}")
        told: Future[Any] = Future()
        told.set_running_or_notify_cancel()
        try:
            sent = pickle.dumps((function, args, kwargs))
        except Exception as error:  # noqa: BLE001  # Whatever an argument's own code raises.
            told.set_exception(error)
            return told
        self._sent.add(told)
        self._executor.submit(self._call, sent).add_done_callback(partial(self._tell, told))
        return told

    def _tell(self, told: Future[Any], inner: Future[Any]) -> None:
        self._sent.discard(told)
        with suppress(InvalidStateError):  # It was let go.
            if inner.cancelled():
                told.set_exception(CancelledError("the cluster has let go of it"))
            elif (error := inner.exception()) is None:
                self._read(told, inner.result())
            elif isinstance(error, _Failed):
                self._read(told, error.args[0])
            elif isinstance(error, KilledWorker):
                # Without a traceback, as all errors of what may have begun.
                told.set_exception(error.with_traceback(None))
            else:  # It could not be read on the worker.
                told.set_exception(error)

    def _read(self, told: Future[Any], received: bytes) -> None:
        try:
            value = pickle.loads(received)  # noqa: S301  # From the cluster, which runs our code.
        except Exception as error:  # noqa: BLE001  # As above.
            told.set_exception(error.with_traceback(None))
        else:
            told.set_result(value)

    def let_go(self, why: str) -> None:
        """Answer for all that is still in the cluster."""
        for told in list(self._sent):
            with suppress(InvalidStateError):  # It has just ended.
                told.set_exception(CancelledError(why))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """Take no more, and wait for what was sent, or cancel it."""
        if self._client.status == "running":
            self._executor.shutdown(wait and not cancel_futures)


def _call(sent: bytes, *, raises: bool) -> bytes:
    """Make a call on a worker, and return what it told; raise if Dask is to make it again."""
    function, args, kwargs = pickle.loads(sent)  # noqa: S301  # From the executor.
    told = function(*args, **kwargs)
    errors = [each for each in map(_error_of, told) if each] if isinstance(told, list) else []
    for error in errors:
        if str(error).startswith("Working outside of application context"):
            error.add_note(_NO_CONTEXT)
        # The event has the traceback as a text. Dask would have these pickled, which may fail.
        error.__traceback__ = error.__context__ = error.__cause__ = None
    try:
        received = pickle.dumps(told)
    except Exception as error:  # noqa: BLE001  # Whatever a value's own code raises.
        text = f"what the job came to cannot be pickled: {type(error).__name__}: {error}"
        return pickle.dumps(_Unreadable(text))
    if raises and errors:
        raise _Failed(received)
    return received


def _error_of(event: Any) -> BaseException | None:
    error: BaseException | None = getattr(event, "exception", None)
    return error


class _Unreadable:
    """What a worker could not send; to be read is to raise.

    Args:
        text: Why.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return _raise, (self._text,)


def _raise(text: str) -> None:
    raise pickle.PicklingError(text)
