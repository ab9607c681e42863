"""One Keras network a file, named in [network] by the file's name.

A file has

- `Settings`: the typed keys of [network]; plain Python, Keras is imported inside functions: configs are read without;
- `build(features, network)`: returns the last hidden layer, float32 (batch, hidden), from the model features
  (models.layers.feature_inputs.FeatureInputs) and the settings; training adds the head, one dense output a label needs;

and may have

- `HEAD = False`: `build` returns the outputs themselves;
- `MIRRORS`: layer -> the layer whose output its units reconstruct, so that a warm start can match them;
- `TASKS`: the tasks that it fits; default: regression, binary and classes;
- `check(outputs, network)`: raises ValueError if the features (spec.columns.role.Output) do not fit;
- `fit(network, settings, training, train, evaluation, watchers)`: trains the model in its own way instead of by
  descent, and gives each epoch's metrics to the Keras callbacks `watchers`; the rows are
  models.data.split_rows.Rows; and then
  `KEYS`: the keys of [training] that act for it, and `MONITOR`: what tells its best epoch, where that is no key.
"""
