"""Version of the package; ``deno task wheel`` writes that of the program."""

__version__ = "0"
