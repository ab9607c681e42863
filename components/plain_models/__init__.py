"""Plain models to compare the network with: linear or logistic regression, and boosted trees, on the same splits."""
