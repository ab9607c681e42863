"""Training: fit, optimizers, callbacks and the run_fn that TFX calls."""
