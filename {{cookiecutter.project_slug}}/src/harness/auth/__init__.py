"""Who is asking: API keys and access tokens in, a principal with its scopes out."""
