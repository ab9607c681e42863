"""Benchmarks of this pipeline against stock TFX components, with the same data and network: `make bench`."""
