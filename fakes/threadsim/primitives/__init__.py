"""Each standard primitive on the runtime: locks, queues, threads, time, dates and signals.

``lock.py`` and ``simple_queue.py`` say when a thread has to wait; both wait in ``primitive.py``,
which asks the kernel to block. ``threads.py`` starts and joins threads.
"""
