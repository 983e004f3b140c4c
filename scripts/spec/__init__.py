"""The specification: ``tests/spec.toml``, one line per behaviour, and the pages made of it.

``promises`` reads what a run of the tests promised, and says what differs from the committed file;
``pages`` writes three pages of ``docs/`` and the README's table of paths. ``page`` writes what
``nox -s spec`` shows, with the pictures of ``timelines``.
"""
