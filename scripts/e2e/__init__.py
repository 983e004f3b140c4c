"""``nox -s e2e``: real processes, real ports, real seconds. Only loopback is contacted.

``program`` runs a program as a process, ``scenarios`` says what the two programs have to do and
``group`` what an app on JobGroup has to do, ``picture`` draws a run.
"""
