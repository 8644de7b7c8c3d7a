"""One file a noun: each route parses, calls one function and returns."""
