"""The signals that stop a command, and its message then; imported before anything that takes time."""

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPED = "Stopped; run again to go on."
