"""Bugs that users of libraries reported, each as a small program of our own, with a right twin.

A program takes the class with the bug by default; its twin is the same program with the class that
follows, which is right. The programs have the faults of the reports, and none of their code.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue
from types import SimpleNamespace
from typing import Any

from written_programs import joined, started


@dataclass(frozen=True)
class KnownBug:
    """A bug of a library.

    Args:
        source: Where it was reported.
        program: Runs in threads what fails, with the class that it is given.
        right: The class that is right.
    """

    source: str
    program: Callable[..., None]
    right: type[Any]

    @property
    def name(self) -> str:
        """What fails."""
        return self.program.__name__

    def twin(self) -> None:
        """Run what is right."""
        self.program(self.right)


KNOWN_BUGS: list[KnownBug] = []


def known_bug(
    source: str, right: type[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a program to the known bugs."""

    def add(program: Callable[..., None]) -> Callable[..., None]:
        KNOWN_BUGS.append(KnownBug(source, program, right))
        return program

    return add


# A check, and then an act, in pools and caches.


class HostPool:
    """Connections to one host."""

    closed = False


class HostPools:
    """One pool for each host. A pool that another one replaces is closed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pools: dict[str, HostPool] = {}

    def get(self, host: str) -> HostPool:
        """Return the pool of a host; make it when it is first asked for."""
        pool = self.pools.get(host)
        if pool is None:
            pool = HostPool()
            with self.lock:
                if host in self.pools:
                    self.pools[host].closed = True
                self.pools[host] = pool
        return pool


class HostPoolsRight(HostPools):
    """The check is under the lock."""

    def get(self, host: str) -> HostPool:
        """Return the pool of a host; make it when it is first asked for."""
        with self.lock:
            if host not in self.pools:
                self.pools[host] = HostPool()
            return self.pools[host]


@known_bug("https://github.com/urllib3/urllib3/pull/204", HostPoolsRight)
def a_pool_in_use_is_closed(kind: type[HostPools] = HostPools) -> None:
    """Two threads make the pool of one host, and the second closes that of the first."""
    pools = kind()

    def request() -> None:
        assert not pools.get("example.org").closed

    joined(request, request)


class Socket:
    """What a connection reads from."""

    closed = False

    def close(self) -> None:
        """Close it."""
        self.closed = True


class Connection:
    """A connection to a server."""

    def __init__(self) -> None:
        self.socket: Socket | None = Socket()

    def disconnect(self) -> None:
        """Close the socket, if there is one."""
        if self.socket is None:
            return
        self.socket.close()
        self.socket = None


class ConnectionRight(Connection):
    """The socket that is looked at is the one that is closed."""

    def disconnect(self) -> None:
        """Close the socket, if there is one."""
        socket = self.socket
        if socket is not None:
            socket.close()
        self.socket = None


@known_bug("https://github.com/redis/redis-py/issues/732", ConnectionRight)
def a_connection_is_closed_twice(kind: type[Connection] = Connection) -> None:
    """Two threads disconnect, and there is no socket any more for the second."""
    connection = kind()
    joined(connection.disconnect, connection.disconnect)


class Components:
    """What a session needs, each made when it is first asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.deferred: dict[str, Callable[[], object]] = {"resolver": object}
        self.made: dict[str, object] = {}

    def get(self, name: str) -> object:
        """Return a component."""
        if name in self.deferred:
            self.made[name] = self.deferred[name]()
            del self.deferred[name]
        return self.made[name]


class ComponentsRight(Components):
    """One thread at a time asks."""

    def get(self, name: str) -> object:
        """Return a component."""
        with self.lock:
            return super().get(name)


@known_bug("https://github.com/boto/botocore/issues/1776", ComponentsRight)
def a_factory_is_deleted_twice(kind: type[Components] = Components) -> None:
    """Two threads make one component, and its factory is gone for the second."""
    components = kind()
    joined(lambda: components.get("resolver"), lambda: components.get("resolver"))


