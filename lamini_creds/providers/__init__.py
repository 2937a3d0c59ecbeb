"""The built-in providers: plugins like anyone's but for the marker `hookimpl`, since pluggy adds half to a start."""
