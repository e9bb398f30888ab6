"""One module per Lambda function, each with `handler(event, context)`: reads the event, calls `src`, answers."""
