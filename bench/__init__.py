"""Speed, always as ratios against a bare loop in the same run; `make bench` or `python -m bench.run`."""
