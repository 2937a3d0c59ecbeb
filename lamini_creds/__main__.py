"""Run the command line by `python -m lamini_creds`."""

from lamini_creds.cli import main

main(prog_name="lamini-creds")
