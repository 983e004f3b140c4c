"""Puts the primitives in the place of the real ones, and puts the real ones back.

``patcher.py`` does both. ``patch_table.py`` says what replaces what, ``patch_sites.py`` where. What
was made before a block is in ``outside_locks.py`` and found by ``outside_walk.py``. ``refusals.py``
refuses what cannot be virtual, ``determinism.py`` makes ids and orders repeatable.
"""
