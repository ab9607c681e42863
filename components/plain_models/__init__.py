"""Plain models for comparison with the network: linear or logistic regression and boosted trees, on the same splits."""
