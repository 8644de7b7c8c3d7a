"""OneTrainer as an engine: a small program that runs in OneTrainer's own Python and speaks our run protocol.

Nothing here imports the rest of this project or anything that a bare Python lacks, except OneTrainer itself; the
language is Python 3.10's, the oldest that OneTrainer runs on.
"""