class ExpiringCache:
    """Items with the time until which they are good."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = {"a": 1, "b": 9}

    def expire(self, now: int) -> None:
        """Delete the items that are too old."""
        old = [key for key, until in self.until.copy().items() if until < now]
        for key in old:
            del self.until[key]


class ExpiringCacheRight(ExpiringCache):
    """One thread at a time deletes."""

    def expire(self, now: int) -> None:
        """Delete the items that are too old."""
        with self.lock:
            super().expire(now)


@known_bug("https://github.com/tkem/cachetools/issues/115", ExpiringCacheRight)
def an_item_expires_twice(kind: type[ExpiringCache] = ExpiringCache) -> None:
    """Two threads find the same old item, and delete it."""
    cache = kind()
    joined(lambda: cache.expire(2), lambda: cache.expire(2))
    assert cache.until == {"b": 9}


class RecentlyUsed:
    """Templates, and the order in which they were used."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.templates = {"a": 1, "b": 2}
        self.order = ["a", "b"]

    def get(self, name: str) -> int:
        """Return a template, which is now the last one that was used."""
        self.order.remove(name)
        self.order.append(name)
        return self.templates[name]

    def put(self, name: str, template: int) -> None:
        """Replace a template."""
        with self.lock:
            self.order.remove(name)
            self.order.append(name)
            self.templates[name] = template


class RecentlyUsedRight(RecentlyUsed):
    """What reads changes the order, too, and so it locks."""

    def get(self, name: str) -> int:
        """Return a template, which is now the last one that was used."""
        with self.lock:
            return super().get(name)


@known_bug("https://github.com/pallets/jinja/issues/8", RecentlyUsedRight)
def a_template_is_in_no_place(kind: type[RecentlyUsed] = RecentlyUsed) -> None:
    """A template is put into the cache while another thread moves it to the end."""
    cache = kind()
    joined(lambda: cache.get("a"), lambda: cache.put("a", 3))


class Collector:
    """A setting of the whole process, which starting a child switches off for a while."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.enabled = True

    def start_child(self) -> None:
        """Switch the setting off, and then back to what it was."""
        before = self.enabled
        self.enabled = False
        if before:
            self.enabled = True


class CollectorRight(Collector):
    """One child at a time is started."""

    def start_child(self) -> None:
        """Switch the setting off, and then back to what it was."""
        with self.lock:
            super().start_child()


@known_bug("https://github.com/python/cpython/pull/1932", CollectorRight)
def a_setting_stays_off(kind: type[Collector] = Collector) -> None:
    """The second thread sees the setting off, and leaves it so after the first put it back."""
    collector = kind()
    joined(collector.start_child, collector.start_child)
    assert collector.enabled


# Published too early.


class Server:
    """Sets itself up before its first request."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_set_up = False
        self.callbacks: dict[str, str] = {}

    def set_up(self) -> None:
        """Fill in the callbacks, once."""
        if self.is_set_up:
            return
        self.is_set_up = True
        self.callbacks["button"] = "graph"

    def request(self) -> str:
        """Answer."""
        self.set_up()
        return self.callbacks["button"]


class ServerRight(Server):
    """The flag is set last, and under a lock."""

    def set_up(self) -> None:
        """Fill in the callbacks, once."""
        with self.lock:
            if not self.is_set_up:
                self.callbacks["button"] = "graph"
                self.is_set_up = True


@known_bug("https://github.com/plotly/dash/issues/3971", ServerRight)
def a_request_comes_before_the_set_up(kind: type[Server] = Server) -> None:
    """The flag says that all is set up before it is."""
    server = kind()
    joined(server.request, server.request)


class Resolver:
    """Finds addresses by name, which it collects when it is first asked."""

    def __init__(self) -> None:
        self.flags: Any = SimpleNamespace()
        self.addresses: dict[str, str] = {}

    def populate(self) -> None:
        """Collect the addresses. A call inside returns at once: resolvers may hold each other."""
        if getattr(self.flags, "populating", False):
            return
        self.flags.populating = True
        self.addresses = {"home": "/"}
        self.flags.populating = False

    def reverse(self, name: str) -> str:
        """Return the address."""
        if not self.addresses:
            self.populate()
        return self.addresses[name]


class ResolverRight(Resolver):
    """A call inside is one of the same thread."""

    def __init__(self) -> None:
        super().__init__()
        self.flags = threading.local()


@known_bug("https://github.com/django/django/pull/6914", ResolverRight)
def a_name_is_not_yet_there(kind: type[Resolver] = Resolver) -> None:
    """The second thread takes the work of the first for its own, and goes on without."""
    resolver = kind()
    joined(lambda: resolver.reverse("home"), lambda: resolver.reverse("home"))


