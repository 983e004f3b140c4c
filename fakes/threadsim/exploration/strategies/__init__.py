"""Which schedules to run: one file for each strategy."""
