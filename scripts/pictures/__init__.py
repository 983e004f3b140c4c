"""The pictures of the docs, drawn from what the programs do and from the project's own source.

``python -m pictures`` writes ``docs/pictures/*.svg``. ``python -m pictures --check`` compares them.
``sheet.py`` is the paper, ``recording.py`` runs a program and notes what happens, and each other
module draws one kind of picture.
"""
