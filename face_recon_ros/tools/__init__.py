"""Demo, sample camera, bench and latency: what a robot does not need at run time."""
