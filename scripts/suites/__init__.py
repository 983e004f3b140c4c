"""Other people's test suites, run plain and then with each test inside a Simulation.

``nox -s suites`` runs this; it needs a package index. ``table`` says what is run, ``prepare``
downloads and installs, ``run`` starts pytest, ``plugin`` is what pytest loads there, ``report``
prints. What it downloads is kept in ``build/suites``.
"""
