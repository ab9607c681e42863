"""Names of activations and initializers that a config may use."""

OWN_ACTIVATIONS = ("step", "sign", "piecewise_linear")
"""Activations that Keras lacks."""
FLAT = ("step", "sign")
"""Activations whose gradient is 0 everywhere, so that gradient descent cannot train the layers before them."""
ACTIVATIONS = (
    *OWN_ACTIVATIONS,
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid"),
    *("silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax"),
    *("squareplus", "swish", "tanh", "tanh_shrink", "threshold"),
)
"""Every activation that a config may name."""
INITIALIZERS = (
    *("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "ones"),
    *("orthogonal", "random_normal", "random_uniform", "truncated_normal", "variance_scaling", "zeros"),
)
"""Every initializer that a config may name."""
