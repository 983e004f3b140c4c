"""``nox -s bench``: what a simulation, an exploration and a JobGroup cost, each beside an aim.

Machines differ and are noisy: read the ratios.
"""
