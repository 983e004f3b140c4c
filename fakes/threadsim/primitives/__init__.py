"""Each standard primitive on the runtime: locks, queues, threads, time, dates and signals."""
