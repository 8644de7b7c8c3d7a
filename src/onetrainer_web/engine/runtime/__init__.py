"""What every part of the trainer stands on: who hears of a run, who ends it, where it writes, chance, errors."""
