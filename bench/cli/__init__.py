"""The command line: options, console and one file a verb in commands/."""
