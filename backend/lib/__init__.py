"""What stands between the service and AWS: clients, DynamoDB tables, API Gateway events and answers."""
