"""What GitHub Actions tells a step of the run that it is in.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from collections.abc import Mapping


def run_url_of(environ: Mapping[str, str]) -> str | None:
    """The page of the GitHub Actions run, when there is one."""
    server, repository = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    run = environ.get("GITHUB_RUN_ID")
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None
