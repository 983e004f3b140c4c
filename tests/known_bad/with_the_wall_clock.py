"""The timeout is measured by the wall clock. Red: test_deadline.py::test_a_wall_clock_that_is_set_back."""

RIGHT = """\
            return self.condition.wait_for(
                lambda: self.current_completed == self.num_tasks_to_complete, timeout
            )
"""
WRONG = """\
            until = time.time() + (timeout or 0)
            while self.current_completed < self.num_tasks_to_complete and time.time() < until:
                self.condition.wait(until - time.time())
            return self.current_completed == self.num_tasks_to_complete
"""

OUTCOME = "504 after 3620 s: 4 statuses, 1 pending"
