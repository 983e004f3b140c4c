"""Each standard primitive on the runtime: locks, queues, threads, time, dates and signals.

``lock.py`` and ``simple_queue.py`` say when a thread has to wait. In a simulation both wait in
``primitive.py``, which asks the kernel to block; in an exploration in ``exploration/points.py``.
``threads.py`` starts and joins threads.
"""
