"""Which schedule runs next: ``strategy.py`` is the interface, and each strategy has a file."""
