"""The one way to GitHub: requests with limits and retries, and what a repository is told and asked.

May not decide what is done, nor how a text looks: the first is for commands, the second for reporting. What is told
here never fails or blocks what it is about.
"""
