"""Python's own tests of its locks. What they test is looked up when a test runs."""

# mypy: disable-error-code="import-not-found,import-untyped,misc"
# ruff: noqa: D101

import threading

from test import lock_tests


class TestLock(lock_tests.LockTests):
    locktype = property(lambda _test: threading.Lock)


class TestRLock(lock_tests.RLockTests):
    locktype = property(lambda _test: threading.RLock)


class TestEvent(lock_tests.EventTests):
    eventtype = property(lambda _test: threading.Event)


class TestCondition(lock_tests.ConditionTests):
    condtype = property(lambda _test: threading.Condition)


class TestSemaphore(lock_tests.SemaphoreTests):
    semtype = property(lambda _test: threading.Semaphore)


class TestBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = property(lambda _test: threading.BoundedSemaphore)


class TestBarrier(lock_tests.BarrierTests):
    barriertype = property(lambda _test: threading.Barrier)
