"""One Keras network a file; `build(features, network)` maps (batch, width) float32 to (batch, hidden) or its head."""
