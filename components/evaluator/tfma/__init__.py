"""The files of TFMA: results and plots."""
