"""The engine, stand-in plugins and back ends for a machine that has none of them."""
