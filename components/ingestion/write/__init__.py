"""Arrow columns to tf.Examples in compressed record files."""
