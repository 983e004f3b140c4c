"""Which schedule runs next. ``strategy.py`` is the interface; each strategy has a file."""
