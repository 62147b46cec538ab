"""The settings as text: the table of `docs/settings.md`, and `.env.example`."""

from __future__ import annotations

from recsys_assets.settings import Settings, as_code, default_text, variable


def settings_table() -> str:
    """All settings as a Markdown table: variable, default, meaning."""
    rows = [
        f"| `{variable(name)}` | {as_code(default_text(name))} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def env_example() -> str:
    """The text of `.env.example`: every setting with its meaning and default, commented out."""
    head = "# Copy to .env and change what you need. Environment variables take precedence over this file.\n"
    blocks = [
        f"# {field.description}\n# {variable(name)}={default_text(name)}\n"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join([head, *blocks])
