"""The gates, one file each: `NAME_gate.py` is the gate whose settings are [gates.NAME].

A file contains:

- `Settings`: a frozen subclass of spec.gates.GateSettings with the keys of [gates.NAME]; its docstring and those of its
  fields are the documentation of the gate;
- `judge(context, settings)`: yields a Finding for each limit that the data exceeds. It gets a GateContext, and is not
  called if the action is "off".

A config imports these files, also on machines without TensorFlow: what imports TensorFlow, TFX or pandas is imported in
`judge`. A user-defined gate has the same form and is named by [gates.custom."MODULE.FUNCTION"].
"""
