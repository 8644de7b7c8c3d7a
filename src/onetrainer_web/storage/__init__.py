"""What the server remembers: an index of the run folders in SQLite. All SQL lives here."""
