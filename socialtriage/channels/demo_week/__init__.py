"""The practice week of a council that does not exist: what residents write, and when it arrives."""
