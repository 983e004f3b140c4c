"""The specification: ``tests/spec.toml``, one line per behaviour, and the pages made of it.

``promises`` reads what a run of the tests promised, and says what differs from the committed file;
``pages`` writes ``docs/what_the_published_program_does.md``, ``docs/endings.md`` and the README's
table of paths.
"""
