"""The command line: `recsys` and what it shows."""


def main() -> None:
    """Run the command line, and leave at once when it is done."""
    # not above: each worker of `recsys serve` imports this package, as the main module, and needs no commands
    from recsys_assets.cli.command_output import run_to_the_end
    from recsys_assets.cli.commands import app

    run_to_the_end(app)
