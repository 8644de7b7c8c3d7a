"""What model files are: told from names, shapes and metadata alone, without torch and without their weights."""
