"""One Keras network per file; [network] names it by its file.

A file has

- `Settings`: the typed keys of [network]. Keras is imported inside functions only, so that reading a config needs none;
- `build(features, network)`: returns the last hidden layer, float32 (batch, hidden), from the model features
  (models.layers.feature_inputs.FeatureInputs) and the settings; training adds the head, a dense layer for the label;

and may have

- `HEAD = False`: `build` returns the outputs themselves;
- `head(hidden, target, network)`: returns the outputs, instead of a dense layer; those of an ensemble are (batch,
  members, units) in training;
- `EDGES = True`: it reads the quantiles of numbers in the train split (spec.columns.role.Output.edges);
- `MIRRORS`: layer -> the layer whose output its units reconstruct, so that a warm start can match them;
- `TASKS`: the kinds of tasks that it supports; default: regression, binary and classes;
- `check(outputs, network)`: raises ValueError if it does not support the features (spec.columns.role.Output);
- `fit(network, settings, training, train, evaluation, watchers)`: trains the model by a method other than gradient
  descent, and passes the metrics of each epoch to the Keras callbacks `watchers`; the rows are
  models.data.split_rows.Rows. Then it also has `KEYS`: the keys of [training] that have an effect, and `MONITOR`: the
  metric that selects the best epoch, if this is not a key.
"""
