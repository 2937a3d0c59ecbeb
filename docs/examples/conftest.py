"""The example's own tests need it installed: tests/test_example_plugin.py does that, and runs them."""

collect_ignore_glob = ["lamini-creds-example/test_*.py"]
