"""Which thread takes each step, and which schedule runs next.

``strategy.py`` is the interface, and each strategy has a file. ``iterative_bound.py`` is the
default; it takes turns between two searches of ``exhaustive.py``.
"""
