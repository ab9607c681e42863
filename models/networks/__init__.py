"""One Keras network a file, named in [network] by the file's name.

A file has

- `Settings`: the typed keys of [network]; plain Python, Keras is imported inside functions: configs are read without;
- `build(features, network)`: returns the last hidden layer, float32 (batch, hidden), from the model features
  (models.layers.feature_inputs.Seen) and the settings; training adds the head, one dense output a label needs;

and may have

- `HEAD = False`: what `build` returns are the outputs themselves;
- `MIRRORS`: layer -> the layer whose output its units give again, so that a warm start can match them;
- `TASKS`: the label's tasks that it fits, where these are not regression, binary and classes;
- `check(outputs, network)`: raises ValueError where the features (spec.columns.role.Output) do not fit;
- `fit(network, settings, training, train, evaluation, watchers)`: trains the model in its own way instead of by
  descent, and gives each epoch's metrics to the Keras callbacks `watchers`; the rows are
  models.data.split_rows.Rows; and then
  `KEYS`: the keys of [training] that act for it, and `MONITOR`: what tells its best epoch, where that is no key.
"""
