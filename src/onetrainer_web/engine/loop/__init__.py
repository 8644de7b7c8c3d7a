"""The training of a run, from its preparation to its end."""
