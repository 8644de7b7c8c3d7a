"""How weights learn: optimizers, schedules, the updates themselves and their average."""
