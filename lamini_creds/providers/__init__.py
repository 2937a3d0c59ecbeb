"""The built-in providers: plugins like anyone's, but for the marker `hookimpl`: pluggy would double a start's cost."""
