"""Default Beam arguments of every stage; --beam-args replaces them."""

BEAM_ARGS = (
    # Named explicitly, because DirectRunner first looks for another engine on the network.
    "--runner=FnApiRunner",
    # Without an image, TFX packages its whole source for each stage, which takes seconds and is not used in memory.
    "--sdk_container_image=unused-in-memory",
)
