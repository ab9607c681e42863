"""Without a command: run on this machine (--local)."""

import argparse

from orchestration import options


def run(arguments: argparse.Namespace, to: str | None = None) -> int:
    """Run the pipeline, or each of its variants, whole or up to one node."""
    from orchestration import local
    from orchestration.places import REPOSITORY
    from orchestration.workers import Workers

    requests = [
        local.Request(
            name=name,
            overrides=options.overrides(arguments),
            root=arguments.root,
            data_root=arguments.data_root or REPOSITORY,
            metadata=arguments.metadata,
            beam_args=options.beam(arguments),
            cache=not arguments.no_cache,
            verbose=arguments.verbose,
            to=to,
        )
        for name in options.names(arguments)
    ]
    if len(requests) > 1:
        return local.run_all(requests)
    with Workers() as workers:
        return local.run(requests[0], workers)