# Lost wake-ups.


class Batches:
    """A worker that exports what others emit, when it is woken up or after five seconds."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.awake = threading.Event()
        self.exported: list[str] = []

    def emit(self, span: str) -> None:
        """Hand something over."""
        self.waiting.append(span)
        self.awake.set()

    def export(self) -> None:
        """Export what is there."""
        while self.waiting:
            self.exported.append(self.waiting.popleft())

    def turn(self) -> None:
        """Wait, and export."""
        self.awake.wait(5)
        self.export()
        self.awake.clear()

    def work(self) -> None:
        """Export two spans."""
        while len(self.exported) < 2:
            self.turn()


class BatchesRight(Batches):
    """The wake-up is taken back before the look at what is there."""

    def turn(self) -> None:
        """Wait, and export."""
        self.awake.wait(5)
        self.awake.clear()
        self.export()


@known_bug("https://github.com/open-telemetry/opentelemetry-python/issues/5400", BatchesRight)
def a_wake_up_is_taken_back(kind: type[Batches] = Batches) -> None:
    """The second span comes after the look, and before its wake-up is taken back."""
    batches, begun = kind(), time.monotonic()
    threads = started(batches.work)
    batches.emit("one")
    batches.emit("other")
    threads[0].join()
    assert time.monotonic() - begun < 5


class RemoteCall:
    """A call to a server, with functions to run when it is done."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.callbacks: list[Callable[[], None]] = []

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        """Run a function when the call is done, or now."""
        if self.done:
            callback()
        else:
            self.callbacks.append(callback)

    def finish(self) -> None:
        """End the call."""
        self.done = True
        for callback in self.callbacks:
            callback()


class RemoteCallRight(RemoteCall):
    """Whether it is done is asked and told under a lock."""

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        """Run a function when the call is done, or now."""
        with self.lock:
            if not self.done:
                self.callbacks.append(callback)
                return
        callback()

    def finish(self) -> None:
        """End the call."""
        with self.lock:
            self.done = True
        for callback in self.callbacks:
            callback()


@known_bug("https://github.com/googleapis/python-ndb/issues/302", RemoteCallRight)
def a_callback_never_runs(kind: type[RemoteCall] = RemoteCall) -> None:
    """The call is done after the look, and before the function is in the list."""
    call, ready = kind(), threading.Event()
    started(lambda: call.add_done_callback(ready.set))
    call.finish()
    ready.wait()


class Future:
    """A result that is awaited."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiters: list[threading.Event] = []

    def finish(self) -> None:
        """Wake up all that wait."""
        with self.lock:
            for waiter in self.waiters:
                waiter.set()


class FirstOf:
    """Waits for the first of some futures."""

    def __init__(self, *futures: Future) -> None:
        self.event = threading.Event()
        self.futures = futures
        for future in futures:
            future.waiters.append(self.event)

    def wait(self) -> None:
        """Wait, and tell all futures that nobody does any more."""
        self.event.wait()
        for future in self.futures:
            self.leave(future)

    def leave(self, future: Future) -> None:
        """Tell one future."""
        future.waiters.remove(self.event)


class FirstOfRight(FirstOf):
    """The list of those who wait is changed under its lock."""

    def leave(self, future: Future) -> None:
        """Tell one future."""
        with future.lock:
            super().leave(future)


@known_bug("https://github.com/agronholm/pythonfutures/pull/43", FirstOfRight)
def a_waiter_is_passed_over(kind: type[FirstOf] = FirstOf) -> None:
    """One that waited leaves the list while a future goes through it, and the next is left out."""
    first, second = Future(), Future()
    either, other = kind(first, second), kind(second)
    threads = started(either.wait, other.wait)
    first.finish()
    second.finish()
    for thread in threads:
        thread.join()


class Flag:
    """What ``threading.Event`` once did."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.value = False

    def set(self) -> None:
        """Set the flag, and wake up all that wait."""
        with self.changed:
            self.value = True
            self.changed.notify_all()

    def clear(self) -> None:
        """Take it back."""
        with self.changed:
            self.value = False

    def wait(self, timeout: float) -> bool:
        """Wait until the flag is set, and return whether it was."""
        with self.changed:
            self.changed.wait(timeout)
            return self.value


