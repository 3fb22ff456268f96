"""Starts the command; `rtproto` and `python -m rtproto_cli` come here."""

import sys


def main() -> None:
    """Runs `rtproto`; says which extra is missing instead of failing with a traceback."""
    try:
        from rtproto_cli._app import app
    except ImportError as error:
        missing = str(error) if "pip install" in str(error) else f"{error}: pip install 'rtproto[cli,audio]'"
        sys.exit(f"rtproto: {missing}")
    app()


if __name__ == "__main__":
    main()
