"""The ids are those of the thread that asks. Red: test_scheduler_paused.py::test_a_request_after_one_that_came_to_its_deadline."""

RIGHT = """\
        request_id = uuid.uuid4().hex
"""
WRONG = """\
        request_id = str(threading.get_ident())
"""

OUTCOME = "504 after 20 s: 0 statuses, 2 pending; 500 after 0 s: ConflictingIdError; 1 jobs lay in the store, 1 ran"