class FlagRight(Flag):
    """What the wait returns is what counts."""

    def wait(self, timeout: float) -> bool:
        """Wait until the flag is set, and return whether it was."""
        with self.changed:
            return self.changed.wait(timeout)


@known_bug("https://github.com/gevent/gevent/pull/751", FlagRight)
def a_short_pulse_is_a_time_out(kind: type[Flag] = Flag) -> None:
    """A flag is set and taken back before the thread that it woke up looks at it."""
    flag = kind()

    def pulse() -> None:
        time.sleep(1)
        flag.set()
        flag.clear()

    started(pulse)
    assert flag.wait(60)


# Locks in two orders, and a join under a lock.


class Consumer:
    """Has a client and a coordinator, each with its lock."""

    def __init__(self) -> None:
        self.client, self.coordinator = threading.RLock(), threading.RLock()
        self.failures = 0

    def fail(self) -> None:
        """Tell the coordinator of a connection that is lost."""
        with self.coordinator:
            self.failures += 1

    def poll(self) -> None:
        """Read from the connections, one of which is lost."""
        with self.client:
            self.fail()

    def beat(self) -> None:
        """Tell the server that this consumer is alive."""
        with self.coordinator:
            self.poll()


class ConsumerRight(Consumer):
    """The client's lock comes first."""

    def beat(self) -> None:
        """Tell the server that this consumer is alive."""
        with self.client, self.coordinator:
            self.poll()


@known_bug("https://github.com/dpkp/kafka-python/issues/2076", ConsumerRight)
def a_heartbeat_hangs(kind: type[Consumer] = Consumer) -> None:
    """Two threads take two locks in two orders."""
    consumer = kind()
    joined(consumer.poll, consumer.beat)
    assert consumer.failures == 2


class Executor:
    """Has a thread that hands out work, and takes a lock when that fails."""

    def __init__(self) -> None:
        self.lock = self.lock_of_failures = threading.Lock()
        self.failures = 0
        self.feeder = threading.Thread(target=self.fail)
        self.feeder.start()

    def fail(self) -> None:
        """Note that work could not be handed out."""
        with self.lock_of_failures:
            self.failures += 1

    def shutdown(self) -> None:
        """Wait for the thread, while nobody else may change anything."""
        with self.lock:
            self.feeder.join()


class ExecutorRight(Executor):
    """The thread has a lock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


@known_bug("https://github.com/python/cpython/pull/125492", ExecutorRight)
def a_shutdown_hangs(kind: type[Executor] = Executor) -> None:
    """A thread is joined by the one that holds the lock that it needs to end."""
    executor = kind()
    executor.shutdown()
    assert executor.failures == 1


# Time-outs.


class Response:
    """An answer to a request, or the end of the time for it."""

    def __init__(self) -> None:
        self.timer = threading.Timer(10, self.time_out)
        self.is_late = self.is_timed = False

    def time_out(self) -> None:
        """Say that the answer is late."""
        self.is_late = True

    def answer(self) -> None:
        """Take the answer, and stop the timer."""
        if self.is_timed:
            self.timer.cancel()

    def send(self) -> None:
        """Send the request."""
        started(self.answer)
        self.time()

    def time(self) -> None:
        """Start the timer."""
        self.timer.start()
        self.is_timed = True


class ResponseRight(Response):
    """The timer is started before the answer can come."""

    def send(self) -> None:
        """Send the request."""
        self.time()
        started(self.answer)


@known_bug("https://github.com/apache/cassandra-python-driver/pull/685", ResponseRight)
def an_answer_is_timed_out(kind: type[Response] = Response) -> None:
    """The answer comes before there is a timer to stop."""
    response = kind()
    response.send()
    time.sleep(60)
    assert not response.is_late


class Channel:
    """Whoever waits for a reply reads it, for itself or for another thread."""

    def __init__(self) -> None:
        self.reading = threading.Lock()
        self.replies: Queue[str] = Queue()
        self.reply: str | None = None

    def serve(self) -> None:
        """Read one reply, for at most 30 seconds, and hand it over."""
        with self.reading:
            try:
                reply = self.replies.get(timeout=30)
            except Empty:
                return
        self.reply = reply

    def wait(self) -> str:
        """Return the reply."""
        while self.reply is None:
            self.serve()
        return self.reply


class ChannelRight(Channel):
    """The reply is handed over, and looked for, before another thread reads."""

    def serve(self) -> None:
        """Read one reply, for at most 30 seconds, and hand it over."""
        with self.reading:
            if self.reply is None:
                self.reply = self.replies.get(timeout=30)


@known_bug("https://github.com/tomerfiliba-org/rpyc/issues/490", ChannelRight)
def a_reply_is_there_and_awaited(kind: type[Channel] = Channel) -> None:
    """A thread waits 30 seconds for a reply that another one has read, and not yet handed over."""
    channel, begun = kind(), time.monotonic()
    channel.replies.put("done")
    started(channel.serve)
    channel.wait()
    assert time.monotonic() - begun < 30


# Changed while it is gone through, or taken apart.


class Observer:
    """Starts an emitter for each folder that is watched."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.emitters = {1}
        self.running: list[int] = []

    def schedule(self, emitter: int) -> None:
        """Watch one more folder."""
        with self.lock:
            self.emitters.add(emitter)

    def start(self) -> None:
        """Start all emitters."""
        for emitter in self.emitters:
            self.running.append(emitter)


