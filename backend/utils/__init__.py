"""Small helpers without AWS: the clock, the log, the problems that a caller can mend."""
