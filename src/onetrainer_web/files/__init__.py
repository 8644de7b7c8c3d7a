"""What everybody needs of files: paths that are judged, files that are never half written, JSON, what a disk lacks."""
