"""The specification: ``tests/spec.toml``, one line per behaviour, and the pages made of it.

``promises`` reads what a run of the tests promised, and says what differs from the committed file;
``pages`` writes ``docs/specification/paths.md``, ``docs/jobgroup/all_endings.md`` and the README's
table of paths. ``page`` writes what ``nox -s spec`` shows, with the pictures of ``timelines``.
"""
