"""What shows a canary at work: a copy of a service, ways to break that copy, and requests that somebody sends.

Works on the copy alone and on 127.0.0.1; knows nothing of AWS. May not touch the checkout that it copies.
"""
