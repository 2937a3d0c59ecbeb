"""The built-in providers: plugins of the same shape as anyone's."""
