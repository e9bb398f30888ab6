"""REST APIs (API Gateway v1): the control plane, kept in memory as long as the process lives."""
