"""How the tiny model was made: a command that trains it from nothing."""
