"""What is stored, as pydantic models."""
