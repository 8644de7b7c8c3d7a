"""What the server does about runs: start them, follow them, end them, and tell everybody."""
