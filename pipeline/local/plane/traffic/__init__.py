"""The data plane of REST APIs: an HTTP request finds its deployed method, calls the function, and is answered."""
