"""What threads read and write in the program's own code, beside locks, queues and the like.

``instrumented.py`` lets the program's functions call ``hooks.py`` before each access.
``accesses.py`` finds the accesses that no lock orders, by the vector clocks of ``clocks.py``.
``containers.py`` says which places of a list or dict an operation reads and writes.
``functions.py`` finds the functions, those of ``switch_in`` included.
"""
