"""Pictures and videos drawn by a model, as it is used."""
