"""What holds the trainer together: the interfaces of families and methods, and what both sides of them speak of."""
