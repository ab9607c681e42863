"""Explanation of one prediction: the contribution of each raw column, for any engine that predicts rows."""
