"""What engines load: exported and converted files, cached by content."""
