"""OneTrainer as an engine: a small program that runs in OneTrainer's own Python and speaks our run protocol.

Nothing here imports anything that a bare Python lacks, except OneTrainer itself, nor the rest of this project, except
one table (`config/recurring.py`); the language is Python 3.10's, the oldest that OneTrainer runs on.
"""
