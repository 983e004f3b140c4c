"""Each standard primitive on the runtime: locks, queues, threads, time, dates and signals.

``lock.py`` and ``simple_queue.py`` say when a thread has to wait. In a simulation they call
``Kernel.wait``; in an exploration they stop in ``exploration/points.py``. ``primitive.py`` is their
base class. ``threads.py`` starts and joins threads.
"""
