"""What is on disk: pictures, captions and their sizes, read with Pillow and without torch."""
