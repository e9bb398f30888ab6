"""The traffic plane: an ASGI application before the emulator that answers what the emulator lacks, as real AWS does.

It runs in the child process, in the emulator's environment: standard library only. It talks to whatever is behind it
through one port (`emulator.Emulator`), so that it fits any emulator that speaks AWS's protocols.
"""
