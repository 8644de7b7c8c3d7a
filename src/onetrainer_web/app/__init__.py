"""What is asked of the program, whoever asks: requests, or somebody at a shell."""
