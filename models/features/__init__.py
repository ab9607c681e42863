"""One role of columns a file; the file's name is its key under [features].

A file has

- `Settings`: the typed keys of one entry, a subclass of spec.columns.role.ColumnRole, or of Role if it reads several
  columns. Its class attributes say which types of columns it takes, and how the gates treat them;
- `outputs(settings)`: yields the model features (spec.columns.role.Output) in order;
- `transform(columns, settings)`: returns a tensor for each of these, by name. `columns` holds the raw columns of the
  batch (models.transform_graph.column_batch.ColumnBatch);

and may have

- `transform_all(columns, entries)`: returns the tensors of all entries of the role at once, in place of `transform`, so
  that columns share operations: a graph with one matrix of 750 columns is built and served like one of a single column;
- `check(settings, features)`: raises ValueError if the entry does not fit the other entries of [features].

Configs are read without TensorFlow, so a file imports it inside `transform` only. A user-defined role is such a
file of the project, named by its dotted path: `[features] "my_folder.my_role" = [{column = "a"}]`.
"""
