"""Tables of the command line, from its argparse parsers and the error classes."""

import argparse
from collections.abc import Collection, Iterator

import errors
from docs.generate.attribute_docs import first_paragraph
from docs.generate.markdown import code, prose, table
from orchestration.cli.parser import parser

PROGRAM = "python runner.py"


def command(name: str) -> str:
    """Return usage and arguments of a command and of its subcommands.

    Args:
        name: A command; "" for the program itself, without its commands.
    """
    root = parser()
    described = commands(root)[name] if name else root
    return "\n\n".join(_parts(described, f"{PROGRAM} {name}".strip(), deeper=bool(name)))


def commands(root: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the subparsers of a parser by name."""
    return {name: parser for action in _subparsers(root) for name, parser in action.choices.items()}


def exit_codes(_: str = "") -> str:
    """Return exit codes with their meaning."""
    rows = [("0", "The model was pushed, or the command did what it was asked for.")]
    rows += [(str(kind.exit_code), prose(first_paragraph(kind.__doc__))) for kind in errors.KINDS.values()]
    rows.append(("130", "Stopped by Ctrl-C or SIGTERM."))
    return table(("exit code", "meaning"), rows)


def _parts(
    parser: argparse.ArgumentParser, command_line: str, *, deeper: bool, above: Collection[str] = ()
) -> Iterator[str]:
    """Yield heading, usage and table of a parser, and those of its subparsers.

    Args:
        parser: The parser.
        command_line: Its command line.
        deeper: Whether to describe its subparsers.
        above: Options of the parser above, which are not repeated.
    """
    yield f"## {command_line.removeprefix(PROGRAM).strip() or 'python runner.py'}"
    inner = commands(parser)
    actions = [
        action
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
    ]
    usage = [command_line, *(_usage(action) for action in actions if not action.option_strings)]
    usage += [str(action.metavar or "COMMAND") for action in _subparsers(parser)] if deeper else []
    usage += ["[OPTIONS]"] if any(action.option_strings for action in actions) else []
    yield f"```\n{' '.join(usage).strip()}\n```"
    if parser.description and not inner:
        yield prose(parser.description)
    shared = [action for action in actions if _signature(action) in above]
    actions = [action for action in actions if action not in shared]
    if actions:
        yield table(("argument", "meaning"), [(_signature(action), _help(action, parser)) for action in actions])
    if inner and deeper:
        helps = _helps(parser)
        for name, subparser in inner.items():
            parts = list(
                _parts(
                    subparser, f"{command_line} {name}", deeper=True, above=[_signature(action) for action in actions]
                )
            )
            yield parts[0].replace("## ", "### ")
            if not subparser.description and name in helps:
                yield prose(helps[name])
            yield from parts[1:]


def _helps(described: argparse.ArgumentParser) -> dict[str, str]:
    """Return the help of each subparser by name."""
    return {choice.dest: choice.help or "" for action in _subparsers(described) for choice in action._choices_actions}


def _subparsers(described: argparse.ArgumentParser) -> "list[argparse._SubParsersAction[argparse.ArgumentParser]]":
    return [action for action in described._actions if isinstance(action, argparse._SubParsersAction)]


def _usage(action: argparse.Action) -> str:
    argument_name = str(action.metavar or action.dest)
    return f"[{argument_name}]" if action.nargs in ("?", "*") else argument_name


def _signature(action: argparse.Action) -> str:
    """Return an argument with its value, as inline code."""
    if not action.option_strings:
        return code(_usage(action))
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    value = f" [{value.strip()}]" if action.nargs == "?" else value
    return ", ".join(code(f"{option}{value}") for option in action.option_strings)


def _help(action: argparse.Action, described: argparse.ArgumentParser) -> str:
    text = action.help or ""
    values = {**vars(action), "prog": described.prog}
    return prose(text % values) if "%" in text else prose(text)
