"""The config of a pipeline whose data is a file a week."""

CONFIG = """\
[data]
path = "data/week-{SPAN}.csv"
split = {by = "hash", train = 6, eval = 2, test = 2}

[features]
numeric = [{column = "x"}, {column = "z"}]

[label]
column = "y"
task = "regression"

[network]
name = "linear"

[training]
optimizer = {name = "adam", learning_rate = 0.1}
batch_size = 32
epochs = 12
seed = 1

[evaluation]
baseline = {metric = "rmse", tolerance = 0.1}
importance = 0
"""
