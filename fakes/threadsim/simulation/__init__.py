"""The block: Simulation, its clock, its watchdog, and what it shares with explore."""
