"""The metrics, by file: each file with a tuple `METRICS` of components.evaluator.metric.Metric is found by this folder.

The files of the tasks contain the sums of a task too, as a subclass of Measure. A new metric is a new file; it imports
neither TensorFlow nor TFX, because reading a config imports the metrics.
"""
