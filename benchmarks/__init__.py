"""Our pipeline against stock TFX's components, on the same data and with the same network, in one go: `make bench`."""
