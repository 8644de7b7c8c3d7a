"""Training with torch: a process of its own, started as `python -m onetrainer_web.engine.worker RUN_FOLDER`."""
