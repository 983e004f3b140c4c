"""Turns a kernel's state into text. It decides nothing, and imports runtime only.

``kernel_errors.py`` makes the texts of Deadlock, TimeLimit and StepLimit, ``thread_table.py`` the
list of threads in them, ``waits.py`` the words of one wait, ``trace_diagram.py`` the picture of a
trace.
"""
