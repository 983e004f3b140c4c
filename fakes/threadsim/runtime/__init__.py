"""Runs virtual threads one at a time, in virtual time. It knows no standard-library primitive.

``kernel.py`` switches threads, moves time to the next deadline when none can run, and ends what is
left. In an exploration ``exploration/schedule.py`` moves time. ``virtual_thread.py`` is a thread as
the kernel knows it, ``hooks.py`` what a kernel is given, ``own_code.py`` tells our frames from the
program's, ``errors.py`` lists the errors.
"""
