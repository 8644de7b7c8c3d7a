"""What the processes say to each other: the run folder, its journal of events, its commands and its lock."""
