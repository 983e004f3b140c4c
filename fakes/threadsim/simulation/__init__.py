"""The block: Simulation, its clock, its watchdog, and what it shares with explore.

``session.py`` is what both do on the way in and out. ``simulation_clock.py`` lets a test move time;
the jump to the next deadline is the kernel's, in ``runtime/kernel.py``.
"""
