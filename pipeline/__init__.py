"""A GitOps pipeline runner: carries a commit of a serverless AWS service to live traffic, and back."""

__version__ = "0.1.0"
