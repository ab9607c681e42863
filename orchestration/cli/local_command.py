"""Without a command: run on this machine (--local)."""

import argparse

from errors import UserError
from orchestration.cli import options
from pipeline import stages


def add(root: argparse.ArgumentParser) -> None:
    """Add the options of a partial run."""
    part = root.add_argument_group(
        "running a part on this machine (--local)",
        f"stages: {', '.join(stages.ORDER)} (tuner with [tuner], warm-start with training.warm_start), and those of "
        "[stages]",
    )
    part.add_argument(
        "--from",
        metavar="STAGE",
        dest="first",
        help="start with this stage, on the outputs of the newest run that has finished the stages before it",
    )
    part.add_argument("--to", metavar="STAGE", help="end with this stage; only the stages that it needs run")
    part.add_argument(
        "--only",
        metavar="STAGE",
        help="run this stage alone, on the outputs of the newest run that has finished the stages before it, and show "
        "its result beside that of the run before; not pusher, which changes what is served",
    )


def run(arguments: argparse.Namespace, to: str | None = None) -> int:
    """Run the pipeline, or each of its variants, entirely or up to one stage."""
    from orchestration import lazy_packages

    lazy_packages.defer(lazy_packages.OF_STORE_READERS)
    from orchestration.local import supervisor
    from orchestration.local.fork_server import ForkServer
    from orchestration.local.run_request import Request
    from orchestration.local.warm import warm_process

    only = arguments.only if to is None else None
    for option, stage in (("--from", arguments.first), ("--to", arguments.to)):
        if only and stage:
            raise UserError(f"--only {only} {option} {stage}: --only runs one stage; remove one of the options")
    requests = [
        Request(
            name=name,
            overrides=options.overrides(arguments),
            root=arguments.root,
            data_root=arguments.data_root,
            metadata=arguments.metadata,
            beam_args=options.beam(arguments),
            cache=not arguments.no_cache,
            verbose=arguments.verbose,
            first=only or (arguments.first if to is None else None),
            to=to or only or arguments.to,
            only=only is not None,
            new_run=arguments.new_run,
            warm=not arguments.no_warm,
        )
        for name in options.names(arguments)
    ]
    if arguments.no_warm:
        warm_process.end()
    if len(requests) > 1:
        return supervisor.run_all(requests)
    with ForkServer(warm=requests[0].warm) as workers:
        return supervisor.run(requests[0], workers)
