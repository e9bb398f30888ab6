"""What a service costs and what would cost less: usage and prices in, figures with their basis out. Pure.

No figure without its basis: a line says how much of what was used, the price, and where that price is from. What cannot
be known is said instead of guessed. Knows values and errors, no AWS.
"""
