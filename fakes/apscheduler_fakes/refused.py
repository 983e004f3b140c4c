"""What has no model inside a simulation, and is refused there instead of going wrong quietly.

In a real thread beside a simulation each of these is the real thing.
"""

import concurrent.futures.thread as pools
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable
from functools import wraps
from typing import Any

from freezegun.api import _freeze_time

from apscheduler_fakes.errors import NotModelled, OutsideThread
from apscheduler_fakes.kernel import here
from apscheduler_fakes.locks import SimpleQueue

_submit: Callable[..., Any] = pools.ThreadPoolExecutor.submit


def refusals() -> list[tuple[Any, str, Any]]:
    """Return what is refused, each as owner, name and what stands there instead."""
    freeze = (
        "freeze_time or Clock inside a Simulation has no model: the simulation's clock decides the "
        "time. Use sim.clock.move_to(…) or Simulation(start=…), or freeze outside the block."
    )
    loop = (
        "an asyncio event loop inside a Simulation has no model: it waits in real time for what is "
        "to happen in virtual time. Run it outside the block."
    )
    return [
        (_freeze_time, "start", _refuse(_freeze_time.start, freeze)),
        (_freeze_time, "stop", _refuse(_freeze_time.stop, freeze)),
        (BaseEventLoop, "run_forever", _refuse(BaseEventLoop.run_forever, loop)),
        (pools.ThreadPoolExecutor, "submit", submit),
    ]


@wraps(_submit)
def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Submit to a pool made inside; one made outside has real threads or would wait for real."""
    kernel = here()
    if kernel is not None and not isinstance(self._work_queue, SimpleQueue):
        # Kept as well: APScheduler logs whatever a submission raises, and goes on.
        kernel.outside = OutsideThread(
            f"a {type(self).__name__} made outside the simulation was given work, which virtual "
            "time does not reach. Import or create the app (and whatever makes that pool) inside "
            "the `with Simulation()` block."
        )
        raise kernel.outside
    return _submit(self, *args, **kwargs)


def _refuse(real: Callable[..., Any], text: str) -> Callable[..., Any]:
    @wraps(real)
    def refuse(*args: Any, **kwargs: Any) -> Any:
        if here() is None:
            return real(*args, **kwargs)
        raise NotModelled(text)

    return refuse
