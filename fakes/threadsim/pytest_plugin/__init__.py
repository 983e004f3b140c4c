"""The fixture sim, the marker explore, and the options of pytest."""