class ObserverRight(Observer):
    """It goes through a copy."""

    def start(self) -> None:
        """Start all emitters."""
        for emitter in self.emitters.copy():
            self.running.append(emitter)


@known_bug("https://github.com/gorakhargosh/watchdog/issues/544", ObserverRight)
def a_set_changes_its_size(kind: type[Observer] = Observer) -> None:
    """A folder is added while the emitters are started."""
    observer = kind()
    joined(observer.start, lambda: observer.schedule(2))


class WeakKeys:
    """A dictionary whose keys may die while it is gone through; they are deleted afterwards."""

    def __init__(self) -> None:
        self.items = {"alive": 1, "dead": 2}
        self.dead = ["dead"]

    def next_dead(self) -> str:
        """Take a dead key."""
        return self.dead.pop()

    def keys(self) -> list[str]:
        """Return all keys, when the dead ones are deleted."""
        while self.dead:
            self.items.pop(self.next_dead(), None)
        return list(self.items)


class WeakKeysRight(WeakKeys):
    """Another thread may have been faster."""

    def next_dead(self) -> str:
        """Take a dead key."""
        try:
            return self.dead.pop()
        except IndexError:
            return ""


@known_bug("https://github.com/python/cpython/issues/98937", WeakKeysRight)
def a_key_dies_once(kind: type[WeakKeys] = WeakKeys) -> None:
    """Two threads delete one dead key."""
    keys = kind()
    joined(keys.keys, keys.keys)


class Scheduler:
    """Runs what is due, and writes down when it is due next."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.jobs = {"report": 1}

    def process_jobs(self) -> None:
        """Run what is due."""
        with self.lock:
            for job in list(self.jobs):
                self.jobs[job] += 60

    def shutdown(self) -> None:
        """Remove all jobs."""
        self.jobs.clear()


class SchedulerRight(Scheduler):
    """Jobs are removed under the lock, too."""

    def shutdown(self) -> None:
        """Remove all jobs."""
        with self.lock:
            super().shutdown()


@known_bug("https://github.com/agronholm/apscheduler/issues/104", SchedulerRight)
def a_job_that_runs_is_removed(kind: type[Scheduler] = Scheduler) -> None:
    """The scheduler is shut down while it runs what is due."""
    scheduler = kind()
    joined(scheduler.process_jobs, scheduler.shutdown)


class Stream:
    """Messages to a server: an end of file, if one is wanted, and then the close."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.closed = False
        self.sent: list[str] = []

    def shutdown(self) -> None:
        """Send the end of file, unless it is too late."""
        with self.lock:
            if self.closed:
                return
            message = "end of file"
        self.sent.append(message)

    def close(self) -> None:
        """Send the close."""
        with self.lock:
            self.closed = True
            self.sent.append("close")


class StreamRight(Stream):
    """A message is sent under the lock under which it is made."""

    def shutdown(self) -> None:
        """Send the end of file, unless it is too late."""
        with self.lock:
            if not self.closed:
                self.sent.append("end of file")


@known_bug("https://github.com/paramiko/paramiko/issues/1115", StreamRight)
def a_message_follows_the_close(kind: type[Stream] = Stream) -> None:
    """A message is made before the close, and sent after it."""
    stream = kind()
    joined(stream.shutdown, stream.close)
    assert stream.sent[-1] == "close"
