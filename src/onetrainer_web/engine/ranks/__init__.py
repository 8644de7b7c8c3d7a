"""Several processes that carry out one run: what starts them, where they meet, and what they tell each other.

Nothing of this is imported for a run on one device.
"""
