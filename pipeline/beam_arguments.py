"""The Beam arguments of every stage, unless the user names another runner."""

BEAM_ARGS = (
    # In memory and named: plain DirectRunner first looks for another engine on the network.
    "--runner=FnApiRunner",
    # Without an image TFX packs its whole source anew for each stage, seconds that in memory serve nothing.
    "--sdk_container_image=unused-in-memory",
)
